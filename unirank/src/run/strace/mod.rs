//! System calls as `strace` shows them (`--strace`): the guest's kernel tells each call in numbers, here they become words.
//!
//! | module | question it answers |
//! |---|---|
//! | [`line`] | what did the guest say? |
//! | [`calls`] | what do the arguments of each call mean? |
//! | [`words`] | how is that written? |

mod calls;
mod line;
mod words;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::accel::Accel;
use super::sink::Sink;
use crate::failure::{Context, Failure, Result};

/// The ranks whose calls are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StraceChoice {
    /// All.
    All,
    /// These.
    Ranks(Vec<u32>),
}

impl FromStr for StraceChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let rank =
            |word: &str| word.parse().map_err(|_| format!("{word:?} is no rank; the form is RANK,RANK,..."));
        text.split(',').map(rank).collect::<std::result::Result<_, _>>().map(Self::Ranks)
    }
}

impl StraceChoice {
    /// Whether a rank's calls are shown.
    pub fn shows(&self, rank: u32) -> bool {
        match self {
            Self::All => true,
            Self::Ranks(ranks) => ranks.contains(&rank),
        }
    }
}

/// Writes the calls of a job.
#[derive(Debug)]
pub struct Strace {
    choice: StraceChoice,
    file: Option<(PathBuf, BufWriter<File>)>,
    failed: bool,
}

impl Strace {
    /// What was asked for: `file` gets the calls instead of standard error.
    pub fn new(choice: &StraceChoice, file: Option<&Path>, ranks: u32, accel: Accel) -> Result<Self> {
        if accel == Accel::Native {
            return Err(Failure::usage("--strace is for ranks that are VMs")
                .remedy("native ranks are processes: `strace -f unirank run --accel native ...`"));
        }
        if let StraceChoice::Ranks(list) = choice
            && let Some(rank) = list.iter().find(|&&rank| rank >= ranks)
        {
            return Err(Failure::usage(format!("--strace={rank}: the job has ranks 0 to {}", ranks - 1)));
        }
        let open = |path: &Path| {
            let file = File::create(path).context(|| format!("creating {}", path.display()))?;
            Ok((path.to_owned(), BufWriter::new(file)))
        };
        Ok(Self { choice: choice.clone(), file: file.map(open).transpose()?, failed: false })
    }

    /// Whether calls go to standard error.
    pub fn uses_stderr(&self) -> bool {
        self.file.is_none()
    }

    /// Shows a call that a rank's kernel has told.
    pub fn show(&mut self, rank: u32, text: &str, err: &mut Sink) {
        if !self.choice.shows(rank) {
            return;
        }
        let text = match line::Line::parse(text) {
            Some(call) => words::call(rank, &call),
            None => format!("[{rank}] what its kernel says of a call is not understood\n"),
        };
        match &mut self.file {
            None => err.push(text.as_bytes()),
            Some((_, file)) => {
                let written = file.write_all(text.as_bytes());
                self.check(written, err);
            }
        }
    }

    /// Writes what is still held back.
    pub fn finish(&mut self, err: &mut Sink) {
        if let Some((_, file)) = &mut self.file {
            let written = file.flush();
            self.check(written, err);
        }
    }

    /// Says once that the file cannot be written.
    fn check(&mut self, written: io::Result<()>, err: &mut Sink) {
        if let (Err(error), Some((path, _)), false) = (written, &self.file, self.failed) {
            err.say(&format!("--strace-file: {} cannot be written: {error}", path.display()));
            self.failed = true;
        }
    }
}

#[cfg(test)]
mod tests;
