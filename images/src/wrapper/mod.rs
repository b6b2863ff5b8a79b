//! The compiler wrappers: the system's compiler with what an image needs added.
//!
//! [`arguments`] tells the wrapper's own flags from the compiler's and what the compiler is asked to do; [`link`]
//! knows what a link needs; this module puts a command line together.

mod arguments;
mod link;
mod show;

use std::ffi::{OsStr, OsString};
use std::path::Path;

pub use arguments::{Request, Show, Unusable};
pub use link::Style;
pub use show::quoted;

use crate::layout::Layout;

/// Which compiler a wrapper stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `mpicc`.
    C,
    /// `mpicxx` and its other names.
    Cxx,
    /// `mpifort`, `mpif90`, `mpif77`.
    Fortran,
}

impl Language {
    /// The language of a wrapper's file name.
    pub fn of_wrapper(name: &str) -> Option<Self> {
        match name {
            "mpicc" | "mpicc.unirank" => Some(Self::C),
            "mpicxx" | "mpic++" | "mpiCC" | "mpicxx.unirank" => Some(Self::Cxx),
            "mpifort" | "mpif90" | "mpif77" | "mpifort.unirank" => Some(Self::Fortran),
            _ => None,
        }
    }

    fn default_compiler(self) -> &'static str {
        match self {
            Self::C => "gcc",
            Self::Cxx => "g++",
            Self::Fortran => "gfortran",
        }
    }

    /// Environment variables that name another compiler, the first set one wins: ours, then MPICH's and Open MPI's,
    /// which build systems set.
    fn variables(self) -> &'static [&'static str] {
        match self {
            Self::C => &["UNIRANK_CC", "MPICH_CC", "OMPI_CC"],
            Self::Cxx => &["UNIRANK_CXX", "MPICH_CXX", "OMPI_CXX"],
            Self::Fortran => &["UNIRANK_FC", "MPICH_FC", "MPICH_F90", "OMPI_FC"],
        }
    }

    /// The package that has the default compiler.
    pub fn package(self) -> &'static str {
        self.default_compiler()
    }
}

/// A command line that is ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The compiler and all its arguments.
    pub words: Vec<OsString>,
    /// Whether it links an image or a shared library, so that our libraries must be there.
    pub links: bool,
}

/// Puts the compiler's command line together. `environment` looks a variable up.
pub fn command_line(
    language: Language,
    layout: &Layout,
    request: &Request,
    environment: impl Fn(&str) -> Option<OsString>,
) -> CommandLine {
    let mut words = compiler(language, request, environment);
    let is_gfortran = Path::new(&words[0]).file_name().is_some_and(|name| contains(name, "gfortran"));
    words.extend(request.passed.iter().cloned());
    let shown_alone = request.show.is_some() && !request.has_input;
    if request.compiles || shown_alone {
        words.push(flag("-I", &layout.include()));
        if language == Language::Fortran && is_gfortran {
            // MPI's choice buffers take arguments of any type; gfortran 10 and later refuse two calls of one
            // procedure with different ones unless told.
            words.push("-fallow-argument-mismatch".into());
        }
    }
    let links = request.links || shown_alone;
    if links {
        words.extend(link::arguments(language, layout, Style::Driver));
    } else if request.links_shared {
        words.extend(link::shared(layout));
    }
    CommandLine { words, links: links || request.links_shared }
}

/// What `-showme:compile` and the like print.
pub fn shown_part(language: Language, layout: &Layout, show: Show) -> Vec<OsString> {
    match show {
        Show::Compile => vec![flag("-I", &layout.include())],
        Show::Link => link::arguments(language, layout, Style::LinkerOnly),
        Show::IncludeDirs => vec![layout.include().into()],
        Show::LibraryDirs => vec![layout.lib().into()],
        Show::Libraries => link::libraries(language).iter().map(OsString::from).collect(),
        Show::Command | Show::Version => Vec::new(),
    }
}

fn compiler(
    language: Language,
    request: &Request,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Vec<OsString> {
    let named = request.compiler.clone().or_else(|| {
        let mut values = language.variables().iter().filter_map(|v| environment(v));
        values.find(|value| !value.is_empty())
    });
    let words: Vec<OsString> = match named.as_ref().map(|n| n.to_str()) {
        None => Vec::new(),
        // "ccache gcc" and "gcc -m64" are usual values.
        Some(Some(text)) => text.split_whitespace().map(OsString::from).collect(),
        Some(None) => named.into_iter().collect(),
    };
    if words.is_empty() { vec![language.default_compiler().into()] } else { words }
}

fn contains(name: &OsStr, part: &str) -> bool {
    name.to_str().is_some_and(|name| name.contains(part))
}

fn flag(flag: &str, path: &Path) -> OsString {
    let mut word = OsString::from(flag);
    word.push(path);
    word
}

#[cfg(test)]
mod tests;
