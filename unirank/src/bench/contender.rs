//! Who takes part in a comparison: our image as VMs and as processes, and the MPI libraries that are installed beside
//! it. Everyone compiles the same source and runs it on the same cores.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::job::{Job, core_list};
use super::libraries::Installation;
use super::workshop::Workshop;
use crate::failure::Result;
use crate::run::accel::Accel;

/// How long one run of a program may take.
const LIMIT: Duration = Duration::from_secs(900);

/// One way to run a program.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Short name, also used in the figures' names.
    pub name: String,
    /// What it is.
    pub what: String,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Unirank(Ours),
    Other(Installation),
}

/// How our image is run.
#[derive(Clone, Copy, Debug)]
struct Ours {
    accel: Accel,
    /// A variable and its value, if not all is as usual.
    setting: Option<&'static str>,
}

impl Ours {
    fn job(self, image: &Path, ranks: u32, args: &[String]) -> Job {
        let job = Job::new(image, ranks, self.accel).args(args).limit(LIMIT);
        match self.setting {
            Some(setting) => job.flags(&["--env", setting]),
            None => job,
        }
    }
}

impl Contender {
    /// Our image, with the settings every user gets.
    pub fn unirank(accel: Accel) -> Self {
        let what = match accel {
            Accel::Kvm => "unirank, VMs under KVM",
            Accel::Tcg => "unirank, VMs under TCG",
            Accel::Native => "unirank, the same image as Linux processes",
        };
        Self {
            name: accel.name().into(),
            what: what.into(),
            how: How::Unirank(Ours { accel, setting: None }),
        }
    }

    /// Our image with all messages through the adapter, also those on one host.
    pub fn unirank_by_adapter(accel: Accel) -> Self {
        let usual = Self::unirank(accel);
        Self {
            name: format!("{}-hca", usual.name),
            what: format!("{}, all through the adapter", usual.what),
            how: How::Unirank(Ours { accel, setting: Some("UNIRANK_CHANNEL=hca") }),
        }
    }

    /// Our image with a variable set.
    pub fn unirank_with(accel: Accel, setting: &'static str) -> Self {
        let usual = Self::unirank(accel);
        Self {
            what: format!("{}, {setting}", usual.what),
            how: How::Unirank(Ours { accel, setting: Some(setting) }),
            ..usual
        }
    }

    /// Another library.
    pub fn other(installation: &Installation) -> Self {
        let (name, what) = (installation.short(), installation.what());
        Self { name, what, how: How::Other(installation.clone()) }
    }

    /// Which library it is, if it is not ours.
    pub fn library(&self) -> Option<&'static str> {
        match &self.how {
            How::Unirank(_) => None,
            How::Other(installation) => Some(installation.library.short),
        }
    }

    /// Compiles a C source. All our contenders share one image.
    pub fn compile(&self, workshop: &Workshop, source: &str, flags: &[&str]) -> Result<PathBuf> {
        let stem = source.trim_end_matches(".c");
        match &self.how {
            How::Unirank(_) => {
                let image = workshop.folder().join(stem);
                match image.exists() {
                    true => Ok(image),
                    false => workshop.compile(workshop.tool("mpicc"), source, stem, flags),
                }
            }
            How::Other(installation) => {
                workshop.compile(&installation.mpicc, source, &format!("{stem}.{}", self.name), flags)
            }
        }
    }

    /// Runs a program with two ranks, each on a core of its own, and returns what it prints.
    pub fn run(
        &self,
        workshop: &Workshop,
        cores: &[usize],
        program: &Path,
        args: &[String],
    ) -> Result<String> {
        match &self.how {
            How::Unirank(ours) => {
                Ok(ours.job(program, 2, args).flags(&["--bind", "core"]).run(workshop)?.output)
            }
            How::Other(installation) => {
                let mut command = Command::new(&installation.mpiexec);
                command.args(installation.library.flags);
                // Two programs of one rank each, so that each can be bound.
                for (n, core) in cores.iter().take(2).enumerate() {
                    if n > 0 {
                        command.arg(":");
                    }
                    command.args(["-n", "1", "taskset", "-c", &core.to_string()]).arg(program).args(args);
                }
                workshop.run(command, LIMIT)
            }
        }
    }

    /// Runs a program with more ranks, or threads, than cores, all on these cores. `flags` are for `unirank run`.
    pub fn run_crowded(
        &self,
        workshop: &Workshop,
        cores: &[usize],
        ranks: u32,
        flags: &[&str],
        program: &Path,
        args: &[String],
    ) -> Result<String> {
        match &self.how {
            How::Unirank(ours) => {
                Ok(ours.job(program, ranks, args).flags(flags).on(cores).run(workshop)?.output)
            }
            How::Other(installation) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core_list(cores)]).arg(&installation.mpiexec);
                command.args(installation.library.flags).args(["-n", &ranks.to_string()]);
                command.arg(program).args(args);
                workshop.run(command, LIMIT)
            }
        }
    }
}
