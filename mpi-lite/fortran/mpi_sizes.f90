! MPI_Sizeof of the modules `mpi` and `mpi_f08`: bytes of a variable, or of an element of an array.
module mpi_sizes
  implicit none
  private
  public :: MPI_Sizeof, PMPI_Sizeof

  interface MPI_Sizeof
    module procedure sizeof_integer1, sizeof_integer2, sizeof_integer4, sizeof_integer8
    module procedure sizeof_integer16, sizeof_real4, sizeof_real8, sizeof_real10
    module procedure sizeof_real16, sizeof_complex4, sizeof_complex8, sizeof_complex10
    module procedure sizeof_complex16, sizeof_logical1, sizeof_logical2, sizeof_logical4
    module procedure sizeof_logical8
  end interface
  interface PMPI_Sizeof
    module procedure sizeof_integer1, sizeof_integer2, sizeof_integer4, sizeof_integer8
    module procedure sizeof_integer16, sizeof_real4, sizeof_real8, sizeof_real10
    module procedure sizeof_real16, sizeof_complex4, sizeof_complex8, sizeof_complex10
    module procedure sizeof_complex16, sizeof_logical1, sizeof_logical2, sizeof_logical4
    module procedure sizeof_logical8
  end interface

contains

  subroutine sizeof_integer1(x, size, ierror)
    integer(1), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_integer2(x, size, ierror)
    integer(2), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_integer4(x, size, ierror)
    integer(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_integer8(x, size, ierror)
    integer(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_integer16(x, size, ierror)
    integer(16), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_real4(x, size, ierror)
    real(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_real8(x, size, ierror)
    real(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_real10(x, size, ierror)
    real(10), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_real16(x, size, ierror)
    real(16), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_complex4(x, size, ierror)
    complex(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_complex8(x, size, ierror)
    complex(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_complex10(x, size, ierror)
    complex(10), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_complex16(x, size, ierror)
    complex(16), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_logical1(x, size, ierror)
    logical(1), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_logical2(x, size, ierror)
    logical(2), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_logical4(x, size, ierror)
    logical(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine

  subroutine sizeof_logical8(x, size, ierror)
    logical(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size
    integer, optional, intent(out) :: ierror
    size = storage_size(x) / 8
    if (present(ierror)) ierror = 0
  end subroutine
end module
