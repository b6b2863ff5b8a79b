//! Where an installation keeps what is linked into images.
//!
//! `make` fills `build/` and `make install PREFIX=DIR` fills `DIR` with the same three folders, so everything is
//! found relative to the program that runs: `bin/`, `lib/unirank/` and `include/`.

use std::io;
use std::path::{Path, PathBuf};

/// One installation: `build/`, or the `PREFIX` of `make install`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    prefix: PathBuf,
}

impl Layout {
    /// Takes `prefix` as it is.
    pub fn new(prefix: impl Into<PathBuf>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The installation the running program belongs to: the folder above the one that holds it.
    pub fn of_current_exe() -> io::Result<Self> {
        let exe = std::env::current_exe()?;
        let prefix = exe.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        Ok(Self::new(prefix))
    }

    /// The programs.
    pub fn bin(&self) -> PathBuf {
        self.prefix.join("bin")
    }

    /// What is linked into images.
    pub fn lib(&self) -> PathBuf {
        self.prefix.join("lib/unirank")
    }

    /// The library OS, one relocatable object.
    pub fn kernel_object(&self) -> PathBuf {
        self.lib().join("kernel.o")
    }

    /// The MPI library: an archive of one relocatable object, so that only programs that call MPI carry it. Its name
    /// is the usual one: a Makefile that says `-lmpi` by itself gets this library, too.
    pub fn mpi_library(&self) -> PathBuf {
        self.lib().join("libmpi.a")
    }

    /// The functions of the hermit-abi crate.
    pub fn hermit_library(&self) -> PathBuf {
        self.lib().join("libhermit.a")
    }

    /// `mpi.h`, `mpif.h` and the Fortran modules.
    pub fn include(&self) -> PathBuf {
        self.prefix.join("include")
    }

    /// Sources of the programs `unirank bench` compiles, with each MPI library it compares.
    pub fn bench_sources(&self) -> PathBuf {
        self.prefix.join("share/unirank/bench")
    }

    /// The first of the files every link needs that is not there.
    pub fn missing(&self) -> Option<PathBuf> {
        [self.kernel_object(), self.hermit_library(), self.mpi_library(), self.include().join("mpi.h")]
            .into_iter()
            .find(|p| !p.exists())
    }
}
