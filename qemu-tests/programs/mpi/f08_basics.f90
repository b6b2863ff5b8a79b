! use mpi_f08: handles and statuses as types, error codes left out, large counts, callbacks, sentinels.
module f08_operations
  use mpi_f08
  implicit none
contains
  ! Keeps the larger of two numbers in absolute value.
  subroutine larger(invec, inoutvec, len, datatype)
    use, intrinsic :: iso_c_binding, only: c_ptr, c_f_pointer
    type(c_ptr), value :: invec, inoutvec
    integer :: len
    type(MPI_Datatype) :: datatype
    integer, pointer :: a(:), b(:)
    integer :: i
    call c_f_pointer(invec, a, [len])
    call c_f_pointer(inoutvec, b, [len])
    do i = 1, len
      if (abs(a(i)) > abs(b(i))) b(i) = a(i)
    end do
    if (datatype /= MPI_INTEGER) b = -1
  end subroutine
end module

program f08_basics
  use mpi_f08
  use f08_operations
  implicit none
  integer :: rank, ranks, failures, all, next, before
  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)
  failures = 0
  next = mod(rank + 1, ranks)
  before = mod(rank + ranks - 1, ranks)
  call messages()
  call communicators()
  call collectives()
  call files()
  call MPI_Allreduce(failures, all, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD)
  if (rank == 0) then
    if (all == 0) then
      print '(a)', 'f08_basics: passed'
    else
      print '(a)', 'f08_basics: FAILED'
    end if
  end if
  call MPI_Finalize()
contains
  subroutine check(condition, what)
    logical, intent(in) :: condition
    character(*), intent(in) :: what
    if (.not. condition) then
      failures = failures + 1
      print '(a,i0,2a)', 'rank ', rank, ': failed: ', what
    end if
  end subroutine

  subroutine messages()
    type(MPI_Status) :: status, statuses(2)
    type(MPI_Request) :: requests(2)
    type(MPI_Datatype) :: column
    integer :: a(4, 3), b(3), n, ierror, i, j
    integer(MPI_COUNT_KIND) :: large
    a = reshape([((100 * rank + 10 * i + j, i = 1, 4), j = 1, 3)], [4, 3])
    ! A row of the matrix is every fourth element.
    call MPI_Type_vector(3, 1, 4, MPI_INTEGER, column)
    call MPI_Type_commit(column)
    b = -1
    call MPI_Isend(a(2, 1), 1, column, next, 7, MPI_COMM_WORLD, requests(1))
    call MPI_Irecv(b, 3, MPI_INTEGER, before, 7, MPI_COMM_WORLD, requests(2))
    call MPI_Waitall(2, requests, statuses, ierror)
    call check(ierror == MPI_SUCCESS, 'Waitall')
    call check(all_of(b == [(100 * before + 20 + j, j = 1, 3)]), 'a row of the matrix')
    call check(statuses(2)%MPI_SOURCE == before .and. statuses(2)%MPI_TAG == 7, 'status')
    call MPI_Get_count(statuses(2), MPI_INTEGER, n)
    call check(n == 3, 'Get_count')
    call MPI_Get_count(statuses(2), MPI_INTEGER, large)
    call check(large == 3, 'Get_count, large')
    call MPI_Type_free(column)
    call check(column == MPI_DATATYPE_NULL, 'a freed type is the null handle')
    large = 3
    call MPI_Sendrecv(a, large, MPI_INTEGER, next, 1, b, large, MPI_INTEGER, before, 1, MPI_COMM_WORLD, status)
    call check(b(1) == 100 * before + 11, 'large counts')
    call MPI_Send(a, 1, MPI_INTEGER, MPI_PROC_NULL, 0, MPI_COMM_WORLD)
    call MPI_Recv(b, 1, MPI_INTEGER, MPI_PROC_NULL, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
  end subroutine

  logical function all_of(mask)
    logical, intent(in) :: mask(:)
    all_of = count(mask) == size(mask)
  end function

  subroutine communicators()
    type(MPI_Comm) :: half, copy
    type(MPI_Group) :: group
    integer :: me, n, length
    character(MPI_MAX_OBJECT_NAME) :: name
    call MPI_Comm_split(MPI_COMM_WORLD, mod(rank, 2), -rank, half)
    call MPI_Comm_rank(half, me)
    call MPI_Comm_size(half, n)
    call check(n == (ranks + 1 - mod(rank, 2)) / 2, 'size of a part')
    call check(me == n - 1 - rank / 2, 'order by key')
    call MPI_Comm_dup(half, copy)
    call check(copy /= half, 'a copy is another communicator')
    call MPI_Comm_set_name(copy, 'copy ')
    call MPI_Comm_get_name(copy, name, length)
    call check(name == 'copy' .and. length == 4, 'name')
    call MPI_Comm_group(copy, group)
    call MPI_Group_size(group, length)
    call check(length == n, 'group')
    call MPI_Group_free(group)
    call MPI_Comm_free(copy)
    call MPI_Comm_free(half)
    call check(half == MPI_COMM_NULL .and. copy%MPI_VAL == MPI_COMM_NULL%MPI_VAL, 'null handles')
  end subroutine

  subroutine collectives()
    type(MPI_Op) :: op
    integer :: mine(2), got(2), sum
    sum = rank
    call MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD)
    call check(sum == ranks * (ranks - 1) / 2, 'sum in place')
    call MPI_Op_create(larger, .true., op)
    mine = [-rank - 1, 5]
    call MPI_Allreduce(mine, got, 2, MPI_INTEGER, op, MPI_COMM_WORLD)
    call check(got(1) == -ranks .and. got(2) == 5, 'operation of the program')
    call MPI_Op_free(op)
  end subroutine

  subroutine files()
    type(MPI_File) :: file
    type(MPI_Status) :: status
    integer :: got, n
    integer(MPI_OFFSET_KIND) :: bytes
    call MPI_File_open(MPI_COMM_WORLD, 'f08.data', ior(MPI_MODE_CREATE, ior(MPI_MODE_RDWR, &
        MPI_MODE_DELETE_ON_CLOSE)), MPI_INFO_NULL, file)
    call MPI_File_write_at_all(file, int(4 * rank, MPI_OFFSET_KIND), rank, 1, MPI_INTEGER, status)
    call MPI_Get_count(status, MPI_INTEGER, n)
    call MPI_File_sync(file)
    call MPI_File_read_at(file, int(4 * next, MPI_OFFSET_KIND), got, 1, MPI_INTEGER, MPI_STATUS_IGNORE)
    call MPI_File_get_size(file, bytes)
    call check(n == 1 .and. got == next .and. bytes == 4 * ranks, 'file')
    call MPI_File_close(file)
  end subroutine
end program
