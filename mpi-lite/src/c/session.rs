//! C functions for sessions (MPI 5.0, sections 11.3 and 7.3.2).

use super::comm::give;
use super::input::{place, store, store_text, text};
use crate::abi::*;
use crate::errhandler::{self, UserFn};
use crate::error::err;
use crate::info::{self, Info};
use crate::session::{self, create_from_group, create_from_groups};
use crate::{group, mpi_fn};
use std::ffi::{c_char, c_int};
use std::rc::Rc;

/// The session at an address of the caller's, to find its error handler.
fn session_at(session: *const MPI_Session) -> MPI_Session {
    // SAFETY: null, or the address of the caller's handle.
    unsafe { session.as_ref() }.copied().unwrap_or(MPI_SESSION_NULL)
}

mpi_fn! {
    /// Opens a session; an error goes to the given handler.
    fn MPI_Session_init(hints: MPI_Info, errhandler: MPI_Errhandler, session: *mut MPI_Session) on errhandler {
        let hints = info::get_or_empty(hints)?;
        // SAFETY: the caller's result place.
        let at = unsafe { place("session", session)? };
        *at = session::open(&hints, errhandler)?;
        Ok(())
    }

    /// Closes a session. Its communicators were freed before.
    fn MPI_Session_finalize(session: *mut MPI_Session) on (session_at(session)) {
        // SAFETY: the caller's handle.
        session::close(unsafe { place("session", session)? })
    }

    /// The hints that the session uses.
    fn MPI_Session_get_info(session: MPI_Session, info_used: *mut MPI_Info) on session {
        let hints = session::get(session)?.info()?;
        // SAFETY: the caller's result place.
        let at = unsafe { place("info_used", info_used)? };
        *at = info::publish(hints)?;
        Ok(())
    }

    /// Number of process sets.
    fn MPI_Session_get_num_psets(session: MPI_Session, hints: MPI_Info, npset_names: *mut c_int) on session {
        session::get(session)?;
        info::get_or_empty(hints)?;
        // SAFETY: the caller's result place.
        unsafe { store("npset_names", npset_names, session::names().len() as c_int) }
    }

    /// The name of a process set, cut to a buffer of `pset_len` bytes; the bytes needed, NUL included, come back there.
    fn MPI_Session_get_nth_pset(
        session: MPI_Session, hints: MPI_Info, n: c_int, pset_len: *mut c_int, pset_name: *mut c_char
    ) on session {
        session::get(session)?;
        info::get_or_empty(hints)?;
        let Some(name) = usize::try_from(n).ok().and_then(|n| session::names().get(n)) else {
            return err(MPI_ERR_ARG, format!("process set {n} of {}", session::names().len()));
        };
        // SAFETY: the caller's place, and a buffer of that many bytes.
        unsafe {
            let room = place("pset_len", pset_len)?;
            if *room > 0 {
                store_text("pset_name", name, pset_name, *room as usize)?;
            }
            *room = name.len() as c_int + 1;
        }
        Ok(())
    }

    /// What is known of a process set.
    fn MPI_Session_get_pset_info(session: MPI_Session, pset_name: *const c_char, info: *mut MPI_Info) on session {
        session::get(session)?;
        // SAFETY: the caller's string.
        let size = session::size_of(&unsafe { text("pset_name", pset_name)? })?;
        let mut known = Info::default();
        known.set("mpi_size", &size.to_string())?;
        // SAFETY: the caller's result place.
        let at = unsafe { place("info", info)? };
        *at = info::publish(known)?;
        Ok(())
    }

    /// The group of a process set; the null group if there is no such set.
    fn MPI_Group_from_session_pset(session: MPI_Session, pset_name: *const c_char, newgroup: *mut MPI_Group) on session {
        session::get(session)?;
        // SAFETY: the caller's string.
        let found = session::group(session, &unsafe { text("pset_name", pset_name)? });
        // SAFETY: the caller's result place.
        let at = unsafe { place("newgroup", newgroup)? };
        *at = found.map_or(Ok(MPI_GROUP_NULL), |found| group::publish(Rc::new(found)))?;
        Ok(())
    }

    /// A communicator of a group. Collective over the group; an error goes to the handler for the communicator.
    fn MPI_Comm_create_from_group(
        members: MPI_Group, stringtag: *const c_char, hints: MPI_Info, errhandler: MPI_Errhandler, newcomm: *mut MPI_Comm
    ) on errhandler {
        crate::init::require_running()?;
        let hints = info::get_or_empty(hints)?.communicator_hints();
        // SAFETY: the caller's string.
        let string = unsafe { text("stringtag", stringtag)? };
        give(create_from_group(&*group::get(members)?, &string, hints, errhandler)?, newcomm)
    }

    /// An inter-communicator between two groups. Collective over both.
    fn MPI_Intercomm_create_from_groups(
        local: MPI_Group, local_leader: c_int, remote: MPI_Group, remote_leader: c_int, stringtag: *const c_char,
        hints: MPI_Info, errhandler: MPI_Errhandler, newintercomm: *mut MPI_Comm
    ) on errhandler {
        crate::init::require_running()?;
        let hints = info::get_or_empty(hints)?.communicator_hints();
        // SAFETY: the caller's string.
        let string = unsafe { text("stringtag", stringtag)? };
        let (local, remote) = (group::get(local)?, group::get(remote).ok());
        let sides = ((&*local, local_leader), (remote.as_deref(), remote_leader));
        give(Some(create_from_groups(sides.0, sides.1, &string, hints, errhandler)?), newintercomm)
    }
}

mpi_fn! {
    /// Makes an error handler of a function.
    fn MPI_Session_create_errhandler(function: MPI_Session_errhandler_function, errhandler: *mut MPI_Errhandler) {
        type Given = unsafe extern "C" fn(*mut MPI_Session, *mut c_int, ...);
        type Any = unsafe extern "C" fn(*mut usize, *mut c_int, ...);
        let Some(function) = function else { return err(MPI_ERR_ARG, "the function is a null pointer") };
        // SAFETY: a handle is a pointer-sized integer, whatever it stands for.
        let function = unsafe { std::mem::transmute::<Given, Any>(function) };
        let made = errhandler::create(UserFn::C(function))?;
        // SAFETY: the caller's result place.
        unsafe { store("errhandler", errhandler, made) }
    }

    /// Attaches an error handler.
    fn MPI_Session_set_errhandler(session: MPI_Session, errhandler: MPI_Errhandler) on session {
        session::get(session)?.set_errhandler(errhandler)
    }

    /// The attached error handler.
    fn MPI_Session_get_errhandler(session: MPI_Session, errhandler: *mut MPI_Errhandler) on session {
        let found = session::get(session)?.errhandler();
        // SAFETY: the caller's result place.
        unsafe { store("errhandler", errhandler, found)? };
        // The caller gives this reference back with MPI_Errhandler_free.
        errhandler::retain(found);
        Ok(())
    }

    /// Calls the attached error handler.
    fn MPI_Session_call_errhandler(session: MPI_Session, errorcode: c_int) on session {
        session::get(session)?;
        errhandler::call("MPI_Session_call_errhandler", session, errorcode);
        Ok(())
    }
}
