//! Events and their sources: there are none, so that no index, name or handle is valid.

use super::{call, put};
use crate::abi::*;
use crate::mpi_fn;
use std::ffi::{c_char, c_int, c_void};

mpi_fn! {
    /// How many kinds of events there are.
    raw fn MPI_T_event_get_num(num_events: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            unsafe { put(num_events, 0) };
            Ok(())
        })
    }

    /// How many sources of events there are.
    raw fn MPI_T_source_get_num(num_sources: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            unsafe { put(num_sources, 0) };
            Ok(())
        })
    }

    /// What a kind of event is.
    raw fn MPI_T_event_get_info(
        _event_index: c_int, _name: *mut c_char, _name_len: *mut c_int, _verbosity: *mut c_int,
        _datatypes: *mut MPI_Datatype, _displacements: *mut MPI_Aint, _num_elements: *mut c_int, _enumtype: *mut usize,
        _info: *mut MPI_Info, _desc: *mut c_char, _desc_len: *mut c_int, _bind: *mut c_int
    ) -> c_int {
        call(|| Err(MPI_T_ERR_INVALID_INDEX))
    }

    /// The index of a name.
    raw fn MPI_T_event_get_index(_name: *const c_char, _event_index: *mut c_int) -> c_int {
        call(|| Err(MPI_T_ERR_INVALID_NAME))
    }

    /// What a source is.
    raw fn MPI_T_source_get_info(
        _source_index: c_int, _name: *mut c_char, _name_len: *mut c_int, _desc: *mut c_char, _desc_len: *mut c_int,
        _ordering: *mut c_int, _ticks_per_second: *mut MPI_Count, _max_ticks: *mut MPI_Count, _info: *mut MPI_Info
    ) -> c_int {
        call(|| Err(MPI_T_ERR_INVALID_INDEX))
    }

    /// The time of a source.
    raw fn MPI_T_source_get_timestamp(_source_index: c_int, _timestamp: *mut MPI_Count) -> c_int {
        call(|| Err(MPI_T_ERR_INVALID_INDEX))
    }

    /// A registration for a kind of event.
    raw fn MPI_T_event_handle_alloc(_index: c_int, _object: *mut c_void, _info: MPI_Info, _registration: *mut usize) -> c_int {
        call(|| Err(MPI_T_ERR_INVALID_INDEX))
    }
}

macro_rules! handle_functions {
    ($($name:ident)*) => { mpi_fn! { $(
        /// Fails: there is no such handle. Further arguments are not looked at.
        raw fn $name(_handle: usize) -> c_int {
            call(|| Err(MPI_T_ERR_INVALID_HANDLE))
        }
    )* } };
}

handle_functions! {
    MPI_T_event_callback_get_info MPI_T_event_callback_set_info MPI_T_event_copy MPI_T_event_get_source
    MPI_T_event_get_timestamp MPI_T_event_handle_free MPI_T_event_handle_get_info MPI_T_event_handle_set_info
    MPI_T_event_read MPI_T_event_register_callback MPI_T_event_set_dropped_handler
}
