//! `docs/mpi-coverage.md`: every function of `mpi.h`, whether it is offered, and the programs of the test suite that call it.

use crate::header::{self, Function};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where test programs are, and unit tests that call the C functions.
const PROGRAMS: &str = "qemu-tests/programs";
const UNIT_TESTS: &str = "mpi-lite/src";
/// Programs named for a function.
const SHOWN: usize = 3;

/// What is known of each function.
pub struct Coverage {
    functions: Vec<Function>,
    unsupported: BTreeSet<String>,
    /// Paths from the root, by the functions they call.
    callers: BTreeMap<String, BTreeSet<String>>,
}

impl Coverage {
    /// Reads the sources under `root`.
    pub fn read(root: &Path) -> io::Result<Self> {
        let functions = header::parse(&fs::read_to_string(root.join("mpi-lite/include/mpi.h"))?);
        let refused = fs::read_to_string(root.join("mpi-lite/src/c/unsupported.rs"))?;
        let unsupported = names(&refused).map(str::to_owned).collect();
        let mut callers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut sources = files(&root.join(PROGRAMS))?;
        sources.extend(files(&root.join(UNIT_TESTS))?.into_iter().filter(|path| is_test(path)));
        let known: BTreeMap<String, &str> =
            functions.iter().map(|f| (f.name.to_lowercase(), f.name.as_str())).collect();
        for path in sources {
            let text = fs::read_to_string(&path)?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let fortran = path.extension().is_some_and(|e| e == "f90" || e == "f");
            for name in names(&text) {
                let name = name.trim_start_matches("MPI_");
                let name = match known.get(&name.to_lowercase()) {
                    // Fortran does not tell capitals from small letters.
                    Some(known) if fortran || *known == name => known,
                    _ => continue,
                };
                callers.entry((*name).to_owned()).or_default().insert(shown.clone());
            }
        }
        Ok(Self { functions, unsupported, callers })
    }

    /// Functions that are offered and that nothing calls.
    pub fn untested(&self) -> Vec<&str> {
        let offered = self.functions.iter().map(|f| f.name.as_str()).filter(|name| self.is_offered(name));
        offered.filter(|name| !self.callers.contains_key(*name)).collect()
    }

    fn is_offered(&self, name: &str) -> bool {
        !self.unsupported.contains(&format!("MPI_{name}"))
    }

    /// The document.
    pub fn document(&self) -> String {
        let offered = self.functions.iter().filter(|f| self.is_offered(&f.name)).count();
        let mut text = format!(
            "# MPI functions\n\n\
             Made from `mpi-lite/include/mpi.h` by `make docs`; do not edit. {} functions are declared, {offered} work, the other \
             {} return `MPI_ERR_UNSUPPORTED_OPERATION` with a message. Every one has its `PMPI_` name, too. The last column \
             names tests that call it, {SHOWN} at most: programs under `{PROGRAMS}` (C and Fortran, run by \
             `qemu-tests/tests`) or unit tests.\n",
            self.functions.len(),
            self.functions.len() - offered,
        );
        let mut section = None;
        for function in &self.functions {
            if section != Some(&function.section) {
                section = Some(&function.section);
                let _ = write!(
                    text,
                    "\n## {}\n\n| function | state | tests |\n|---|---|---|\n",
                    function.section
                );
            }
            let state = if self.is_offered(&function.name) { "works" } else { "not offered" };
            let _ = writeln!(text, "| `MPI_{}` | {state} | {} |", function.name, self.tests(&function.name));
        }
        text
    }

    /// Short names of callers: programs that are about few functions first.
    fn tests(&self, name: &str) -> String {
        let Some(callers) = self.callers.get(name) else { return String::new() };
        let breadth = |path: &str| self.callers.values().filter(|paths| paths.contains(path)).count();
        let mut callers: Vec<(usize, &str)> =
            callers.iter().map(|path| (breadth(path), path.as_str())).collect();
        callers.sort_unstable();
        let short = |path: &str| format!("`{}`", path.trim_start_matches(PROGRAMS).trim_start_matches('/'));
        callers.iter().take(SHOWN).map(|(_, path)| short(path)).collect::<Vec<_>>().join(", ")
    }
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs") == "tests")
}

/// All files under a folder, in order.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_source = path
            .extension()
            .is_some_and(|e| ["c", "cc", "h", "f90", "f", "rs"].iter().any(|known| e == *known));
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if is_source {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Words that begin with `MPI_`, in any capitals.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.len() > 4 && word.is_char_boundary(4) && word[..4].eq_ignore_ascii_case("MPI_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn the_document_is_up_to_date() {
        let document = fs::read_to_string(root().join("docs/mpi-coverage.md")).expect("readable");
        assert!(document == Coverage::read(&root()).expect("readable").document(), "run make docs");
    }

    #[test]
    fn every_function_that_is_offered_is_called_by_a_test() {
        let coverage = Coverage::read(&root()).expect("readable");
        assert_eq!(coverage.untested(), Vec::<&str>::new());
    }

    #[test]
    fn names_are_whole_words() {
        let found: Vec<_> = names("MPI_Send(buf); call mpi_recv(x), PMPI_Wait MPI_ xMPI_Test").collect();
        assert_eq!(found, ["MPI_Send", "mpi_recv"]);
    }
}
