//! Partitioned communication (MPI 5.0, chapter 4).

use crate::abi::*;
use crate::c::input::{array, length, store};
use crate::error::{Result, err};
use crate::partitioned::{Receive, Send, downcast};
use crate::request::{activity, insert_activity};
use crate::{info, mpi_fn};
use std::ffi::{c_int, c_void};
use std::rc::Rc;

/// The partitioned send behind a request.
fn send(request: MPI_Request) -> Result<Rc<Send>> {
    match downcast(activity(request)?) {
        Some(send) => Ok(send),
        None => err(MPI_ERR_REQUEST, "the request is not a partitioned send"),
    }
}

mpi_fn! {
    /// A persistent request for a send in partitions.
    fn MPI_Psend_init(
        buf: *const c_void, partitions: c_int, count: MPI_Count, datatype: MPI_Datatype, dest: c_int, tag: c_int,
        comm: MPI_Comm, hints: MPI_Info, request: *mut MPI_Request
    ) on comm {
        info::get_or_empty(hints)?;
        // SAFETY: the program keeps the buffer while the request is active, and gives a place for it.
        unsafe {
            let send = Send::new(buf, partitions, count, datatype, dest, tag, comm)?;
            store("request", request, insert_activity(Some(send.comm()), Rc::new(send))?)
        }
    }

    /// A persistent request for a receive in partitions.
    fn MPI_Precv_init(
        buf: *mut c_void, partitions: c_int, count: MPI_Count, datatype: MPI_Datatype, source: c_int, tag: c_int,
        comm: MPI_Comm, hints: MPI_Info, request: *mut MPI_Request
    ) on comm {
        info::get_or_empty(hints)?;
        // SAFETY: the program keeps the buffer while the request is active, and gives a place for it.
        unsafe {
            let receive = Receive::new(buf, partitions, count, datatype, source, tag, comm)?;
            store("request", request, insert_activity(Some(receive.comm()), receive)?)
        }
    }

    /// A partition may be sent.
    fn MPI_Pready(partition: c_int, request: MPI_Request) on (super::comm_of(request)) {
        send(request)?.ready(partition)
    }

    /// Partitions in a row may be sent.
    fn MPI_Pready_range(low: c_int, high: c_int, request: MPI_Request) on (super::comm_of(request)) {
        let send = send(request)?;
        if low > high {
            return err(MPI_ERR_ARG, format!("the range of partitions {low} to {high} is empty"));
        }
        (low..=high).try_for_each(|partition| send.ready(partition))
    }

    /// The listed partitions may be sent.
    fn MPI_Pready_list(n: c_int, partitions: *const c_int, request: MPI_Request) on (super::comm_of(request)) {
        let send = send(request)?;
        // SAFETY: the program gives an array of that length.
        let partitions = unsafe { array("array_of_partitions", partitions, length("length", n)?)? };
        partitions.iter().try_for_each(|partition| send.ready(*partition))
    }

    /// Whether a partition has arrived; of a null or inactive request all have.
    fn MPI_Parrived(request: MPI_Request, partition: c_int, flag: *mut c_int) on (super::comm_of(request)) {
        let arrived = match downcast::<Receive>(activity(request)?) {
            Some(receive) => receive.has_arrived(partition)?,
            None if request == MPI_REQUEST_NULL => true,
            None => return err(MPI_ERR_REQUEST, "the request is not a partitioned receive"),
        };
        // SAFETY: the program gives a flag.
        unsafe { store("flag", flag, c_int::from(arrived)) }
    }
}
