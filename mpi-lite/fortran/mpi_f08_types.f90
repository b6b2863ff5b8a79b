! Types of handles and statuses, for the module `mpi_f08`, and for programs that use `mpi` and convert (MPI 5.0, section 19.1.3).
! In memory a handle is the INTEGER that `mpif.h` has, and a status is `MPI_Status` of C.
module mpi_f08_types
  use, intrinsic :: iso_c_binding, only: c_int
  implicit none
  private :: c_int

  type, bind(C) :: MPI_Status
    integer(c_int) :: MPI_SOURCE, MPI_TAG, MPI_ERROR
    integer(c_int) :: MPI_internal(5)
  end type

  type, bind(C) :: MPI_Comm
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Datatype
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Errhandler
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_File
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Group
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Info
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Message
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Op
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Request
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Session
    integer(c_int) :: MPI_VAL
  end type

  type, bind(C) :: MPI_Win
    integer(c_int) :: MPI_VAL
  end type

  interface operator (==)
    module procedure equal_comm
    module procedure equal_datatype
    module procedure equal_errhandler
    module procedure equal_file
    module procedure equal_group
    module procedure equal_info
    module procedure equal_message
    module procedure equal_op
    module procedure equal_request
    module procedure equal_session
    module procedure equal_win
  end interface

  interface operator (/=)
    module procedure differ_comm
    module procedure differ_datatype
    module procedure differ_errhandler
    module procedure differ_file
    module procedure differ_group
    module procedure differ_info
    module procedure differ_message
    module procedure differ_op
    module procedure differ_request
    module procedure differ_session
    module procedure differ_win
  end interface
  private :: equal_comm, equal_datatype, equal_errhandler, equal_file
  private :: equal_group, equal_info, equal_message, equal_op
  private :: equal_request, equal_session, equal_win
  private :: differ_comm, differ_datatype, differ_errhandler, differ_file
  private :: differ_group, differ_info, differ_message, differ_op
  private :: differ_request, differ_session, differ_win

contains

  elemental logical function equal_comm(a, b)
    type(MPI_Comm), intent(in) :: a, b
    equal_comm = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_datatype(a, b)
    type(MPI_Datatype), intent(in) :: a, b
    equal_datatype = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_errhandler(a, b)
    type(MPI_Errhandler), intent(in) :: a, b
    equal_errhandler = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_file(a, b)
    type(MPI_File), intent(in) :: a, b
    equal_file = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_group(a, b)
    type(MPI_Group), intent(in) :: a, b
    equal_group = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_info(a, b)
    type(MPI_Info), intent(in) :: a, b
    equal_info = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_message(a, b)
    type(MPI_Message), intent(in) :: a, b
    equal_message = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_op(a, b)
    type(MPI_Op), intent(in) :: a, b
    equal_op = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_request(a, b)
    type(MPI_Request), intent(in) :: a, b
    equal_request = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_session(a, b)
    type(MPI_Session), intent(in) :: a, b
    equal_session = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function equal_win(a, b)
    type(MPI_Win), intent(in) :: a, b
    equal_win = a%MPI_VAL == b%MPI_VAL
  end function

  elemental logical function differ_comm(a, b)
    type(MPI_Comm), intent(in) :: a, b
    differ_comm = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_datatype(a, b)
    type(MPI_Datatype), intent(in) :: a, b
    differ_datatype = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_errhandler(a, b)
    type(MPI_Errhandler), intent(in) :: a, b
    differ_errhandler = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_file(a, b)
    type(MPI_File), intent(in) :: a, b
    differ_file = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_group(a, b)
    type(MPI_Group), intent(in) :: a, b
    differ_group = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_info(a, b)
    type(MPI_Info), intent(in) :: a, b
    differ_info = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_message(a, b)
    type(MPI_Message), intent(in) :: a, b
    differ_message = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_op(a, b)
    type(MPI_Op), intent(in) :: a, b
    differ_op = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_request(a, b)
    type(MPI_Request), intent(in) :: a, b
    differ_request = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_session(a, b)
    type(MPI_Session), intent(in) :: a, b
    differ_session = a%MPI_VAL /= b%MPI_VAL
  end function

  elemental logical function differ_win(a, b)
    type(MPI_Win), intent(in) :: a, b
    differ_win = a%MPI_VAL /= b%MPI_VAL
  end function
end module
