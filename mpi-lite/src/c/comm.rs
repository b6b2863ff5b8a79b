//! C functions for communicators (MPI 5.0, section 7.4).

use super::input::{place, store, store_text, text};
use crate::abi::*;
use crate::comm::{self, Comm, create, inter, resources};
use crate::error::Result;
use crate::{group, info, mpi_fn};
use std::ffi::{c_char, c_int};
use std::rc::Rc;

/// The handle of a new communicator, if this process is in it, at the caller's place.
pub(super) fn give(new: Option<Rc<Comm>>, newcomm: *mut MPI_Comm) -> Result<()> {
    // SAFETY: the caller's result place.
    unsafe { store("newcomm", newcomm, new.map_or(MPI_COMM_NULL, |new| new.handle())) }
}

/// The handle of a duplicate; the null handle when a copy function failed, so that nobody takes an old handle for a new one.
fn give_dup(new: Result<Rc<Comm>>, newcomm: *mut MPI_Comm) -> Result<()> {
    let (new, outcome) = match new {
        Ok(new) => (Some(new), Ok(())),
        Err(error) => (None, Err(error)),
    };
    give(new, newcomm).and(outcome)
}

fn idup(
    comm: MPI_Comm,
    hints: Option<info::Info>,
    newcomm: *mut MPI_Comm,
    request: *mut MPI_Request,
) -> Result<()> {
    let comm = comm::get(comm)?;
    // SAFETY: the caller's result places.
    let (newcomm, request) = unsafe { (place("newcomm", newcomm)?, place("request", request)?) };
    let (handle, making) = create::idup(&comm, hints)?;
    *newcomm = handle;
    *request = crate::request::insert(comm, making.start()?)?;
    Ok(())
}

/// The handle at an address of the caller's, to find its error handler.
fn handle_at(comm: *const MPI_Comm) -> MPI_Comm {
    // SAFETY: null, or the address of the caller's handle.
    unsafe { comm.as_ref() }.copied().unwrap_or(MPI_COMM_NULL)
}

