//! Persistent requests.

use crate::abi::*;
use crate::mpi_fn;
use crate::p2p::SendMode;
use crate::request::{self, Operation, Receive, Send};
use std::ffi::{c_int, c_void};

macro_rules! persistent_sends {
    ($($name:ident, $large:ident, $mode:ident;)*) => { mpi_fn! { $(
        /// Makes a persistent request for a send in the mode that the name says.
        large fn $name, $large(
            buf: *const c_void, count: Count, datatype: MPI_Datatype, dest: c_int, tag: c_int, comm: MPI_Comm, request: *mut MPI_Request
        ) on comm {
            let send = Send::new(buf, i64::from(count), datatype, dest, tag, comm, SendMode::$mode)?;
            // SAFETY: the program gives a place for the request.
            unsafe { *request = request::insert_persistent(Operation::Send(send))? };
            Ok(())
        }
    )* } };
}

persistent_sends! {
    MPI_Send_init, MPI_Send_init_c, Standard;
    MPI_Bsend_init, MPI_Bsend_init_c, Buffered;
    MPI_Ssend_init, MPI_Ssend_init_c, Synchronous;
    MPI_Rsend_init, MPI_Rsend_init_c, Ready;
}

mpi_fn! {
    /// Makes a persistent request for a receive.
    large fn MPI_Recv_init, MPI_Recv_init_c(
        buf: *mut c_void, count: Count, datatype: MPI_Datatype, source: c_int, tag: c_int, comm: MPI_Comm, request: *mut MPI_Request
    ) on comm {
        let receive = Receive::new(buf, i64::from(count), datatype, source, tag, comm)?;
        // SAFETY: the program gives a place for the request.
        unsafe { *request = request::insert_persistent(Operation::Receive(receive))? };
        Ok(())
    }

    /// Starts a persistent request.
    fn MPI_Start(request: *mut MPI_Request) on (super::comm_at(request)) {
        // SAFETY: the program gives a request, and keeps its buffer until it is complete.
        unsafe { request::start(*request) }
    }

    /// Starts several persistent requests.
    fn MPI_Startall(count: c_int, requests: *mut MPI_Request) on (super::comm_at(requests)) {
        // SAFETY: the program gives that many requests, and keeps their buffers until they are complete.
        unsafe { super::requests(count, requests)?.iter().try_for_each(|request| request::start(*request)) }
    }
}
