//! What a link needs to become an image.

use std::ffi::OsString;

use super::{Language, flag};
use crate::layout::Layout;

/// For whom the arguments are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For the compiler driver: the plain form.
    Driver,
    /// For a build system that passes on only `-Wl,`, `-L` and `-l` words, as CMake's FindMPI does. The driver then
    /// believes it links a shared executable, so the linker is told otherwise, `shared-start.o` makes up for the
    /// other start-up object, and `libgcc_s` comes from our folder, where it names the static one.
    LinkerOnly,
}

/// Linker flags of every image.
///
/// - No `relro` and no separate code segments: fewer, denser segments for a kernel that maps them itself, and the
///   ELF header stays loaded, which the C library of a static program reads (`__ehdr_start`).
/// - Nothing about the stack: the linker makes it executable if an object asks for it, and internal procedures of Fortran
///   that are passed as arguments (user operations, error handlers) do, for their trampolines lie on it.
/// - Backtraces and C++ exceptions look unwind tables up by their index, which `gcc -static` leaves out.
/// - What nothing refers to is left out: a program pays for the part of the MPI library that it uses.
const LINKER_FLAGS: [&[&str]; 4] =
    [&["-z", "norelro"], &["-z", "noseparate-code"], &["--eh-frame-hdr"], &["--gc-sections"]];

/// Everything a link needs beside the user's own words; it stands after them, so that it wins over flags that
/// distributions set (`-z relro`) and resolves their references.
pub fn arguments(language: Language, layout: &Layout, style: Style) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    match style {
        Style::Driver => {
            words.extend(["-static".into(), "-no-pie".into()]);
            words.extend(LINKER_FLAGS.iter().map(|flag| format!("-Wl,{}", flag.join(",")).into()));
            words.extend(requests(language, layout).into_iter().map(|request| {
                let mut word = OsString::from("-Wl,");
                word.push(request);
                word
            }));
            // The linker's own input: after `-x c` the driver would take it for source.
            words.push(flag("-Wl,", &layout.kernel_object()));
        }
        Style::LinkerOnly => {
            let mut all = OsString::from(format!("-Wl,-no-pie,-static,{}", LINKER_FLAGS.concat().join(",")));
            let start = layout.lib().join("shared-start.o").into();
            let kernel = layout.kernel_object().into();
            for input in
                requests(language, layout).into_iter().chain([kernel, start, flag("-L", &layout.lib())])
            {
                all.push(",");
                all.push(input);
            }
            words.push(all);
        }
    }
    words.push(flag("-L", &layout.lib()));
    words.extend(libraries(language).iter().map(|name| format!("-l{name}").into()));
    words
}

/// What a shared library gets: the MPI library as one, for programs that are not images but load libraries as they run
/// (Python's `mpi4py`). Such a program runs as Linux processes only.
pub fn shared(layout: &Layout) -> Vec<OsString> {
    vec![flag("-L", &layout.lib()), flag("-Wl,-rpath,", &layout.lib()), "-lmpi_abi".into()]
}

/// Linker arguments, in files, that ask for what the static runtimes of GCC's languages refer to only weakly: they take
/// threads for present as soon as one of these functions is (and the MPI library's runtime brings one), then call all of
/// them, so all must be there. As `-u` words they count from the start; `EXTERN` in a script comes too late when a
/// runtime is read before it, as libgfortran is when the user says `-lm`. The names are those of
/// `nm libgcc_eh.a libstdc++.a libgfortran.a` of GCC 12 to 14.
fn requests(language: Language, layout: &Layout) -> Vec<OsString> {
    let names: &[&str] = match language {
        Language::Fortran => &["threads.args", "threads-fortran.args"],
        Language::C | Language::Cxx => &["threads.args"],
    };
    names.iter().map(|name| flag("@", &layout.lib().join(name))).collect()
}

/// The libraries, in link order. `hermit` costs programs nothing that call none of its functions.
pub fn libraries(language: Language) -> &'static [&'static str] {
    match language {
        // The Fortran module's own object, if a program needs it, calls the library behind it.
        Language::Fortran => &["mpifort", "hermit", "mpi", "m", "pthread"],
        Language::C | Language::Cxx => &["hermit", "mpi", "m", "pthread"],
    }
}
