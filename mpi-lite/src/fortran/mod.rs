//! The Fortran bindings: what gfortran's calls of `MPI_X` land on (`mpi_x_`, with `pmpi_x_` behind it).
//!
//! Every argument comes by reference. INTEGER is C's `int`, a handle is an INTEGER with the value of the C handle
//! ([`crate::handle`] keeps dynamic handles within 31 bits), a status is `INTEGER(MPI_STATUS_SIZE)` with the layout of
//! `MPI_Status` (MPI 5.0, section 20.3), LOGICAL is 0 or 1. A CHARACTER argument adds its length, by value, behind
//! all other arguments. The types of `mpi_f08` have the same form, so that its procedures (`mpi_x_f08_`) are second names of
//! the same code; there an error code that the program leaves out is a null reference, and procedures with large counts
//! (`mpi_x_c_f08_`) exist.
//!
//! Most bindings are made from `mpi.h` ([`generated`], by the crate `unirank-mpi-bindings`): a line of the macro [`fortran!`] each.
//! Those with text of several lengths or callbacks are written out. The modules made by the same crate are the other side.

pub mod arguments;
mod arrays;
mod attributes;
mod datarep;
mod env;
mod functions;
mod grequest;
mod mpi1;
mod peers;
mod sentinels;
mod spawn;
mod status;
mod text;

/// Second names of a Fortran binding. Used behind a function that carries `#[unsafe(export_name = ...)]` with its strong name.
macro_rules! names {
    // pmpi_x_ is strong: mpi_x_ and mpi_x_f08_ are weak, pmpi_x_f08_ is the strong name there.
    (both $name:ident) => {
        $crate::fortran::names!(@jump $name, "_", [concat!(stringify!($name), "_")] [concat!(stringify!($name), "_f08_")]
            [concat!("p", stringify!($name), "_f08_")]);
    };
    (plain $name:ident) => {
        $crate::fortran::names!(@jump $name, "_", [concat!(stringify!($name), "_")] [] []);
    };
    (f08 $name:ident) => {
        $crate::fortran::names!(@jump $name, "_f08_", [concat!(stringify!($name), "_f08_")] [] []);
    };
    (@jump $name:ident, $suffix:literal, [$section:expr] [$($weak:expr)?] [$($strong:expr)?]) => {
        ::core::arch::global_asm!(
            concat!(".pushsection .text.", $section, ",\"ax\",@progbits"),
            concat!(".weak ", $section),
            concat!(".type ", $section, ",@function"),
            $(concat!(".weak ", $weak), concat!(".type ", $weak, ",@function"), concat!($weak, ":"),)?
            $(concat!(".globl ", $strong), concat!(".type ", $strong, ",@function"), concat!($strong, ":"),)?
            concat!($section, ": jmp p", stringify!($name), $suffix),
            concat!(".size ", $section, ", .-", $section),
            ".popsection",
        );
    };
}

/// The length of an argument: none is 0, a negative one, which the C function reports, too.
macro_rules! length {
    () => {
        0
    };
    ($length:expr) => {
        usize::try_from($length).unwrap_or(0)
    };
}

/// One binding a line: `mpi_x = PMPI_X(argument name_in_rust: Kind, array another_name: Kind[length], ...; hidden, lengths);` where each kind
/// is an [`arguments::Argument`], behind the word for its [`names!`].
macro_rules! fortran {
    (both $($lines:tt)*) => { fortran! { @all both "_" $($lines)* } };
    (plain $($lines:tt)*) => { fortran! { @all plain "_" $($lines)* } };
    (f08 $($lines:tt)*) => { fortran! { @all f08 "_f08_" $($lines)* } };
    (@all $names:ident $suffix:literal $(
        $name:ident = $c:ident(
            $($argument:ident $inner:ident: $kind:ty $([$length:expr])?),*; $($text:ident),*
        );
    )*) => {
        $(
            /// Fortran binding; the arguments are those of the C function, then the error code, then lengths of text.
            #[unsafe(export_name = concat!("p", stringify!($name), $suffix))]
            #[allow(clippy::useless_conversion, reason = "lengths are of several types")]
            pub unsafe extern "C" fn $name(
                $($argument: <$kind as $crate::fortran::arguments::Argument>::Raw,)*
                ierror: *mut ::core::ffi::c_int,
                $($text: usize,)*
            ) {
                #[allow(clashing_extern_declarations, reason = "the same types under two names")]
                unsafe extern "C" {
                    fn $c($($argument: <$kind as $crate::fortran::arguments::Argument>::Value),*) -> ::core::ffi::c_int;
                }
                // SAFETY: the caller passes what the Fortran interface of this function asks for: every reference is
                // valid for the access its kind makes, for the time of the call (or, for buffers of pending
                // operations, as long as the standard says). The C function has the arguments that mpi.h declares.
                unsafe {
                    $(let mut $inner = <$kind as $crate::fortran::arguments::Argument>::receive(
                        $argument, $crate::fortran::length!($($length)?),
                    );)*
                    let code = $c($($crate::fortran::arguments::Argument::value(&mut $inner)),*);
                    $($crate::fortran::arguments::Argument::give_back($inner, code, $crate::fortran::length!($($length)?));)*
                    $crate::fortran::arguments::give(ierror, code);
                }
            }
            $crate::fortran::names!($names $name);
        )*
    };
}

/// A binding with a body of its own: `fn mpi_x(arguments) { ... }`, exported under the [`names!`] that the word in front means.
macro_rules! fortran_fn {
    ($names:ident $($(#[$m:meta])* fn $name:ident($($argument:ident: $ty:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$m])*
            #[unsafe(export_name = concat!("p", stringify!($name), "_"))]
            pub unsafe extern "C" fn $name($($argument: $ty),*) $(-> $result)? $body
            $crate::fortran::names!($names $name);
        )*
    };
}

use fortran;
use fortran_fn;
use length;
use names;

/// What the tables that follow name.
mod generated {
    pub use super::arguments::*;
    pub use super::arrays::*;
    pub use super::peers::*;
    pub use super::text::*;
    pub use crate::abi::*;
}

include!(concat!(env!("OUT_DIR"), "/fortran.rs"));
