//! What can end a job before its time, in the words and exit statuses the user sees.

use std::time::Duration;

use super::fault::Fault;
use super::passing::GRACE;
use super::signals::PassedOn;
use crate::failure::Failure;

/// In the text of an MPI error, the class that says another rank was first.
const PEER_IS_GONE: &str = "MPI_ERR_PROC_ABORTED";

/// One reason to end the job.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// A rank, and what happened to it.
    Rank(u32, RankTrouble),
    /// The host backend is gone.
    Backend(String),
    /// All ranks wait for each other; the report.
    Deadlock(String),
    /// The job took longer than `--timeout`.
    Timeout(Duration),
    /// Ctrl-C and the like.
    Ending {
        /// The signal.
        signal: PassedOn,
        /// Ranks that ran when it came first.
        ranks: u32,
        /// Those that are left are ended now; else they may still do so themselves.
        now: bool,
    },
    /// Nobody reads our output any more.
    OutputClosed(String),
}

/// What happened to a rank.
#[derive(Clone, Debug, PartialEq)]
pub enum RankTrouble {
    /// Its process was killed.
    Killed {
        /// Signal number.
        signal: i32,
        /// Whether the process was a VM.
        vm: bool,
    },
    /// Its VM ended without the program having ended; what QEMU said.
    VmEnded {
        /// Exit status of QEMU.
        status: i32,
        /// Whether the kernel had come up.
        booted: bool,
        /// QEMU's own words.
        words: String,
    },
    /// A processor exception.
    Fault(Box<Fault>),
    /// The kernel gave up.
    KernelAbort {
        /// Its code.
        code: i32,
        /// What it said.
        text: String,
    },
    /// MPI_Abort or a fatal MPI error.
    MpiAbort {
        /// The code.
        code: i32,
        /// What MPI said.
        text: String,
    },
    /// It ended with a status other than 0.
    Exit(u8),
    /// It ended well but never called MPI_Finalize.
    NoFinalize,
    /// It does not come up.
    NoBoot(Duration),
    /// Its heartbeat stands still.
    Silent(Duration),
    /// Image and runner are of different versions.
    OtherProtocol {
        /// Protocol of the image.
        theirs: u32,
        /// Version of the image's kernel.
        version: String,
    },
    /// The backend switched its adapter off.
    Adapter(String),
}

impl Trouble {
    /// Which of several reasons seen at about the same time is the cause and which are its consequences: lower is
    /// closer to the cause. A rank whose neighbour died aborts because of that; it must not take the blame.
    pub fn distance(&self) -> u32 {
        match self {
            Self::Ending { .. } | Self::OutputClosed(_) | Self::Timeout(_) | Self::Deadlock(_) => 0,
            Self::Backend(_) => 1,
            Self::Rank(_, trouble) => match trouble {
                RankTrouble::Fault(_)
                | RankTrouble::Killed { .. }
                | RankTrouble::OtherProtocol { .. }
                | RankTrouble::Silent(_)
                | RankTrouble::NoBoot(_) => 2,
                RankTrouble::KernelAbort { .. } | RankTrouble::VmEnded { .. } | RankTrouble::Adapter(_) => 3,
                RankTrouble::MpiAbort { text, .. } if text.contains(PEER_IS_GONE) => 5,
                RankTrouble::MpiAbort { .. } | RankTrouble::Exit(_) | RankTrouble::NoFinalize => 4,
            },
        }
    }

