//! The C interface. [`mpi_fn!`](crate::mpi_fn) defines one function of it under its two names, `PMPI_X` and, weak, `MPI_X`.

pub mod abi;
pub mod attr;
pub mod coll;
pub mod comm;
pub mod env;
pub mod errhandler;
pub mod file;
pub mod group;
pub mod handles;
pub mod info;
pub(crate) mod input;
pub mod op;
pub mod p2p;
pub mod session;
pub mod tool;
pub mod topo;
pub mod types;
mod unsupported;
pub mod win;

use crate::check::current;
use crate::errhandler::{Guarded, guard};
use crate::observe::call::Function;
use crate::threads;
use std::ffi::c_int;

/// Runs the body of an MPI function, one thread at a time, with its error handler, and notes the call.
#[inline]
pub fn entry<G: Guarded>(
    function: Function,
    object: impl FnOnce() -> G,
    body: impl FnOnce() -> crate::Result<()>,
) -> c_int {
    let _entered = threads::enter();
    let object = object();
    current::enter(function.name, object.raw(), function.collective);
    let call = function.begin();
    let code = guard(function.name, object, body);
    function.end(call, || object.ranks());
    code
}

/// Defines C functions of MPI. Each gets the strong symbol `PMPI_X`, the weak symbol `MPI_X` which a profiling library may
/// override, and a Rust item named `MPI_X` (that is `PMPI_X`: call it from Fortran bindings). Forms, any number per invocation:
///
/// ```text
/// mpi_fn! {
///     /// Body returns `Result<()>`; an error goes to the error handler of `comm`: an argument, or `on (any expression)`.
///     fn MPI_Send(buf: *const c_void, count: c_int, comm: MPI_Comm) on comm { ... Ok(()) }
///
///     /// The same without a communicator: errors go to `MPI_COMM_SELF`'s handler.
///     fn MPI_Get_address(location: *const c_void, address: *mut MPI_Aint) { ... Ok(()) }
///
///     /// Two functions from one body: `Count` is `c_int` in the first and `MPI_Count` in the second, `Displ` is `c_int` and
///     /// `MPI_Aint`. Convert with `i64::from(x)`; keep the body short, as it is compiled twice.
///     large fn MPI_Isend, MPI_Isend_c(buf: *const c_void, count: Count, comm: MPI_Comm) on comm { ... Ok(()) }
///
///     /// A plain function: no error handling, its own return type.
///     raw fn MPI_Wtime() -> f64 { ... }
/// }
/// ```
///
/// Bodies are closures in an `unsafe fn`: wrap raw pointer use in `unsafe { }` with a `// SAFETY:` line as everywhere.
#[macro_export]
macro_rules! mpi_fn {
    () => {};
    ($(#[$m:meta])* fn $name:ident($($arg:ident : $ty:ty),* $(,)?) on ($comm:expr) $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@guarded [$(#[$m])*] $name ($($arg: $ty),*) ($comm) $body);
        $crate::mpi_fn!($($rest)*);
    };
    ($(#[$m:meta])* fn $name:ident($($arg:ident : $ty:ty),* $(,)?) on $comm:ident $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@guarded [$(#[$m])*] $name ($($arg: $ty),*) ($comm) $body);
        $crate::mpi_fn!($($rest)*);
    };
    ($(#[$m:meta])* fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@guarded [$(#[$m])*] $name ($($arg: $ty),*) ($crate::abi::MPI_COMM_SELF) $body);
        $crate::mpi_fn!($($rest)*);
    };
    ($(#[$m:meta])* raw fn $name:ident($($arg:ident : $ty:ty),* $(,)?) -> $ret:ty $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@define [$(#[$m])*] $name ($($arg: $ty),*) $ret, $body);
        $crate::mpi_fn!($($rest)*);
    };
    ($(#[$m:meta])* large fn $small:ident, $large:ident($($args:tt)*) on ($comm:expr) $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@large [::core::ffi::c_int, ::core::ffi::c_int] [$(#[$m])*] $small [] [$($args)*] ($comm) $body);
        $crate::mpi_fn!(@large [$crate::abi::MPI_Count, $crate::abi::MPI_Aint] [$(#[$m])*] $large [] [$($args)*] ($comm) $body);
        $crate::mpi_fn!($($rest)*);
    };
    ($(#[$m:meta])* large fn $small:ident, $large:ident($($args:tt)*) on $comm:ident $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@large [::core::ffi::c_int, ::core::ffi::c_int] [$(#[$m])*] $small [] [$($args)*] ($comm) $body);
        $crate::mpi_fn!(@large [$crate::abi::MPI_Count, $crate::abi::MPI_Aint] [$(#[$m])*] $large [] [$($args)*] ($comm) $body);
        $crate::mpi_fn!($($rest)*);
    };
    ($(#[$m:meta])* large fn $small:ident, $large:ident($($args:tt)*) $body:block $($rest:tt)*) => {
        $crate::mpi_fn!(@large [::core::ffi::c_int, ::core::ffi::c_int] [$(#[$m])*] $small [] [$($args)*] ($crate::abi::MPI_COMM_SELF) $body);
        $crate::mpi_fn!(@large [$crate::abi::MPI_Count, $crate::abi::MPI_Aint] [$(#[$m])*] $large [] [$($args)*] ($crate::abi::MPI_COMM_SELF) $body);
        $crate::mpi_fn!($($rest)*);
    };
    // Replaces `Count` and `Displ` in an argument list, token by token.
    (@large [$count:ty, $displ:ty] $m:tt $name:ident [$($done:tt)*] [Count $($todo:tt)*] $comm:tt $body:block) => {
        $crate::mpi_fn!(@large [$count, $displ] $m $name [$($done)* $count] [$($todo)*] $comm $body);
    };
    (@large [$count:ty, $displ:ty] $m:tt $name:ident [$($done:tt)*] [Displ $($todo:tt)*] $comm:tt $body:block) => {
        $crate::mpi_fn!(@large [$count, $displ] $m $name [$($done)* $displ] [$($todo)*] $comm $body);
    };
    (@large [$count:ty, $displ:ty] $m:tt $name:ident [$($done:tt)*] [$next:tt $($todo:tt)*] $comm:tt $body:block) => {
        $crate::mpi_fn!(@large [$count, $displ] $m $name [$($done)* $next] [$($todo)*] $comm $body);
    };
    (@large [$count:ty, $displ:ty] $m:tt $name:ident [$($done:tt)*] [] $comm:tt $body:block) => {
        $crate::mpi_fn!(@guarded $m $name ($($done)*) $comm $body);
    };
    (@guarded $m:tt $name:ident ($($arg:ident : $ty:ty),* $(,)?) ($comm:expr) $body:block) => {
        $crate::mpi_fn!(@define $m $name ($($arg: $ty),*) ::core::ffi::c_int, {
            const FUNCTION: $crate::observe::call::Function = $crate::observe::call::Function::named(stringify!($name));
            $crate::c::entry(FUNCTION, || $comm, || -> $crate::Result<()> { $body })
        });
    };
    (@define [$(#[$m:meta])*] $name:ident ($($arg:ident : $ty:ty),* $(,)?) $ret:ty, $body:block) => {
        $(#[$m])*
        #[unsafe(export_name = concat!("P", stringify!($name)))]
        #[allow(non_snake_case, reason = "MPI chose the names")]
        #[allow(clippy::useless_conversion, reason = "of `Count`, which is `i64` in one of two functions")]
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> $ret $body
        // A jump, not an alias: an alias needs both symbols in one object, and the function may be compiled into another.
        ::core::arch::global_asm!(
            concat!(".pushsection .text.", stringify!($name), ",\"ax\",@progbits"),
            concat!(".weak ", stringify!($name)),
            concat!(".type ", stringify!($name), ",@function"),
            concat!(stringify!($name), ": jmp P", stringify!($name)),
            concat!(".size ", stringify!($name), ", .-", stringify!($name)),
            ".popsection",
        );
    };
}
