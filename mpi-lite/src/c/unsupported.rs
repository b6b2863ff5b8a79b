//! Functions of the header that this library does not offer: each fails with `MPI_ERR_UNSUPPORTED_OPERATION` and a message.

use crate::abi::MPI_ERR_UNSUPPORTED_OPERATION;
use crate::error::err;
use crate::mpi_fn;

macro_rules! unsupported {
    ($($name:ident)*) => {$(
        mpi_fn! {
            /// Not offered. The arguments are not looked at.
            fn $name() {
                err(MPI_ERR_UNSUPPORTED_OPERATION, concat!("unirank does not offer ", stringify!($name)))
            }
        }
    )*};
}

// Environment.
unsupported! {
    MPI_Abi_get_fortran_booleans MPI_Abi_get_fortran_info MPI_Abi_get_info MPI_Abi_set_fortran_booleans
    MPI_Abi_set_fortran_info MPI_Get_hw_resource_info
}

// Buffers of a communicator or session.
unsupported! {
    MPI_Buffer_iflush MPI_Comm_attach_buffer MPI_Comm_attach_buffer_c MPI_Comm_detach_buffer
    MPI_Comm_detach_buffer_c MPI_Comm_flush_buffer MPI_Comm_iflush_buffer MPI_Session_attach_buffer
    MPI_Session_attach_buffer_c MPI_Session_detach_buffer MPI_Session_detach_buffer_c MPI_Session_flush_buffer
    MPI_Session_iflush_buffer
}

// Processes that start or meet later.
unsupported! {
    MPI_Close_port MPI_Comm_accept MPI_Comm_connect MPI_Comm_join MPI_Comm_spawn MPI_Comm_spawn_multiple
    MPI_Lookup_name MPI_Open_port MPI_Publish_name MPI_Unpublish_name
}

// Sessions.
unsupported! {
    MPI_Comm_create_from_group MPI_Group_from_session_pset MPI_Intercomm_create_from_groups
    MPI_Session_call_errhandler MPI_Session_create_errhandler MPI_Session_finalize MPI_Session_get_errhandler
    MPI_Session_get_info MPI_Session_get_nth_pset MPI_Session_get_num_psets MPI_Session_get_pset_info
    MPI_Session_init MPI_Session_set_errhandler
}

// Generalized requests.
unsupported! {
    MPI_Grequest_complete MPI_Grequest_start
}

// Partitioned communication.
unsupported! {
    MPI_Parrived MPI_Pready MPI_Pready_list MPI_Pready_range MPI_Precv_init MPI_Psend_init
}

// Tool information interface.
unsupported! {
    MPI_T_category_changed MPI_T_category_get_categories MPI_T_category_get_cvars MPI_T_category_get_events
    MPI_T_category_get_index MPI_T_category_get_info MPI_T_category_get_num MPI_T_category_get_num_events
    MPI_T_category_get_pvars MPI_T_cvar_get_index MPI_T_cvar_get_info MPI_T_cvar_get_num
    MPI_T_cvar_handle_alloc MPI_T_cvar_handle_free MPI_T_cvar_read MPI_T_cvar_write MPI_T_enum_get_info
    MPI_T_enum_get_item MPI_T_event_callback_get_info MPI_T_event_callback_set_info MPI_T_event_copy
    MPI_T_event_get_index MPI_T_event_get_info MPI_T_event_get_num MPI_T_event_get_source
    MPI_T_event_get_timestamp MPI_T_event_handle_alloc MPI_T_event_handle_free MPI_T_event_handle_get_info
    MPI_T_event_handle_set_info MPI_T_event_read MPI_T_event_register_callback MPI_T_event_set_dropped_handler
    MPI_T_finalize MPI_T_init_thread MPI_T_pvar_get_index MPI_T_pvar_get_info MPI_T_pvar_get_num
    MPI_T_pvar_handle_alloc MPI_T_pvar_handle_free MPI_T_pvar_read MPI_T_pvar_readreset MPI_T_pvar_reset
    MPI_T_pvar_session_create MPI_T_pvar_session_free MPI_T_pvar_start MPI_T_pvar_stop MPI_T_pvar_write
    MPI_T_source_get_info MPI_T_source_get_num MPI_T_source_get_timestamp
}
