//! Programs under test: compiled once a test run by the wrappers under test.

use crate::{root, tool};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// A compiled image.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// `programs/<file>`, compiled by the wrapper for its language with `-O1 -g`.
    ///
    /// # Panics
    /// When it does not compile; the compiler's output is in the message.
    pub fn new(file: &str) -> Program {
        let source = root().join("qemu-tests/programs").join(file);
        Self::compile(&source, &["-O1", "-g"])
    }

    /// As [`Program::new`], with threads.
    ///
    /// # Panics
    /// As [`Program::new`].
    pub fn threaded(file: &str) -> Program {
        let source = root().join("qemu-tests/programs").join(file);
        Self::compile(&source, &["-O1", "-g", "-pthread"])
    }

    /// The source at `source`, compiled with `flags`.
    ///
    /// # Panics
    /// As [`Program::new`].
    pub fn compile(source: &Path, flags: &[&str]) -> Program {
        static BUILT: OnceLock<Mutex<HashMap<(PathBuf, String), PathBuf>>> = OnceLock::new();
        let built = BUILT.get_or_init(Mutex::default);
        let mut built = built.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (source.to_path_buf(), flags.join(" "));
        let number = built.len();
        let path = built.entry(key).or_insert_with(|| {
            let stem = source.file_name().map_or("program".into(), |n| n.to_string_lossy().replace('.', "-"));
            let path = directory().join(format!("{stem}-{}-{number}", std::process::id()));
            let wrapper = match source.extension().and_then(|e| e.to_str()) {
                Some("f90" | "f") => "mpifort",
                Some("cc" | "cpp") => "mpicxx",
                _ => "mpicc",
            };
            let mut command = Command::new(tool(wrapper));
            command.args(flags).arg(source).arg("-o").arg(&path);
            let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?} failed:\n{text}");
            path
        });
        Program(path.clone())
    }

    /// An image that `make` built among the examples.
    ///
    /// # Panics
    /// When `make` has not run.
    pub fn example(name: &str) -> Program {
        let path = root().join("build/examples").join(name);
        assert!(path.exists(), "{} is missing: run `make` before these tests", path.display());
        Program(path)
    }

    /// Any file, image or not.
    pub fn at(path: impl Into<PathBuf>) -> Program {
        Program(path.into())
    }

    /// Where the image is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Where compiled programs lie: `build/tests`, which `make clean` removes.
fn directory() -> PathBuf {
    let path = root().join("build/tests");
    std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("cannot create {}: {e}", path.display()));
    path
}
