//! The buffer of buffered sends.

use crate::abi::*;
use crate::error::err;
use crate::init::require_running;
use crate::mpi_fn;
use crate::p2p::bsend;
use crate::request::count;
use std::ffi::c_void;

mpi_fn! {
    /// Attaches a buffer, or with `MPI_BUFFER_AUTOMATIC` as much memory as is needed.
    large fn MPI_Buffer_attach, MPI_Buffer_attach_c(buffer: *mut c_void, size: Count) {
        require_running()?;
        let size = count(i64::from(size))?;
        let memory = if std::ptr::eq(buffer, MPI_BUFFER_AUTOMATIC) { None } else { Some((buffer.cast(), size)) };
        if memory.is_some_and(|(start, len): (*mut u8, usize)| start.is_null() && len > 0) {
            return err(MPI_ERR_BUFFER, format!("null buffer of {size} bytes"));
        }
        // SAFETY: the program leaves the buffer alone until it has detached it.
        unsafe { bsend::attach(memory) }
    }

    /// Waits until all buffered messages are delivered and gives the buffer back.
    large fn MPI_Buffer_detach, MPI_Buffer_detach_c(buffer_addr: *mut c_void, size: *mut Count) {
        require_running()?;
        let (buffer, len) = match bsend::detach()? {
            Some(Some((start, len))) => (start.cast(), len),
            Some(None) => (MPI_BUFFER_AUTOMATIC, 0),
            None => (std::ptr::null_mut(), 0),
        };
        // SAFETY: the program gives the address of a pointer, and of a size.
        unsafe {
            *buffer_addr.cast::<*mut c_void>() = buffer;
            *size = len as _;
        }
        Ok(())
    }

    /// Waits until all buffered messages are delivered.
    fn MPI_Buffer_flush() {
        require_running()?;
        bsend::flush()
    }
}
