//! Starting processes: arrays of text.

use super::arguments::{Handle, give};
use super::text::to_c;
use super::{fortran_fn, sentinels};
use crate::abi::*;
use core::ffi::{c_char, c_int};
use std::ffi::CString;

unsafe extern "C" {
    fn PMPI_Comm_spawn(
        command: *const c_char,
        argv: *mut *mut c_char,
        maxprocs: c_int,
        info: MPI_Info,
        root: c_int,
        comm: MPI_Comm,
        intercomm: *mut MPI_Comm,
        codes: *mut c_int,
    ) -> c_int;
    fn PMPI_Comm_spawn_multiple(
        count: c_int,
        commands: *mut *mut c_char,
        argvs: *mut *mut *mut c_char,
        maxprocs: *const c_int,
        infos: *const MPI_Info,
        root: c_int,
        comm: MPI_Comm,
        intercomm: *mut MPI_Comm,
        codes: *mut c_int,
    ) -> c_int;
}

/// C texts and the array of pointers to them that ends with a null one.
struct Words {
    _texts: Vec<CString>,
    pointers: Vec<*mut c_char>,
}

impl Words {
    fn new(texts: Vec<CString>) -> Self {
        let ends = [core::ptr::null_mut()];
        let pointers = texts.iter().map(|text| text.as_ptr().cast_mut()).chain(ends).collect();
        Self { _texts: texts, pointers }
    }

    /// Arguments of a program: elements of `step` texts' distance, up to one of blanks.
    ///
    /// # Safety
    /// `argv` is such an array of texts of `length`, or `MPI_ARGV_NULL`.
    unsafe fn arguments(argv: *const c_char, length: usize, step: usize) -> Self {
        let mut texts = Vec::new();
        while !sentinels::no_arguments(argv) {
            // SAFETY: promised by the caller: the element of blanks was not reached.
            let text = unsafe { to_c(argv.add(texts.len() * step * length), length) };
            if text.is_empty() {
                break;
            }
            texts.push(text);
        }
        Self::new(texts)
    }
}

fortran_fn! { both
    /// MPI_Comm_spawn
    fn mpi_comm_spawn(
        command: *const c_char, argv: *const c_char, maxprocs: *const c_int, info: *const c_int, root: *const c_int,
        comm: *const c_int, intercomm: *mut c_int, codes: *mut c_int, ierror: *mut c_int, command_length: usize,
        argv_length: usize,
    ) {
        // SAFETY: arguments as the Fortran interface asks; the C function has the arguments that mpi.h declares.
        unsafe {
            let command = to_c(command, command_length);
            let mut argv = Words::arguments(argv, argv_length, 1);
            let mut made = MPI_COMM_NULL;
            let code = PMPI_Comm_spawn(
                command.as_ptr(), argv.pointers.as_mut_ptr(), *maxprocs, MPI_Info::from_fortran(*info), *root,
                MPI_Comm::from_fortran(*comm), &mut made, sentinels::error_codes(codes),
            );
            *intercomm = made.to_fortran();
            give(ierror, code);
        }
    }

    /// MPI_Comm_spawn_multiple: `argvs(i, j)` is argument j of command i.
    fn mpi_comm_spawn_multiple(
        count: *const c_int, commands: *const c_char, argvs: *const c_char, maxprocs: *const c_int, infos: *const c_int,
        root: *const c_int, comm: *const c_int, intercomm: *mut c_int, codes: *mut c_int, ierror: *mut c_int,
        command_length: usize, argv_length: usize,
    ) {
        // SAFETY: as above; the arrays have `count` elements, or rows.
        unsafe {
            let n = usize::try_from(*count).unwrap_or(0);
            let command = |i| to_c(commands.add(i * command_length), command_length);
            let mut commands = Words::new((0..n).map(command).collect());
            let row = |i| match sentinels::no_arguments(argvs) {
                true => Words::new(Vec::new()),
                false => Words::arguments(argvs.add(i * argv_length), argv_length, n),
            };
            let mut rows: Vec<Words> = (0..n).map(row).collect();
            let mut argvs: Vec<*mut *mut c_char> = rows.iter_mut().map(|row| row.pointers.as_mut_ptr()).collect();
            let infos: Vec<MPI_Info> = (0..n).map(|i| MPI_Info::from_fortran(*infos.add(i))).collect();
            let mut made = MPI_COMM_NULL;
            let code = PMPI_Comm_spawn_multiple(
                *count, commands.pointers.as_mut_ptr(), argvs.as_mut_ptr(), maxprocs, infos.as_ptr(), *root,
                MPI_Comm::from_fortran(*comm), &mut made, sentinels::error_codes(codes),
            );
            *intercomm = made.to_fortran();
            give(ierror, code);
        }
    }
}
