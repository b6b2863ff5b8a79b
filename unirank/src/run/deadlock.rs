//! Do ranks wait for each other for ever? Each tells when it has waited for long, again every second, and when that is over
//! (`mpi-lite/src/check/silence.rs`); and of which ranks one has to act before its wait can be over.
//!
//! Ranks are stuck when all of them wait, and each for ranks among them alone. When each of them has said twice again that it
//! waits since the last of them began to, every one has looked in vain after all had come to wait: nothing of theirs can move
//! any more, whatever the other ranks do.

use std::collections::BTreeMap;

use super::control::LONGEST_TEXT;
use crate::text::one_line;

/// How often every rank has to say that it still waits.
const AGAIN: usize = 2;
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
    /// The ranks of which one has to act; none if it may be any.
    pub partners: Option<Vec<usize>>,
    /// The operations under way.
    pub what: String,
}

impl Wait {
    /// Understands what a rank says; a rank can say anything.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.splitn(7, '\t');
        let mut next = || fields.next();
        let seconds = next()?.parse().ok()?;
        let mut words = || next().map(|text| one_line(text, LONGEST_TEXT));
        let (function, identity, place) = (words()?, words()?, words()?);
        let number = words()?.parse().ok()?;
        let partners = match words()?.as_str() {
            "*" => None,
            list => Some(list.split(',').map(|rank| rank.parse().ok()).collect::<Option<_>>()?),
        };
        Some(Self { seconds, function, identity, place, number, partners, what: words()? })
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

/// A wait that was told.
#[derive(Debug)]
struct Told {
    wait: Wait,
    /// When it was told first.
    began: u64,
    /// When it was told again, the last times.
    again: [u64; AGAIN],
}

/// Who waits. Time is counted in tellings.
#[derive(Debug)]
pub struct Deadlock {
    /// By rank.
    waits: Vec<Option<Told>>,
    now: u64,
    /// When it was looked for stuck ranks last.
    looked: u64,
}

impl Deadlock {
    /// Of so many ranks, none of which waits.
    pub fn new(ranks: u32) -> Self {
        Self { waits: (0..ranks).map(|_| None).collect(), now: 0, looked: 0 }
    }

    /// A rank waits, or still waits.
    pub fn waits(&mut self, rank: usize, wait: Wait) {
        self.now += 1;
        match self.waits.get_mut(rank) {
            Some(Some(told)) => {
                told.wait = wait;
                told.again.rotate_left(1);
                told.again[AGAIN - 1] = self.now;
            }
            Some(none) => *none = Some(Told { wait, began: self.now, again: [0; AGAIN] }),
            None => {}
        }
    }

    /// A rank goes on.
    pub fn proceeds(&mut self, rank: usize) {
        if let Some(wait) = self.waits.get_mut(rank) {
            *wait = None;
        }
    }

    /// The report, when some ranks can never move again. It is looked for once for as many tellings as there are ranks that wait.
    pub fn report(&mut self) -> Option<String> {
        let waiting = self.waits.iter().flatten().count() as u64;
        if self.now - self.looked < waiting {
            return None;
        }
        self.looked = self.now;
        let stuck: Vec<(usize, &Told)> =
            self.stuck().into_iter().filter_map(|rank| Some((rank, self.waits[rank].as_ref()?))).collect();
        let since = stuck.iter().map(|(_, told)| told.began).max()?;
        let is_certain = stuck.iter().all(|(_, told)| told.again[0] > since);
        let waits: Vec<(usize, &Wait)> = stuck.iter().map(|(rank, told)| (*rank, &told.wait)).collect();
        is_certain.then(|| report(&waits, self.waits.len()))
    }

