//! C functions of the environment chapter (MPI 5.0, chapters 9 and 11).

use crate::abi::*;
use crate::error::err;
use crate::init::{self, Phase, World, require_running};
use crate::platform;
use crate::{Result, mpi_fn};
use std::ffi::{c_char, c_int, c_void};

/// Copies `text` and a final 0 into a buffer of `room` bytes.
///
/// # Safety
/// The pointers are valid.
unsafe fn put_text(text: &str, to: *mut c_char, room: usize, len: *mut c_int) {
    let text = &text.as_bytes()[..text.len().min(room - 1)];
    // SAFETY: the caller's promise.
    unsafe {
        to.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        *to.add(text.len()) = 0;
        *len = text.len() as c_int;
    }
}

/// Errors before there are communicators end the program here: no handler can be attached yet.
fn start(name: &str, required: c_int) -> Result<c_int> {
    if init::world().phase != Phase::Before {
        return init::start(required);
    }
    init::start(required).or_else(|error| init::abort(1, &format!("{name}: {error}")))
}

mpi_fn! {
    /// Initialises MPI.
    fn MPI_Init(_argc: *mut c_int, _argv: *mut *mut *mut c_char) {
        start("MPI_Init", MPI_THREAD_SINGLE).map(|_| ())
    }

    /// Initialises MPI; the level that is asked for is provided.
    fn MPI_Init_thread(_argc: *mut c_int, _argv: *mut *mut *mut c_char, required: c_int, provided: *mut c_int) {
        // SAFETY: the program gives a place for the level.
        unsafe { *provided = start("MPI_Init_thread", required)? };
        Ok(())
    }

    /// Whether MPI was initialised; also before and after.
    fn MPI_Initialized(flag: *mut c_int) {
        // SAFETY: the program gives a flag.
        unsafe { *flag = c_int::from(init::world().phase != Phase::Before) };
        Ok(())
    }

    /// Whether MPI was finalised; also before and after.
    fn MPI_Finalized(flag: *mut c_int) {
        // SAFETY: the program gives a flag.
        unsafe { *flag = c_int::from(init::world().phase == Phase::Finalized) };
        Ok(())
    }

    /// Finalises MPI when all ranks have come to it.
    fn MPI_Finalize() {
        init::finish()
    }

    /// Ends all ranks.
    fn MPI_Abort(_comm: MPI_Comm, code: c_int) {
        let World { rank, .. } = init::world();
        init::abort(code, &format!("rank {rank}: MPI_Abort with code {code}"))
    }

    /// The provided level of thread support.
    fn MPI_Query_thread(provided: *mut c_int) {
        require_running()?;
        // SAFETY: the program gives a place for the level.
        unsafe { *provided = init::world().thread_level };
        Ok(())
    }

    /// Whether this thread initialised MPI.
    fn MPI_Is_thread_main(flag: *mut c_int) {
        require_running()?;
        // SAFETY: the program gives a flag.
        unsafe { *flag = c_int::from(init::is_main_thread()) };
        Ok(())
    }

    /// Name of the machine: that of the host, which a rank's VM has as its own.
    fn MPI_Get_processor_name(name: *mut c_char, len: *mut c_int) {
        // SAFETY: the program gives MPI_MAX_PROCESSOR_NAME bytes and a place for the length.
        unsafe { put_text(&platform::host_name(), name, MPI_MAX_PROCESSOR_NAME as usize, len) };
        Ok(())
    }

    /// Seconds since some moment of this process.
    raw fn MPI_Wtime() -> f64 {
        platform::now_ns() as f64 * 1e-9
    }

    /// Resolution of `MPI_Wtime`.
    raw fn MPI_Wtick() -> f64 {
        1e-9
    }

    /// Version of the MPI standard.
    fn MPI_Get_version(version: *mut c_int, subversion: *mut c_int) {
        // SAFETY: the program gives two places.
        unsafe {
            *version = MPI_VERSION;
            *subversion = MPI_SUBVERSION;
        }
        Ok(())
    }

    /// Version of this library.
    fn MPI_Get_library_version(version: *mut c_char, len: *mut c_int) {
        let text = concat!("unirank mpi-lite ", env!("CARGO_PKG_VERSION"), " (MPI 5.0 ABI 1.0)");
        // SAFETY: the program gives MPI_MAX_LIBRARY_VERSION_STRING bytes and a place for the length.
        unsafe { put_text(text, version, MPI_MAX_LIBRARY_VERSION_STRING as usize, len) };
        Ok(())
    }

    /// Version of the binary interface.
    fn MPI_Abi_get_version(version: *mut c_int, subversion: *mut c_int) {
        // SAFETY: the program gives two places.
        unsafe {
            *version = MPI_ABI_VERSION;
            *subversion = MPI_ABI_SUBVERSION;
        }
        Ok(())
    }

    /// For profiling libraries, which replace it.
    raw fn MPI_Pcontrol(_level: c_int) -> c_int {
        MPI_SUCCESS
    }

    /// Memory for messages: any memory is, so it comes from `malloc`.
    fn MPI_Alloc_mem(size: MPI_Aint, _info: MPI_Info, address: *mut c_void) {
        if size < 0 {
            return err(MPI_ERR_ARG, format!("negative size {size}"));
        }
        // SAFETY: `malloc` takes any size; the program gives the address of a pointer.
        unsafe {
            let memory = libc::malloc((size as usize).max(1));
            if memory.is_null() {
                return err(MPI_ERR_NO_MEM, format!("no memory for {size} bytes"));
            }
            *address.cast::<*mut c_void>() = memory;
        }
        Ok(())
    }

    /// Frees memory of `MPI_Alloc_mem`.
    fn MPI_Free_mem(base: *mut c_void) {
        // SAFETY: the program gives what MPI_Alloc_mem gave.
        unsafe { libc::free(base) };
        Ok(())
    }
}
