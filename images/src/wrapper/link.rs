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
    /// believes it links a shared executable, so the linker is told otherwise, and `libgcc_s` comes from our folder,
    /// where it names the static one.
    LinkerOnly,
}

/// Linker flags of every image.
///
/// - No `relro` and no separate code segments: fewer, denser segments for a kernel that maps them itself, and the
///   ELF header stays loaded, which the C library of a static program reads (`__ehdr_start`).
/// - An executable stack is never needed; objects from assembly without a note would ask for one.
const LINKER_FLAGS: [&str; 6] = ["-z", "norelro", "-z", "noseparate-code", "-z", "noexecstack"];

/// What the static runtimes of GCC's languages refer to only weakly: they take threads for present as soon as one of
/// these is (and the MPI library's runtime brings one), then call all of them, so all must be there.
/// From `nm libgfortran.a libgcc_eh.a` of GCC 12 to 14.
const THREAD_FUNCTIONS: [&str; 14] = [
    "pthread_cond_broadcast",
    "pthread_cond_destroy",
    "pthread_cond_init",
    "pthread_cond_wait",
    "pthread_getspecific",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_mutex_destroy",
    "pthread_mutex_init",
    "pthread_mutex_lock",
    "pthread_mutex_trylock",
    "pthread_mutex_unlock",
    "pthread_once",
    "pthread_setspecific",
];
/// The same, by libgfortran only.
const FORTRAN_THREAD_FUNCTIONS: [&str; 3] = ["pthread_create", "pthread_join", "pthread_self"];

/// The options that make the linker look for [`THREAD_FUNCTIONS`].
fn thread_functions(language: Language) -> impl Iterator<Item = String> {
    let fortran = if language == Language::Fortran { &FORTRAN_THREAD_FUNCTIONS[..] } else { &[] };
    THREAD_FUNCTIONS.iter().chain(fortran).map(|name| format!("-Wl,-u,{name}"))
}

/// Everything a link needs beside the user's own words; it stands after them, so that it wins over flags that
/// distributions set (`-z relro`) and resolves their references.
pub fn arguments(language: Language, layout: &Layout, style: Style) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    match style {
        Style::Driver => {
            words.extend(["-static".into(), "-no-pie".into()]);
            words.extend(LINKER_FLAGS.chunks(2).map(|pair| format!("-Wl,{}", pair.join(",")).into()));
            words.push(layout.kernel_object().into());
        }
        Style::LinkerOnly => {
            let mut all = OsString::from(format!("-Wl,-no-pie,-static,{},", LINKER_FLAGS.join(",")));
            all.push(layout.kernel_object());
            words.push(all);
        }
    }
    words.extend(thread_functions(language).map(OsString::from));
    words.push(flag("-L", &layout.lib()));
    words.extend(libraries(language).iter().map(|name| format!("-l{name}").into()));
    words
}

/// The libraries, in link order.
pub fn libraries(language: Language) -> &'static [&'static str] {
    match language {
        // The Fortran module's own object, if a program needs it, calls the library behind it.
        Language::Fortran => &["mpifort", "mpi", "m", "pthread"],
        Language::C | Language::Cxx => &["mpi", "m", "pthread"],
    }
}
