//! Tells the wrapper's own flags from the compiler's, and finds out what the compiler is asked to do.

use std::ffi::OsString;
use std::fmt;

/// What is to be shown instead of done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// The whole command.
    Command,
    /// Flags for compiling.
    Compile,
    /// Flags for linking.
    Link,
    /// Include folders.
    IncludeDirs,
    /// Library folders.
    LibraryDirs,
    /// Library names.
    Libraries,
    /// The wrapper's version.
    Version,
}

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Arguments for the compiler, in order.
    pub passed: Vec<OsString>,
    /// Show instead of do.
    pub show: Option<Show>,
    /// Another compiler.
    pub compiler: Option<OsString>,
    /// Whether there is something to compile or link.
    pub has_input: bool,
    /// Whether something may be compiled or preprocessed.
    pub compiles: bool,
    /// Whether an executable is linked.
    pub links: bool,
    /// Whether a shared library is linked.
    pub links_shared: bool,
    /// Whether the wrapper's own version is printed before the compiler's words (`-v`).
    pub tells_version: bool,
    /// Flags that were left out because an image cannot have them.
    pub dropped: Vec<OsString>,
}

/// A flag that cannot be honoured and must not be ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// Compiler flags whose value is the next word; that word is no input file.
const WITH_VALUE: [&str; 36] = [
    "-o",
    "-I",
    "-L",
    "-D",
    "-U",
    "-J",
    "-x",
    "-l",
    "-T",
    "-u",
    "-z",
    "-e",
    "-A",
    "-B",
    "-G",
    "-MF",
    "-MT",
    "-MQ",
    "-include",
    "-imacros",
    "-isystem",
    "-idirafter",
    "-iquote",
    "-iprefix",
    "-iwithprefix",
    "-iwithprefixbefore",
    "-isysroot",
    "-imultilib",
    "-Xlinker",
    "-Xassembler",
    "-Xpreprocessor",
    "--param",
    "-aux-info",
    "-dumpbase",
    "-dumpdir",
    "-wrapper",
];

/// Flags after which no executable comes out.
const NO_LINK: [&str; 8] = ["-c", "-S", "-E", "-M", "-MM", "-r", "-fsyntax-only", "--preprocess"];

impl Request {
    /// Reads the words after the wrapper's name.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Unusable> {
        let mut request = Self::default();
        let (mut no_link, mut shared) = (false, false);
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(text) = word.to_str() else {
                // A file name in another encoding.
                request.has_input = true;
                request.passed.push(word);
                continue;
            };
            if request.take_own(text)? {
                continue;
            }
            no_link |= NO_LINK.contains(&text);
            shared |= text == "-shared";
            if matches!(text, "-pie" | "-static-pie") {
                request.dropped.push(word);
                continue;
            }
            request.tells_version |= text == "-v";
            // `-` is standard input, `@file` more arguments; `-lfoo` alone makes gcc link as well.
            request.has_input |= !text.starts_with('-') || text == "-" || text.starts_with("-l");
            let takes_value = WITH_VALUE.contains(&text);
            request.passed.push(word);
            if takes_value {
                request.passed.extend(words.next());
            }
        }
        request.compiles = request.has_input;
        request.links = request.has_input && !no_link && !shared;
        request.links_shared = request.has_input && !no_link && shared;
        Ok(request)
    }

    /// Takes a flag of MPICH's or Open MPI's wrappers; returns whether it was one.
    fn take_own(&mut self, text: &str) -> Result<bool, Unusable> {
        let show = match text {
            "-show" | "--show" | "-showme" | "--showme" | "-compile-info" | "-compile_info"
            | "-link-info" | "-link_info" => Show::Command,
            "-showme:command" | "--showme:command" => Show::Command,
            "-showme:compile" | "--showme:compile" => Show::Compile,
            "-showme:link" | "--showme:link" => Show::Link,
            "-showme:incdirs" | "--showme:incdirs" => Show::IncludeDirs,
            "-showme:libdirs" | "--showme:libdirs" => Show::LibraryDirs,
            "-showme:libs" | "--showme:libs" => Show::Libraries,
            "-showme:version" | "--showme:version" => Show::Version,
            "-echo" => {
                self.tells_version = true;
                return Ok(true);
            }
            _ => {
                for prefix in ["-cc=", "-CC=", "-cxx=", "-fc=", "-f77=", "-f90="] {
                    if let Some(compiler) = text.strip_prefix(prefix) {
                        self.compiler = Some(compiler.into());
                        return Ok(true);
                    }
                }
                if text.starts_with("-profile=") || text.starts_with("-config=") {
                    return Err(Unusable(format!(
                        "{text} is a flag of MPICH's wrappers that unirank's do not have"
                    )));
                }
                return Ok(false);
            }
        };
        self.show = Some(show);
        Ok(true)
    }
}