    /// How long other ranks may go on, to finish what they are writing and to let the cause show itself.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(match self {
            Self::Rank(_, RankTrouble::Exit(_) | RankTrouble::NoFinalize) => 1000,
            Self::Rank(..) => 200,
            Self::Backend(_) => 100,
            Self::Ending { now: false, .. } => return GRACE,
            _ => 0,
        })
    }

    /// The one message and the job's exit status; `ended` ranks were still running and were ended by the runner.
    pub fn failure(&self, ended: u32) -> Failure {
        match self {
            Self::Rank(rank, trouble) => {
                // A silent rank is ended like the others.
                let itself = matches!(trouble, RankTrouble::Silent(_) | RankTrouble::NoBoot(_));
                let others = match ended.saturating_sub(itself.into()) {
                    0 => String::new(),
                    n => format!("; the other {} ended with it", were(n)),
                };
                trouble.failure(*rank, &others)
            }
            Self::Backend(text) => {
                Failure::new(format!("the host backend is gone ({text}); the job's {} ended", were(ended)))
                    .remedy("start the job again: a new backend starts by itself; if it was not killed on purpose, see backend.log in its runtime folder (`unirank doctor` names it)")
            }
            Self::Deadlock(report) => Failure::new(format!("{report}\n  the job's {} ended", were(ended)))
                .remedy("UNIRANK_DEADLOCK_S=N waits for N seconds before it says so, 0 for ever"),
            Self::Timeout(limit) => Failure::new(format!(
                "the job was ended after {} s, the limit given by --timeout",
                limit.as_secs_f64()
            ))
            .status(124),
            Self::Ending { signal, ranks, .. } => {
                let forced = if ended > 0 { format!(", {ended} of them by force") } else { String::new() };
                Failure::new(format!("{}: the job's {} ended{forced}", signal.name, were(*ranks)))
                    .status(128 + signal.number as u8)
            }
            Self::OutputClosed(text) => {
                Failure::new(format!("the job was ended: its output cannot be written ({text})")).status(141)
            }
        }
    }
}

impl RankTrouble {
    fn failure(&self, rank: u32, others: &str) -> Failure {
        match self {
            Self::Killed { signal, vm } => {
                let what = if *vm { "'s VM" } else { "" };
                let failure = Failure::new(format!("rank {rank}{what} was killed by signal {}{others}", signal_name(*signal)))
                    .status(128u8.wrapping_add(*signal as u8));
                match *signal {
                    9 => failure.remedy(
                        "if nobody killed it, the host ran out of memory: see `dmesg`, run fewer ranks or use a smaller --mem",
                    ),
                    _ => failure,
                }
            }
            Self::VmEnded { status, booted, words } => {
                let when = if *booted { "while the program ran" } else { "before the kernel came up" };
                // With -no-reboot a reset ends QEMU with status 0: three faults in a row, before the kernel could tell.
                let how = if *status == 0 { "it reset itself".into() } else { format!("QEMU's status {status}") };
                let mut failure = Failure::new(format!("rank {rank}'s VM ended {when} ({how}){others}"));
                if !words.is_empty() {
                    failure.cause += &format!("\n  QEMU says: {}", words.trim_end().replace('\n', "\n  "));
                }
                if words.contains("KVM") || words.contains("emulation failure") {
                    return failure.remedy("try --accel tcg");
                }
                if *booted { failure } else { failure.remedy("`unirank doctor` tells whether VMs can run here") }
            }
            Self::Fault(fault) => {
                Failure::new(format!("rank {rank} stopped by a fault{others}: {fault}")).status(fault.status())
            }
            Self::KernelAbort { code, text } => {
                Failure::new(format!("rank {rank}'s kernel gave up{others}: {text} (code {code})")).status(status(*code))
            }
            Self::MpiAbort { code, text } => {
                let text = if text.is_empty() { String::new() } else { format!(": {text}") };
                Failure::new(format!("rank {rank} aborted the job with code {code}{text}")).status(status(*code))
            }
            Self::Exit(code) => Failure::new(format!("rank {rank} ended with exit status {code}{others}")).status(*code),
            Self::NoFinalize => Failure::new(format!("rank {rank} ended without calling MPI_Finalize{others}"))
                .remedy("call MPI_Finalize on every path, or MPI_Abort to end the job"),
            Self::NoBoot(limit) => {
                Failure::new(format!("rank {rank} did not boot within {} s{others}", limit.as_secs()))
                    .remedy("the host may be overloaded: run fewer ranks; or try the other accelerator (--accel)")
            }
            Self::Silent(silence) => Failure::new(format!(
                "rank {rank} does not answer: its VM's clock has stood still for {:.1} s{others}",
                silence.as_secs_f64()
            ))
            .remedy("its VM was stopped or the host is overloaded; --answer-timeout allows more"),
            Self::OtherProtocol { theirs, version } => Failure::new(format!(
                "rank {rank}'s kernel is unirank {version} with protocol {theirs}; this is unirank {} with protocol {}{others}",
                env!("CARGO_PKG_VERSION"),
                unirank_images::elf::PROTOCOL
            ))
            .remedy("link the program again"),
            Self::Adapter(text) => {
                Failure::new(format!("rank {rank}'s adapter was switched off{others}: {text}"))
                    .remedy("the program has written over its adapter's queues: look for a stray pointer")
            }
        }
    }
}

