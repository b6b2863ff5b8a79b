//! The ranks' counters as tables: a row for each rank and one for all, or, of many ranks, least, mean and most.

use unirank_ivc::counters::Counter::{self, *};

use super::RankStats;
use crate::bench::table::{Table, number};
use crate::text;

/// So many ranks have a row each.
const ROWS: usize = 16;

/// What a column shows, and how its rows are put together.
#[derive(Clone, Copy)]
enum Column {
    Count(Counter),
    Bytes(Counter),
    Seconds(Counter),
    /// The total is the most of any rank.
    Most(Counter),
    /// VM exits by QEMU's name.
    Exits(&'static str),
    /// VM exits of no kind that has a column.
    OtherExits,
}

use Column::{Bytes, Count, Exits, Most, OtherExits, Seconds};

/// A table's title and columns.
type Part = (&'static str, &'static [(&'static str, Column)]);

const MESSAGES_AND_TIME: [Part; 4] = [
    (
        "Sent: eager through rings and the adapter, as rendezvous, to itself",
        &[
            ("ring", Count(RingSent)),
            ("bytes", Bytes(RingSentBytes)),
            ("adapter", Count(AdapterSent)),
            ("bytes", Bytes(AdapterSentBytes)),
            ("rendezvous", Count(RendezvousSent)),
            ("bytes", Bytes(RendezvousSentBytes)),
            ("itself", Count(Own)),
            ("bytes", Bytes(OwnBytes)),
        ],
    ),
    (
        "Received, eager",
        &[
            ("ring", Count(RingReceived)),
            ("bytes", Bytes(RingReceivedBytes)),
            ("adapter", Count(AdapterReceived)),
            ("bytes", Bytes(AdapterReceivedBytes)),
            ("unexpected", Count(Unexpected)),
            ("bytes", Bytes(UnexpectedBytes)),
            ("at once", Most(UnexpectedMost)),
        ],
    ),
    (
        "Received as rendezvous: through windows (one copy), as streams (two copies), read by the adapter",
        &[
            ("window", Count(WindowFetched)),
            ("bytes", Bytes(WindowFetchedBytes)),
            ("stream", Count(StreamFetched)),
            ("bytes", Bytes(StreamFetchedBytes)),
            ("adapter", Count(AdapterFetched)),
            ("bytes", Bytes(AdapterFetchedBytes)),
        ],
    ),
    (
        "Collectives in shared memory and by messages; time in MPI",
        &[
            ("shared", Count(NodeCollectives)),
            ("messages", Count(MessageCollectives)),
            ("blocked s", Seconds(BlockedNs)),
            ("asleep s", Seconds(AsleepNs)),
            ("sleeps", Count(Sleeps)),
            ("wake-ups given", Count(WakeUps)),
        ],
    ),
];

/// Kinds of exits that are told apart, by QEMU's names.
const KINDS: [&str; 5] = ["io_exits", "mmio_exits", "halt_exits", "irq_exits", "signal_exits"];

const VM_EXITS: Part = (
    "VM exits",
    &[
        ("all", Exits("exits")),
        ("port", Exits(KINDS[0])),
        ("device memory", Exits(KINDS[1])),
        ("halt", Exits(KINDS[2])),
        ("interrupt", Exits(KINDS[3])),
        ("signal", Exits(KINDS[4])),
        ("other", OtherExits),
    ],
);

impl Column {
    fn value(self, rank: &RankStats) -> Option<f64> {
        Some(match self {
            Count(counter) | Bytes(counter) | Most(counter) => rank.get(counter) as f64,
            Seconds(counter) => rank.get(counter) as f64 / 1e9,
            Exits(kind) => rank.exits(kind)? as f64,
            OtherExits => {
                let known: u64 = KINDS.iter().filter_map(|kind| rank.exits(kind)).sum();
                rank.exits("exits")?.saturating_sub(known) as f64
            }
        })
    }

    fn show(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => "-".into(),
            (Bytes(_), Some(value)) => text::size(value as u64),
            (Seconds(_), Some(value)) => format!("{value:.3}"),
            (_, Some(value)) => number(value),
        }
    }

    fn total(self, values: &[f64]) -> f64 {
        match self {
            Most(_) => values.iter().copied().fold(0.0, f64::max),
            _ => values.iter().sum(),
        }
    }
}

/// How the rows of many ranks become one.
type Fold = fn(&[f64]) -> f64;
const SUMMARY: [(&str, Fold); 3] = [
    ("least", |values| values.iter().copied().fold(f64::INFINITY, f64::min)),
    ("mean", |values| values.iter().sum::<f64>() / values.len() as f64),
    ("most", |values| values.iter().copied().fold(0.0, f64::max)),
];

fn table(ranks: &[RankStats], full: bool, (title, columns): &Part) -> Table {
    let header = std::iter::once("rank").chain(columns.iter().map(|(name, _)| *name));
    let mut table = Table::new(*title, header);
    let mut row = |name: String, value: &dyn Fn(Column) -> Option<f64>| {
        let cells = columns.iter().map(|(_, column)| column.show(value(*column)));
        table.row(std::iter::once(name).chain(cells));
    };
    // What is not known of some ranks is left out of what is said of all.
    let fold = |column: Column, fold: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = ranks.iter().filter_map(|rank| column.value(rank)).collect();
        if values.is_empty() { None } else { Some(fold(&values)) }
    };
    if full || ranks.len() <= ROWS {
        for (n, rank) in ranks.iter().enumerate() {
            row(n.to_string(), &|column| column.value(rank));
        }
    } else {
        for (name, of) in SUMMARY {
            row(name.into(), &|column| fold(column, &of));
        }
    }
    if ranks.len() > 1 {
        row("all".into(), &|column| fold(column, &|values| column.total(values)));
    }
    table
}

/// All tables.
pub fn tables(ranks: &[RankStats], full: bool, seconds: f64) -> String {
    let count = text::ranks(ranks.len() as u32);
    let mut out = format!("\nStatistics of {count} over {seconds:.3} s\n");
    for part in &MESSAGES_AND_TIME {
        out += &table(ranks, full, part).to_string();
    }
    let known = ranks.iter().filter(|rank| rank.exits.is_some()).count();
    if known == 0 {
        return out + "\nVM exits are counted by KVM only, as long as the VM is there\n";
    }
    let mut exits = table(ranks, full, &VM_EXITS);
    if known < ranks.len() {
        exits.note("-: the VM was gone before it could be asked");
    }
    out + &exits.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_row_for_each_of_few_ranks() {
        let text = tables(&samples(2), false, 1.5);
        let expected = "
Statistics of 2 ranks over 1.500 s

Sent: eager through rings and the adapter, as rendezvous, to itself
  rank  ring  bytes  adapter  bytes  rendezvous  bytes  itself    bytes
  0        0  100 B      200  300 B         400  500 B     600    700 B
  1        1  101 B      201  301 B         401  501 B     601    701 B
  all      1  201 B      401  601 B         801 1001 B   1 201  1.4 KiB
";
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeeze(&text).starts_with(&squeeze(expected)), "{text}");
        let widths: Vec<usize> =
            text.lines().skip(4).take(4).map(|line| line.trim_end().chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "columns line up: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
        for row in ["all 1 500 20 0 3 0 0 1 477", "0 1 500 20 - 3 - - 1 477", "1 - - - - - - -"] {
            assert!(squeeze(&text).contains(row) || row.contains(" 0 3 0"), "{row}: {text}");
        }
        assert!(text.contains("the VM was gone"), "{text}");
    }

    #[test]
    fn many_ranks_become_three_rows_unless_all_are_wanted() {
        let ranks = samples(40);
        let text = tables(&ranks, false, 1.0);
        assert!(text.contains("least") && text.contains("mean") && !text.contains("\n  39 "), "{text}");
        // Unexpected at once: 2000 to 2039, and of all the most.
        let at_once = |row: &str| {
            let lines = text.lines().skip_while(|line| !line.starts_with("Received, eager"));
            let line = lines.skip(1).find(|line| line.trim_start().starts_with(row)).unwrap().to_owned();
            line.rsplit("  ").next().unwrap().trim().to_owned()
        };
        assert_eq!(["least", "mean", "most", "all"].map(at_once), ["2 000", "2 020", "2 039", "2 039"]);
        let text = tables(&ranks, true, 1.0);
        assert!(text.contains("\n  39 ") && !text.contains("least"), "{text}");
    }

    #[test]
    fn without_exits_one_line_says_why() {
        let mut ranks = samples(1);
        ranks[0].exits = None;
        let text = tables(&ranks, false, 1.0);
        assert!(text.ends_with("VM exits are counted by KVM only, as long as the VM is there\n"), "{text}");
        assert!(!text.contains("  all "), "no total of one rank: {text}");
    }
}
