//! The Fortran bindings: what gfortran's calls of `MPI_X` land on (`mpi_x_`, with `pmpi_x_` behind it).
//!
//! Every argument comes by reference. INTEGER is C's `int`, a handle is an INTEGER with the value of the C handle
//! ([`crate::handle`] keeps dynamic handles within 31 bits), a status is `INTEGER(MPI_STATUS_SIZE)` with the layout of
//! `MPI_Status` (MPI 5.0, section 20.3), LOGICAL is 0 or 1. A CHARACTER argument adds its length, by value, behind
//! all other arguments. Most bindings are one line of the [`fortran!`] tables; those with arrays of handles, text or
//! callbacks are written out. `fortran/mpi.f90` and `include/mpif.h` are the other side.

pub mod arguments;
mod callbacks;
mod coll;
mod comm;
mod env;
mod group;
mod mpi1;
mod p2p;
mod requests;
mod sentinels;
mod text;
mod topo;
mod types;
mod win;

/// Exports a Rust function under the two names of a Fortran binding: `pmpi_x_` and, weak, `mpi_x_`.
/// Used behind a function that carries `#[unsafe(export_name = ...)]` with the first of them.
macro_rules! weak_name {
    ($name:ident) => {
        ::core::arch::global_asm!(
            concat!(".pushsection .text.", stringify!($name), "_,\"ax\",@progbits"),
            concat!(".weak ", stringify!($name), "_"),
            concat!(".type ", stringify!($name), "_,@function"),
            concat!(stringify!($name), "_: jmp p", stringify!($name), "_"),
            concat!(".size ", stringify!($name), "_, .-", stringify!($name), "_"),
            ".popsection",
        );
    };
}

/// One binding a line: `mpi_x = MPI_X(argument: Kind, ...);` where each kind is an [`arguments::Argument`].
macro_rules! fortran {
    ($($name:ident = $c:ident($($argument:ident: $kind:ty),* $(,)?);)*) => {
        $(
            /// Fortran binding; the arguments are those of the C function, then the error code.
            #[unsafe(export_name = concat!("p", stringify!($name), "_"))]
            pub unsafe extern "C" fn $name(
                $($argument: <$kind as $crate::fortran::arguments::Argument>::Raw,)*
                ierror: *mut ::core::ffi::c_int,
            ) {
                // SAFETY: the caller passes what the Fortran interface of this function asks for: every reference is
                // valid for the access its kind makes, for the time of the call (or, for buffers of pending
                // operations, as long as the standard says).
                unsafe {
                    $(let mut $argument = <$kind as $crate::fortran::arguments::Argument>::receive($argument);)*
                    let code = $c($($crate::fortran::arguments::Argument::value(&mut $argument)),*);
                    $($crate::fortran::arguments::Argument::give_back($argument);)*
                    *ierror = code;
                }
            }
            $crate::fortran::weak_name!($name);
        )*
    };
}

/// A binding with a body of its own: `fn mpi_x(arguments) { ... }`, exported under both names.
macro_rules! fortran_fn {
    ($($(#[$m:meta])* fn $name:ident($($argument:ident: $ty:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$m])*
            #[unsafe(export_name = concat!("p", stringify!($name), "_"))]
            pub unsafe extern "C" fn $name($($argument: $ty),*) $(-> $result)? $body
            $crate::fortran::weak_name!($name);
        )*
    };
}

use fortran;
use fortran_fn;
use weak_name;
