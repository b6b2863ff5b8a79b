! Subroutines that programs give to the library: their interfaces, and those that the library offers (MPI 5.0, annex A.1.3 and
! A.1.4).
module mpi_f08_callbacks
  use mpi_f08_types
  use, intrinsic :: iso_c_binding, only: c_ptr
  implicit none
  private :: c_ptr
  integer, parameter, private :: wide = 8

  abstract interface
  subroutine MPI_User_function(invec, inoutvec, len, datatype)
    import
    type(c_ptr), value :: invec, inoutvec
    integer :: len
    type(MPI_Datatype) :: datatype
  end subroutine
  subroutine MPI_User_function_c(invec, inoutvec, len, datatype)
    import
    type(c_ptr), value :: invec, inoutvec
    integer(wide) :: len
    type(MPI_Datatype) :: datatype
  end subroutine
  subroutine MPI_Comm_copy_attr_function(oldcomm, comm_keyval, extra_state, attribute_val_in, attribute_val_out, flag, ierror)
    import
    type(MPI_Comm) :: oldcomm
    integer :: comm_keyval, ierror
    integer(wide) :: extra_state, attribute_val_in, attribute_val_out
    logical :: flag
  end subroutine
  subroutine MPI_Comm_delete_attr_function(comm, comm_keyval, attribute_val, extra_state, ierror)
    import
    type(MPI_Comm) :: comm
    integer :: comm_keyval, ierror
    integer(wide) :: attribute_val, extra_state
  end subroutine
  subroutine MPI_Type_copy_attr_function(oldtype, type_keyval, extra_state, attribute_val_in, attribute_val_out, flag, ierror)
    import
    type(MPI_Datatype) :: oldtype
    integer :: type_keyval, ierror
    integer(wide) :: extra_state, attribute_val_in, attribute_val_out
    logical :: flag
  end subroutine
  subroutine MPI_Type_delete_attr_function(datatype, type_keyval, attribute_val, extra_state, ierror)
    import
    type(MPI_Datatype) :: datatype
    integer :: type_keyval, ierror
    integer(wide) :: attribute_val, extra_state
  end subroutine
  subroutine MPI_Win_copy_attr_function(oldwin, win_keyval, extra_state, attribute_val_in, attribute_val_out, flag, ierror)
    import
    type(MPI_Win) :: oldwin
    integer :: win_keyval, ierror
    integer(wide) :: extra_state, attribute_val_in, attribute_val_out
    logical :: flag
  end subroutine
  subroutine MPI_Win_delete_attr_function(win, win_keyval, attribute_val, extra_state, ierror)
    import
    type(MPI_Win) :: win
    integer :: win_keyval, ierror
    integer(wide) :: attribute_val, extra_state
  end subroutine
  subroutine MPI_Comm_errhandler_function(comm, error_code)
    import
    type(MPI_Comm) :: comm
    integer :: error_code
  end subroutine
  subroutine MPI_File_errhandler_function(file, error_code)
    import
    type(MPI_File) :: file
    integer :: error_code
  end subroutine
  subroutine MPI_Win_errhandler_function(win, error_code)
    import
    type(MPI_Win) :: win
    integer :: error_code
  end subroutine
  subroutine MPI_Session_errhandler_function(session, error_code)
    import
    type(MPI_Session) :: session
    integer :: error_code
  end subroutine
  subroutine MPI_Grequest_query_function(extra_state, status, ierror)
    import
    integer(wide) :: extra_state
    type(MPI_Status) :: status
    integer :: ierror
  end subroutine
  subroutine MPI_Grequest_free_function(extra_state, ierror)
    import
    integer(wide) :: extra_state
    integer :: ierror
  end subroutine
  subroutine MPI_Grequest_cancel_function(extra_state, complete, ierror)
    import
    integer(wide) :: extra_state
    logical :: complete
    integer :: ierror
  end subroutine
  subroutine MPI_Datarep_extent_function(datatype, extent, extra_state, ierror)
    import
    type(MPI_Datatype) :: datatype
    integer(wide) :: extent, extra_state
    integer :: ierror
  end subroutine
  subroutine MPI_Datarep_conversion_function(userbuf, datatype, count, filebuf, position, extra_state, ierror)
    import
    type(c_ptr), value :: userbuf, filebuf
    type(MPI_Datatype) :: datatype
    integer :: count
    integer(wide) :: position, extra_state
    integer :: ierror
  end subroutine
  subroutine MPI_Datarep_conversion_function_c(userbuf, datatype, count, filebuf, position, extra_state, ierror)
    import
    type(c_ptr), value :: userbuf, filebuf
    type(MPI_Datatype) :: datatype
    integer(wide) :: count
    integer(wide) :: position, extra_state
    integer :: ierror
  end subroutine
  end interface

  procedure(MPI_Comm_copy_attr_function) :: MPI_COMM_NULL_COPY_FN, MPI_COMM_DUP_FN
  procedure(MPI_Comm_delete_attr_function) :: MPI_COMM_NULL_DELETE_FN
  procedure(MPI_Type_copy_attr_function) :: MPI_TYPE_NULL_COPY_FN, MPI_TYPE_DUP_FN
  procedure(MPI_Type_delete_attr_function) :: MPI_TYPE_NULL_DELETE_FN
  procedure(MPI_Win_copy_attr_function) :: MPI_WIN_NULL_COPY_FN, MPI_WIN_DUP_FN
  procedure(MPI_Win_delete_attr_function) :: MPI_WIN_NULL_DELETE_FN
  procedure(MPI_Datarep_conversion_function) :: MPI_CONVERSION_FN_NULL
  procedure(MPI_Datarep_conversion_function_c) :: MPI_CONVERSION_FN_NULL_C
end module
