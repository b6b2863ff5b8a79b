//! Do all ranks wait for each other for ever? Each tells when it has waited for long, again every second, and when that is
//! over (`mpi-lite/src/check/silence.rs`). When all of them have told so, and then told it again twice while none went on,
//! every one has looked in vain since the last began to wait: nothing can move any more.

use std::collections::BTreeMap;

use super::control::LONGEST_TEXT;
use crate::text::one_line;

/// How often every rank has to say that it still waits.
const AGAIN: u32 = 2;
/// Most different waits that are shown.
const MOST_SHOWN: usize = 16;
/// Most ranks of one wait that are listed.
const MOST_LISTED: usize = 16;

/// In what a rank waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// Seconds without anything.
    pub seconds: u64,
    /// MPI function.
    pub function: String,
    /// Tells communicators apart; empty when the function has none.
    pub identity: String,
    /// The communicator in words; empty when the function has none.
    pub place: String,
    /// Number of the collective on it; 0 if it is none.
    pub number: u64,
    /// The operations under way.
    pub what: String,
}

impl Wait {
    /// Understands what a rank says; a rank can say anything.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.splitn(6, '\t');
        let mut next = || fields.next();
        let seconds = next()?.parse().ok()?;
        let mut words = || next().map(|text| one_line(text, LONGEST_TEXT));
        let (function, identity, place) = (words()?, words()?, words()?);
        let number = words()?.parse().ok()?;
        Some(Self { seconds, function, identity, place, number, what: words()? })
    }

    fn in_words(&self) -> String {
        let number = match self.number {
            0 => String::new(),
            n => format!(", the {} collective on it", ordinal(n)),
        };
        let what = if self.what.is_empty() { String::new() } else { format!(": {}", self.what) };
        let place = if self.place.is_empty() { String::new() } else { format!(" on {}", self.place) };
        format!("{}{place}{number}{what}", self.function)
    }
}

/// Who waits.
#[derive(Debug)]
pub struct Deadlock {
    /// By rank: its wait, and how often it was told again since all waited or one went on.
    waits: Vec<Option<(Wait, u32)>>,
}

impl Deadlock {
    /// Of so many ranks, none of which waits.
    pub fn new(ranks: u32) -> Self {
        Self { waits: vec![None; ranks as usize] }
    }

    /// A rank waits, or still waits.
    pub fn waits(&mut self, rank: usize, wait: Wait) {
        match self.waits.get_mut(rank) {
            Some(Some((told, again))) => {
                *told = wait;
                *again = again.saturating_add(1);
            }
            Some(none) => {
                *none = Some((wait, 0));
                self.begin_again();
            }
            None => {}
        }
    }

    /// A rank goes on.
    pub fn proceeds(&mut self, rank: usize) {
        if let Some(wait) = self.waits.get_mut(rank) {
            *wait = None;
        }
        self.begin_again();
    }

    fn begin_again(&mut self) {
        self.waits.iter_mut().flatten().for_each(|(_, again)| *again = 0);
    }

    /// The report, when nothing can move any more.
    pub fn report(&self) -> Option<String> {
        let all: Option<Vec<&Wait>> = self
            .waits
            .iter()
            .map(|wait| wait.as_ref().filter(|(_, again)| *again >= AGAIN).map(|(wait, _)| wait))
            .collect();
        all.filter(|waits| !waits.is_empty()).map(|waits| report(&waits))
    }
}

fn report(waits: &[&Wait]) -> String {
    let seconds = waits.iter().map(|wait| wait.seconds).min().unwrap_or(0);
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (rank, wait) in waits.iter().enumerate() {
        groups.entry(wait.in_words()).or_default().push(rank);
    }
    let mut groups: Vec<(String, Vec<usize>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, ranks)| ranks[0]);
    let mut text = format!("deadlock: all ranks wait in MPI, and nothing has moved for {seconds} s");
    for (words, ranks) in groups.iter().take(MOST_SHOWN) {
        text += &format!("\n  {}: {words}", listed(ranks));
    }
    if groups.len() > MOST_SHOWN {
        text += &format!("\n  and {} other waits", groups.len() - MOST_SHOWN);
    }
    for difference in differences(waits) {
        text += &format!("\n  {difference}");
    }
    text
}