/// `rank was`, `3 ranks were`.
fn were(ranks: u32) -> String {
    if ranks == 1 { "rank was".into() } else { format!("{ranks} ranks were") }
}

/// An exit status that says failure, whatever the code is.
fn status(code: i32) -> u8 {
    match code & 0xff {
        0 => 1,
        low => low as u8,
    }
}

/// `9 (SIGKILL)`.
fn signal_name(signal: i32) -> String {
    const NAMES: [(i32, &str); 12] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
        (24, "SIGXCPU"),
    ];
    match NAMES.iter().find(|(number, _)| *number == signal) {
        Some((_, name)) => format!("{signal} ({name})"),
        None => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::signals::Passed;
    use super::*;

    fn of(trouble: RankTrouble) -> Failure {
        Trouble::Rank(2, trouble).failure(3)
    }

    #[test]
    fn statuses_say_failure() {
        assert_eq!(of(RankTrouble::Exit(3)).status, 3);
        assert_eq!(of(RankTrouble::MpiAbort { code: 0, text: String::new() }).status, 1);
        assert_eq!(of(RankTrouble::MpiAbort { code: 256, text: String::new() }).status, 1);
        assert_eq!(of(RankTrouble::MpiAbort { code: 42, text: String::new() }).status, 42);
        assert_eq!(of(RankTrouble::Killed { signal: 9, vm: true }).status, 137);
        assert_eq!(Trouble::Timeout(Duration::from_secs(3)).failure(1).status, 124);
        let signal = PassedOn { number: 2, name: "Ctrl-C", kind: Passed::Ending };
        let ending = Trouble::Ending { signal, ranks: 3, now: true };
        assert_eq!(ending.failure(1).status, 130);
        assert!(ending.failure(1).to_string().contains("the job's 3 ranks were ended, 1 of them by force"));
        assert_eq!(of(RankTrouble::NoFinalize).status, 1);
    }

    #[test]
    fn messages_name_rank_cause_and_remedy() {
        let text = of(RankTrouble::Killed { signal: 9, vm: true }).to_string();
        assert!(text.contains("rank 2's VM was killed by signal 9 (SIGKILL)"), "{text}");
        assert!(
            text.contains("the other 3 ranks were ended") && text.contains("ran out of memory"),
            "{text}"
        );
        let text = of(RankTrouble::KernelAbort { code: 1, text: "\u{1b}[2J".into() }).to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn causes_come_before_consequences() {
        let killed = Trouble::Rank(0, RankTrouble::Killed { signal: 9, vm: true });
        let of = |text: &str| Trouble::Rank(1, RankTrouble::MpiAbort { code: 1, text: text.into() });
        let follows = of("MPI_Recv: rank 0 has ended (MPI_ERR_PROC_ABORTED)");
        assert!(killed.distance() < of("own").distance());
        assert!(of("own").distance() < follows.distance());
        assert!(Trouble::Rank(0, RankTrouble::NoFinalize).distance() < follows.distance());
    }
}
