//! Where a rank is in its life, from its lifecycle lines and the end of its process. Pure: no system calls here.

use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::control::Control;
use super::core::Place;
use super::deadlock::Wait;
use super::fault::Fault;
use super::trouble::RankTrouble;

/// How far a rank has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Its process was started.
    #[default]
    Started,
    /// Its kernel runs.
    Booted,
    /// The program runs.
    Main,
    /// The program has ended.
    Exited,
    /// Its process has ended.
    Gone,
}

/// What a lifecycle line asks the runner to do.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    None,
    /// The rank reached `main`.
    ReachedMain,
    /// Tell the user something.
    Note(String),
    /// Record the exit counters under this label.
    Stats(String),
    /// Write a core file when the rank is gone.
    Core(Place),
    /// Read the rank's samples when it is gone.
    Profile(Place),
    /// Prepare memory that the rank is about to use.
    Large(Range<u64>),
    /// Show a system call.
    Call(String),
    /// It has waited in MPI for long.
    Waits(Wait),
    /// It goes on.
    Proceeds,
    /// End the job.
    Trouble(RankTrouble),
}

/// A rank's life.
#[derive(Debug, Default)]
pub struct Life {
    /// How far it is.
    pub phase: Phase,
    /// Status the program ended with.
    pub exit: Option<u8>,
    native: bool,
    mpi_open: bool,
    /// Whether the rank's trouble was told; what follows from it is not told again.
    troubled: bool,
    complained: bool,
}

impl Life {
    /// A rank that starts now; native ones are in the program at once.
    pub fn new(native: bool) -> Self {
        Self { native, phase: if native { Phase::Main } else { Phase::Started }, ..Self::default() }
    }

    /// Follows one line. `fault` reads a fault report.
    pub fn follow(&mut self, line: Control, fault: impl FnOnce(&str) -> Fault) -> Step {
        match line {
            Control::Hello { protocol, version } => {
                self.advance(Phase::Booted);
                if protocol != unirank_images::elf::PROTOCOL {
                    return self.trouble(RankTrouble::OtherProtocol { theirs: protocol, version });
                }
                Step::None
            }
            Control::Main if self.phase < Phase::Main => {
                self.advance(Phase::Main);
                Step::ReachedMain
            }
            Control::Main | Control::Boot { .. } => Step::None,
            Control::MpiInit => {
                self.mpi_open = true;
                Step::None
            }
            Control::MpiFinalized => {
                self.mpi_open = false;
                Step::None
            }
            Control::Exit(status) => {
                self.exit = Some(status);
                self.advance(Phase::Exited);
                match status {
                    0 if self.mpi_open => self.trouble(RankTrouble::NoFinalize),
                    0 => Step::None,
                    status => self.trouble(RankTrouble::Exit(status)),
                }
            }
            Control::MpiAbort { code, text } => self.trouble(RankTrouble::MpiAbort { code, text }),
            Control::Abort { code, text } => self.trouble(RankTrouble::KernelAbort { code, text }),
            Control::Fault(json) if !self.troubled => {
                self.trouble(RankTrouble::Fault(Box::new(fault(&json))))
            }
            Control::Fault(_) => Step::None,
            Control::Core(place) => Step::Core(place),
            Control::Profile(place) => Step::Profile(place),
            Control::Call(text) => Step::Call(text),
            Control::Waiting(wait) => Step::Waits(*wait),
            Control::Proceeding => Step::Proceeds,
            Control::Note(text) => Step::Note(text),
            Control::Large(range) => Step::Large(range),
            Control::Stats(label) => Step::Stats(label),
            Control::Unknown(text) => {
                // Said once: a guest that writes garbage here must not flood the terminal.
                if std::mem::replace(&mut self.complained, true) {
                    return Step::None;
                }
                Step::Note(format!("its control console said what is not understood: {text}"))
            }
        }
    }

    /// Follows the end of the process; `words` is what QEMU wrote to its own standard error.
    pub fn process_ended(&mut self, status: ExitStatus, words: &str) -> Step {
        let (exited, booted) = (self.exit.is_some(), self.phase >= Phase::Booted);
        self.phase = Phase::Gone;
        if let Some(signal) = status.signal() {
            // After the program's own end a kill changes nothing any more.
            return if exited {
                Step::None
            } else {
                self.trouble(RankTrouble::Killed { signal, vm: !self.native })
            };
        }
        let code = status.code().unwrap_or(1);
        if self.native {
            self.exit = Some(code as u8);
            return match code {
                0 if self.mpi_open => self.trouble(RankTrouble::NoFinalize),
                0 => Step::None,
                code => self.trouble(RankTrouble::Exit(code as u8)),
            };
        }
        if exited {
            return Step::None;
        }
        self.trouble(RankTrouble::VmEnded { status: code, booted, words: words.to_owned() })
    }

    fn advance(&mut self, phase: Phase) {
        self.phase = self.phase.max(phase);
    }

    fn trouble(&mut self, trouble: RankTrouble) -> Step {
        if std::mem::replace(&mut self.troubled, true) { Step::None } else { Step::Trouble(trouble) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(life: &mut Life, lines: &[&str]) -> Step {
        let mut last = Step::None;
        for line in lines {
            last = life.follow(Control::parse(line.as_bytes()), |_| Fault::default());
        }
        last
    }

    #[test]
    fn a_good_life() {
        let mut life = Life::new(false);
        assert_eq!(follow(&mut life, &["hello 2 0.1.0", "main"]), Step::ReachedMain);
        assert_eq!(follow(&mut life, &["mpi-init", "mpi-finalized", "exit 0"]), Step::None);
        assert_eq!(life.process_ended(ExitStatus::from_raw(1 << 8), ""), Step::None);
        assert_eq!((life.phase, life.exit), (Phase::Gone, Some(0)));
    }

    #[test]
    fn one_trouble_per_rank() {
        let mut life = Life::new(false);
        let step = follow(&mut life, &["hello 2 0.1.0", "main", "mpi-init", "mpi-abort 3 x"]);
        assert_eq!(step, Step::Trouble(RankTrouble::MpiAbort { code: 3, text: "x".into() }));
        assert_eq!(follow(&mut life, &["exit 3"]), Step::None);
        assert_eq!(life.process_ended(ExitStatus::from_raw(9), ""), Step::None);
    }

    #[test]
    fn bad_ends() {
        let mut life = Life::new(false);
        assert_eq!(follow(&mut life, &["mpi-init", "exit 0"]), Step::Trouble(RankTrouble::NoFinalize));
        let mut life = Life::new(false);
        assert!(matches!(
            follow(&mut life, &["hello 9 9.9"]),
            Step::Trouble(RankTrouble::OtherProtocol { .. })
        ));
        let mut life = Life::new(false);
        let step = life.process_ended(ExitStatus::from_raw(1 << 8), "qemu: no");
        assert!(matches!(step, Step::Trouble(RankTrouble::VmEnded { booted: false, .. })));
        let mut life = Life::new(true);
        let step = life.process_ended(ExitStatus::from_raw(11), "");
        assert_eq!(step, Step::Trouble(RankTrouble::Killed { signal: 11, vm: false }));
        let mut life = Life::new(true);
        assert_eq!(life.process_ended(ExitStatus::from_raw(7 << 8), ""), Step::Trouble(RankTrouble::Exit(7)));
    }

    #[test]
    fn garbage_is_told_once() {
        let mut life = Life::new(false);
        assert!(matches!(follow(&mut life, &["what"]), Step::Note(_)));
        assert_eq!(follow(&mut life, &["is this"]), Step::None);
    }
}