    /// The ranks that wait for each other alone: of all that wait, those are taken out who wait for somebody else, until there
    /// are none.
    fn stuck(&self) -> Vec<usize> {
        let mut is_stuck: Vec<bool> = self.waits.iter().map(Option::is_some).collect();
        loop {
            let all = is_stuck.iter().all(|stuck| *stuck);
            let waits_elsewhere = |rank: &usize| {
                let partners = self.waits[*rank].as_ref().and_then(|told| told.wait.partners.as_ref());
                is_stuck[*rank]
                    && match partners {
                        Some(partners) => partners.iter().any(|rank| is_stuck.get(*rank) != Some(&true)),
                        None => !all,
                    }
            };
            let free: Vec<usize> = (0..is_stuck.len()).filter(waits_elsewhere).collect();
            if free.is_empty() {
                return (0..is_stuck.len()).filter(|rank| is_stuck[*rank]).collect();
            }
            free.into_iter().for_each(|rank| is_stuck[rank] = false);
        }
    }
}

fn report(waits: &[(usize, &Wait)], ranks: usize) -> String {
    let seconds = waits.iter().map(|(_, wait)| wait.seconds).min().unwrap_or(0);
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (rank, wait) in waits {
        groups.entry(wait.in_words()).or_default().push(*rank);
    }
    let mut groups: Vec<(String, Vec<usize>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, ranks)| ranks[0]);
    let stuck: Vec<usize> = waits.iter().map(|(rank, _)| *rank).collect();
    let mut text = match stuck.len() {
        all if all == ranks => "deadlock: all ranks wait in MPI".to_owned(),
        1 => format!("deadlock: {} waits in MPI for itself alone", listed(&stuck)),
        _ => format!("deadlock: {} wait in MPI for each other alone", listed(&stuck)),
    };
    text += &format!(", and nothing has moved for {seconds} s");
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
fn differences(waits: &[(usize, &Wait)]) -> Vec<String> {
    let mut comms: BTreeMap<&str, Vec<(usize, &Wait)>> = BTreeMap::new();
    for (rank, wait) in waits.iter().filter(|(_, wait)| !wait.identity.is_empty()) {
        comms.entry(&wait.identity).or_default().push((*rank, wait));
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

    fn wait_for(partners: &str, function: &str, number: u64, what: &str) -> Wait {
        let comm = "communicator MPI_COMM_WORLD of size 2";
        Wait::parse(&format!("60\t{function}\t0.0\t{comm}\t{number}\t{partners}\t{what}")).unwrap()
    }

    fn wait(function: &str, number: u64, what: &str) -> Wait {
        wait_for("*", function, number, what)
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
        deadlock.waits(0, wait("MPI_Recv", 0, "a receive from rank 1"));
        let report = deadlock.report().unwrap();
        assert!(report.contains("all ranks wait in MPI, and nothing has moved for 60 s"), "{report}");
        assert!(
            report
                .contains("rank 0: MPI_Recv on communicator MPI_COMM_WORLD of size 2: a receive from rank 1")
        );
        deadlock.proceeds(0);
        assert_eq!(deadlock.report(), None);
        deadlock.waits(0, wait("MPI_Recv", 0, "x"));
        assert_eq!(deadlock.report(), None, "all begin again");
    }

    /// Tells the waits of ranks so many times; gives the first report.
    fn told(ranks: u32, times: usize, waits: &[(usize, &str)]) -> Option<String> {
        let mut deadlock = Deadlock::new(ranks);
        (0..times).find_map(|_| {
            waits.iter().find_map(|(rank, partners)| {
                deadlock.waits(*rank, wait_for(partners, "MPI_Recv", 0, "a receive"));
                deadlock.report()
            })
        })
    }

    #[test]
    fn some_are_stuck_while_others_go_on() {
        let report = told(4, 4, &[(0, "2"), (2, "0"), (3, "0")]).unwrap();
        assert!(report.contains("deadlock: ranks 0, 2, 3 wait in MPI for each other alone"), "{report}");
        let report = told(4, 4, &[(1, "1")]).unwrap();
        assert!(report.contains("rank 1 waits in MPI for itself alone"), "{report}");
        let report = told(4, 4, &[(0, "1,2"), (1, "0"), (2, "3"), (3, "2")]).unwrap();
        assert!(report.contains("all ranks wait"), "{report}");
    }

    #[test]
    fn who_may_be_freed_is_not_stuck() {
        for waits in [
            &[(0, "1"), (1, "2")][..],
            &[(0, "1,3"), (1, "0"), (2, "1")],
            &[(0, "1"), (1, "*")],
            &[(0, "1"), (1, "0,77")],
        ] {
            assert_eq!(told(4, 9, waits), None, "{waits:?}");
        }
        assert_eq!(told(2, 2, &[(0, "1"), (1, "0")]), None, "not said often enough");
    }

    #[test]
    fn one_that_begins_again_makes_the_others_look_again() {
        let mut deadlock = Deadlock::new(3);
        let receive = |from: &str| wait_for(from, "MPI_Recv", 0, "");
        for _ in 0..2 {
            deadlock.waits(0, receive("1"));
            deadlock.waits(1, receive("0"));
        }
        deadlock.proceeds(1);
        deadlock.waits(1, receive("0"));
        for _ in 0..2 {
            deadlock.waits(1, receive("0"));
            assert_eq!(deadlock.report(), None, "rank 0 has not looked since");
        }
        deadlock.waits(0, receive("1"));
        assert_eq!(deadlock.report(), None);
        deadlock.waits(0, receive("1"));
        deadlock.waits(1, receive("0"));
        assert!(deadlock.report().is_some());
    }

    #[test]
    fn different_collectives_are_set_against_each_other() {
        let waits =
            [wait("MPI_Barrier", 3, ""), wait("MPI_Bcast", 3, "from rank 0"), wait("MPI_Barrier", 3, "")];
        let text = report(&waits.iter().enumerate().collect::<Vec<_>>(), 3);
        assert!(text.contains("ranks 0, 2: MPI_Barrier"), "{text}");
        assert!(
            text.contains(
                "ranks 0, 2 are in MPI_Barrier (3rd collective), rank 1 is in MPI_Bcast (3rd collective)"
            ),
            "{text}"
        );
        let same = [wait("MPI_Barrier", 3, ""), wait("MPI_Barrier", 3, "")];
        assert!(!report(&same.iter().enumerate().collect::<Vec<_>>(), 2).contains("same order"));
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
        for bad in [
            "",
            "x",
            "1\tMPI_Recv",
            "1\ta\tb\tc\td\t*\te",
            "\t\t\t\t\t\t",
            "-1\ta\tb\tc\t0\t*\te",
            "1\ta\tb\tc\t0\t1,x\te",
        ] {
            assert_eq!(Wait::parse(bad), None, "{bad:?}");
        }
        let wait = Wait::parse("1\t\u{1b}[2J\tb\tc\t0\t*\te\tf").unwrap();
        assert!(!wait.function.contains('\u{1b}'));
        assert_eq!(wait.what, "e\\tf");
        let mut deadlock = Deadlock::new(1);
        deadlock.waits(7, wait);
        deadlock.proceeds(7);
        assert_eq!(deadlock.report(), None);
    }
}