mpi_fn! {
    /// Number of processes, of the local group.
    fn MPI_Comm_size(comm: MPI_Comm, size: *mut c_int) on comm {
        let n = comm::get(comm)?.size() as c_int;
        // SAFETY: the caller's result place.
        unsafe { store("size", size, n) }
    }

    /// Rank of this process.
    fn MPI_Comm_rank(comm: MPI_Comm, rank: *mut c_int) on comm {
        let mine = comm::get(comm)?.rank() as c_int;
        // SAFETY: the caller's result place.
        unsafe { store("rank", rank, mine) }
    }

    /// Whether two communicators are the same, or have the same processes.
    fn MPI_Comm_compare(comm1: MPI_Comm, comm2: MPI_Comm, result: *mut c_int) on comm1 {
        let compared = comm::compare(&*comm::get(comm1)?, &*comm::get(comm2)?);
        // SAFETY: the caller's result place.
        unsafe { store("result", result, compared) }
    }

    /// The group of a communicator, the local one.
    fn MPI_Comm_group(comm: MPI_Comm, newgroup: *mut MPI_Group) on comm {
        let of = comm::get(comm)?.group().clone();
        // SAFETY: the caller's result place.
        let at = unsafe { place("group", newgroup)? };
        *at = group::publish(of)?;
        Ok(())
    }

    /// A duplicate. Collective.
    fn MPI_Comm_dup(comm: MPI_Comm, newcomm: *mut MPI_Comm) on comm {
        give_dup(create::dup(&*comm::get(comm)?, None), newcomm)
    }

    /// A duplicate with other hints. Collective.
    fn MPI_Comm_dup_with_info(comm: MPI_Comm, hints: MPI_Info, newcomm: *mut MPI_Comm) on comm {
        let of = comm::get(comm)?;
        give_dup(create::dup(&of, Some(info::get_or_empty(hints)?.communicator_hints())), newcomm)
    }

    /// Starts to make a duplicate, whose handle is there at once. Collective.
    fn MPI_Comm_idup(comm: MPI_Comm, newcomm: *mut MPI_Comm, request: *mut MPI_Request) on comm {
        idup(comm, None, newcomm, request)
    }

    /// Starts to make a duplicate with other hints. Collective.
    fn MPI_Comm_idup_with_info(
        comm: MPI_Comm,
        hints: MPI_Info,
        newcomm: *mut MPI_Comm,
        request: *mut MPI_Request,
    ) on comm {
        idup(comm, Some(info::get_or_empty(hints)?.communicator_hints()), newcomm, request)
    }

    /// A communicator of a group. Collective over all of `comm`.
    fn MPI_Comm_create(comm: MPI_Comm, members: MPI_Group, newcomm: *mut MPI_Comm) on comm {
        give(create::create(&*comm::get(comm)?, &*group::get(members)?)?, newcomm)
    }

    /// A communicator of a group. Collective over the group.
    fn MPI_Comm_create_group(comm: MPI_Comm, members: MPI_Group, tag: c_int, newcomm: *mut MPI_Comm) on comm {
        give(create::create_group(&*comm::get(comm)?, &*group::get(members)?, tag)?, newcomm)
    }

    /// A communicator for each colour. Collective.
    fn MPI_Comm_split(comm: MPI_Comm, color: c_int, key: c_int, newcomm: *mut MPI_Comm) on comm {
        give(create::split(&*comm::get(comm)?, color, key)?, newcomm)
    }

    /// Communicators of processes that share something. Collective.
    fn MPI_Comm_split_type(
        comm: MPI_Comm,
        split_type: c_int,
        key: c_int,
        hints: MPI_Info,
        newcomm: *mut MPI_Comm,
    ) on comm {
        let of = comm::get(comm)?;
        let new = resources::split_type(&of, split_type, key, &info::get_or_empty(hints)?)?;
        let (new, hardware) = new.map_or((None, None), |(new, hardware)| (Some(new), hardware));
        give(new, newcomm)?;
        match hardware.filter(|_| hints != MPI_INFO_NULL) {
            Some(name) => info::change(hints, |info| info.set(resources::HARDWARE_KEY, name)),
            None => Ok(()),
        }
    }

    /// Frees a communicator. Collective.
    fn MPI_Comm_free(comm: *mut MPI_Comm) on (handle_at(comm)) {
        // SAFETY: the caller's handle.
        comm::free(unsafe { place("comm", comm)? })
    }

    /// Frees a communicator when its messages are done. Collective.
    fn MPI_Comm_disconnect(comm: *mut MPI_Comm) on (handle_at(comm)) {
        // SAFETY: the caller's handle.
        comm::free(unsafe { place("comm", comm)? })
    }

    /// Whether it is an inter-communicator.
    fn MPI_Comm_test_inter(comm: MPI_Comm, flag: *mut c_int) on comm {
        let is_inter = comm::get(comm)?.is_inter();
        // SAFETY: the caller's result place.
        unsafe { store("flag", flag, c_int::from(is_inter)) }
    }

    /// Number of processes of the remote group.
    fn MPI_Comm_remote_size(comm: MPI_Comm, size: *mut c_int) on comm {
        let of = comm::get(comm)?;
        of.require_inter()?;
        // SAFETY: the caller's result place.
        unsafe { store("size", size, of.peers().size() as c_int) }
    }

    /// The remote group.
    fn MPI_Comm_remote_group(comm: MPI_Comm, newgroup: *mut MPI_Group) on comm {
        let of = comm::get(comm)?;
        of.require_inter()?;
        // SAFETY: the caller's result place.
        let at = unsafe { place("group", newgroup)? };
        *at = group::publish(of.peers().clone())?;
        Ok(())
    }

    /// An inter-communicator between two groups, whose leaders know each other in `peer_comm`. Collective over both.
    fn MPI_Intercomm_create(
        local_comm: MPI_Comm,
        local_leader: c_int,
        peer_comm: MPI_Comm,
        remote_leader: c_int,
        tag: c_int,
        newintercomm: *mut MPI_Comm,
    ) on local_comm {
        let local = comm::get(local_comm)?;
        let new = inter::connect(&local, local_leader, peer_comm, remote_leader, tag)?;
        give(Some(new), newintercomm)
    }

    /// A communicator of both groups of an inter-communicator. Collective over both.
    fn MPI_Intercomm_merge(intercomm: MPI_Comm, high: c_int, newintracomm: *mut MPI_Comm) on intercomm {
        give(Some(inter::merge(&*comm::get(intercomm)?, high != 0)?), newintracomm)
    }

    /// The communicator to the processes that started this one: there are none.
    fn MPI_Comm_get_parent(parent: *mut MPI_Comm) {
        crate::init::require_running()?;
        // SAFETY: the caller's result place.
        unsafe { store("parent", parent, MPI_COMM_NULL) }
    }

    /// Names a communicator.
    fn MPI_Comm_set_name(comm: MPI_Comm, comm_name: *const c_char) on comm {
        // SAFETY: the caller's string.
        comm::get(comm)?.set_name(&unsafe { text("comm_name", comm_name)? });
        Ok(())
    }

    /// The name of a communicator.
    fn MPI_Comm_get_name(comm: MPI_Comm, comm_name: *mut c_char, resultlen: *mut c_int) on comm {
        // The null handle has a name, too (MPI 4.1, section 7.8).
        let name = if comm == MPI_COMM_NULL { "MPI_COMM_NULL".to_owned() } else { comm::get(comm)?.name() };
        // SAFETY: the caller's buffer has MPI_MAX_OBJECT_NAME bytes.
        let n = unsafe { store_text("comm_name", &name, comm_name, MPI_MAX_OBJECT_NAME as usize)? };
        // SAFETY: the caller's result place.
        unsafe { store("resultlen", resultlen, n as c_int) }
    }

    /// Gives hints.
    fn MPI_Comm_set_info(comm: MPI_Comm, hints: MPI_Info) on comm {
        let of = comm::get(comm)?;
        let new = info::get_or_empty(hints)?.communicator_hints();
        of.info.borrow_mut().merge(&new)
    }

    /// A copy of the hints.
    fn MPI_Comm_get_info(comm: MPI_Comm, info_used: *mut MPI_Info) on comm {
        let hints = comm::get(comm)?.info.borrow().clone();
        // SAFETY: the caller's result place.
        let at = unsafe { place("info_used", info_used)? };
        *at = info::publish(hints)?;
        Ok(())
    }
}