/// For each communicator whose ranks are not in the same collective: who is where.
fn differences(waits: &[&Wait]) -> Vec<String> {
    let mut comms: BTreeMap<&str, Vec<(usize, &Wait)>> = BTreeMap::new();
    for (rank, wait) in waits.iter().enumerate().filter(|(_, wait)| !wait.identity.is_empty()) {
        comms.entry(&wait.identity).or_default().push((rank, wait));
    }
    let mut found = Vec::new();
    for members in comms.values().filter(|members| members.iter().any(|(_, wait)| wait.number > 0)) {
        let mut calls: Vec<((&str, u64), Vec<usize>)> = Vec::new();
        for (rank, wait) in members {
            let call = (wait.function.as_str(), wait.number);
            match calls.iter_mut().find(|(known, _)| *known == call) {
                Some((_, ranks)) => ranks.push(*rank),
                None => calls.push((call, vec![*rank])),
            }
        }
        if calls.len() < 2 {
            continue;
        }
        let said: Vec<String> = calls
            .iter()
            .take(MOST_SHOWN)
            .map(|((function, number), ranks)| {
                let be = if ranks.len() == 1 { "is" } else { "are" };
                let number =
                    if *number == 0 { String::new() } else { format!(" ({} collective)", ordinal(*number)) };
                format!("{} {be} in {function}{number}", listed(ranks))
            })
            .collect();
        found.push(format!(
            "on {} {}: all its ranks have to call the same collectives in the same order",
            members[0].1.place,
            said.join(", ")
        ));
    }
    found
}

/// `rank 3`, `ranks 0, 2 to 5`.
fn listed(ranks: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &rank in ranks {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == rank => *last = rank,
            _ => runs.push((rank, rank)),
        }
    }
    let run = |(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    };
    let mut text: Vec<String> = runs.iter().take(MOST_LISTED).map(run).collect();
    if runs.len() > MOST_LISTED {
        text.push("...".into());
    }
    format!("{} {}", if ranks.len() == 1 { "rank" } else { "ranks" }, text.join(", "))
}

/// `1st`, `2nd`, `11th`.
fn ordinal(n: u64) -> String {
    let ending = match (n % 10, n % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(function: &str, number: u64, what: &str) -> Wait {
        let text = format!("60\t{function}\t0.0\tcommunicator MPI_COMM_WORLD of size 2\t{number}\t{what}");
        Wait::parse(&text).unwrap()
    }

    #[test]
    fn all_have_to_wait_and_say_so_again() {
        let mut deadlock = Deadlock::new(2);
        for _ in 0..5 {
            deadlock.waits(0, wait("MPI_Recv", 0, "a receive from rank 1"));
            assert_eq!(deadlock.report(), None, "rank 1 computes");
        }
        deadlock.waits(1, wait("MPI_Recv", 0, "a receive from rank 0"));
        for _ in 0..2 {
            deadlock.waits(0, wait("MPI_Recv", 0, "a receive from rank 1"));
            assert_eq!(deadlock.report(), None, "rank 1 has not said it again");
            deadlock.waits(1, wait("MPI_Recv", 0, "a receive from rank 0"));
        }
        let report = deadlock.report().unwrap();
        assert!(report.contains("nothing has moved for 60 s"), "{report}");
        assert!(
            report
                .contains("rank 0: MPI_Recv on communicator MPI_COMM_WORLD of size 2: a receive from rank 1")
        );
        deadlock.proceeds(0);
        assert_eq!(deadlock.report(), None);
        deadlock.waits(0, wait("MPI_Recv", 0, "x"));
        assert_eq!(deadlock.report(), None, "all begin again");
    }

    #[test]
    fn different_collectives_are_set_against_each_other() {
        let waits =
            [wait("MPI_Barrier", 3, ""), wait("MPI_Bcast", 3, "from rank 0"), wait("MPI_Barrier", 3, "")];
        let text = report(&waits.iter().collect::<Vec<_>>());
        assert!(text.contains("ranks 0, 2: MPI_Barrier"), "{text}");
        assert!(
            text.contains(
                "ranks 0, 2 are in MPI_Barrier (3rd collective), rank 1 is in MPI_Bcast (3rd collective)"
            ),
            "{text}"
        );
        let same = [wait("MPI_Barrier", 3, ""), wait("MPI_Barrier", 3, "")];
        assert!(!report(&same.iter().collect::<Vec<_>>()).contains("same order"));
    }

    #[test]
    fn lists_and_ordinals_read_well() {
        assert_eq!(listed(&[3]), "rank 3");
        assert_eq!(listed(&[0, 1, 3, 4, 5, 9]), "ranks 0, 1, 3 to 5, 9");
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 21, 113].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 21st 113th"
        );
    }

    #[test]
    fn a_rank_can_say_anything() {
        for bad in ["", "x", "1\tMPI_Recv", "1\ta\tb\tc\td\te", "\t\t\t\t\t", "-1\ta\tb\tc\t0\te"] {
            assert_eq!(Wait::parse(bad), None, "{bad:?}");
        }
        let wait = Wait::parse("1\t\u{1b}[2J\tb\tc\t0\te\tf").unwrap();
        assert!(!wait.function.contains('\u{1b}'));
        assert_eq!(wait.what, "e\\tf");
        let mut deadlock = Deadlock::new(1);
        deadlock.waits(7, wait);
        deadlock.proceeds(7);
        assert_eq!(deadlock.report(), None);
    }
}
