! The Fortran bindings through the module `mpi`: every kind of argument at least once.
program bindings
  use mpi
  implicit none
  integer :: ierr, rank, ranks, failures, total, deleted, noted

  failures = 0
  call MPI_Init(ierr)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, ierr)
  call point_to_point()
  call collectives()
  call datatypes()
  call communicators()
  call attributes()
  call text()
  call errors()
  call memory()
  call windows()
  call MPI_Allreduce(failures, total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierr)
  if (rank == 0) then
    if (total == 0) then
      print '(a)', 'bindings: passed'
    else
      print '(a)', 'bindings: FAILED'
    end if
  end if
  call MPI_Finalize(ierr)
  if (total /= 0) stop 1

contains

  subroutine check(good, what)
    logical, intent(in) :: good
    character(len=*), intent(in) :: what
    if (.not. good) then
      print '(a,i0,2a)', 'rank ', rank, ': failed: ', what
      failures = failures + 1
    end if
  end subroutine

  subroutine point_to_point()
    integer :: next, before, requests(4), status(MPI_STATUS_SIZE), statuses(MPI_STATUS_SIZE, 4), n, at, index, i
    integer :: indices(4), message, done
    double precision :: out(10), in(10)
    integer :: whole(3)
    logical :: flag
    next = mod(rank + 1, ranks)
    before = mod(rank + ranks - 1, ranks)
    out = rank + 0.5d0
    in = 0
    call MPI_Irecv(in, 10, MPI_DOUBLE_PRECISION, before, 7, MPI_COMM_WORLD, requests(1), ierr)
    call MPI_Isend(out, 10, MPI_DOUBLE_PRECISION, next, 7, MPI_COMM_WORLD, requests(2), ierr)
    call MPI_Waitall(2, requests, statuses, ierr)
    call check(ierr == MPI_SUCCESS .and. all(in == before + 0.5d0), 'irecv')
    call check(statuses(MPI_SOURCE, 1) == before .and. statuses(MPI_TAG, 1) == 7, 'statuses')
    call check(requests(1) == MPI_REQUEST_NULL, 'request null')
    call MPI_Get_count(statuses(:, 1), MPI_DOUBLE_PRECISION, n, ierr)
    call check(n == 10, 'count')
    call MPI_Sendrecv(out, 10, MPI_DOUBLE_PRECISION, next, 1, in, 10, MPI_DOUBLE_PRECISION, before, 1, MPI_COMM_WORLD, &
                      MPI_STATUS_IGNORE, ierr)
    whole = [rank, 2, 3]
    call MPI_Isend(whole, 3, MPI_INTEGER, next, 9, MPI_COMM_WORLD, requests(1), ierr)
    call MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, status, ierr)
    call check(status(MPI_TAG) == 9, 'probe')
    call MPI_Mprobe(before, 9, MPI_COMM_WORLD, message, status, ierr)
    whole = 0
    call MPI_Mrecv(whole, 3, MPI_INTEGER, message, status, ierr)
    call MPI_Wait(requests(1), MPI_STATUS_IGNORE, ierr)
    call check(message == MPI_MESSAGE_NULL, 'message')
    call MPI_Send_init(out, 1, MPI_DOUBLE_PRECISION, next, 3, MPI_COMM_WORLD, requests(1), ierr)
    call MPI_Recv_init(in, 1, MPI_DOUBLE_PRECISION, before, 3, MPI_COMM_WORLD, requests(2), ierr)
    do i = 1, 3
      out(1) = rank * 10 + i
      call MPI_Startall(2, requests, ierr)
      call MPI_Waitall(2, requests, MPI_STATUSES_IGNORE, ierr)
      call check(in(1) == before * 10 + i, 'persistent')
    end do
    call MPI_Request_free(requests(1), ierr)
    call MPI_Request_free(requests(2), ierr)
    do i = 1, 4
      call MPI_Irecv(indices(i), 1, MPI_INTEGER, before, i, MPI_COMM_WORLD, requests(i), ierr)
    end do
    call MPI_Send(rank, 1, MPI_INTEGER, next, 3, MPI_COMM_WORLD, ierr)
    call MPI_Waitany(4, requests, index, status, ierr)
    call check(index == 3 .and. status(MPI_TAG) == 3 .and. indices(3) == before, 'waitany counts from one')
    call MPI_Testany(4, requests, index, flag, status, ierr)
    call check(.not. flag, 'testany')
    call MPI_Barrier(MPI_COMM_WORLD, ierr)
    do i = 1, 4
      if (i /= 3) call MPI_Send(rank, 1, MPI_INTEGER, next, i, MPI_COMM_WORLD, ierr)
    end do
    n = 0
    do while (n < 3)
      call MPI_Waitsome(4, requests, done, whole, statuses, ierr)
      call check(done >= 1 .and. all(whole(:done) >= 1 .and. whole(:done) <= 4), 'waitsome')
      if (done < 1) exit
      n = n + done
    end do
    at = MPI_PROC_NULL
    call MPI_Send(out, 1, MPI_DOUBLE_PRECISION, at, 0, MPI_COMM_WORLD, ierr)
  end subroutine

  subroutine collectives()
    integer :: i, op, counts(ranks), starts(ranks), types(ranks), numbers(ranks), both(ranks)
    double precision :: x(3), y(3)
    complex(kind(0d0)) :: z, w
    logical :: yes, every
    double precision :: pair(2), best(2)
    x = rank
    call MPI_Allreduce(x, y, 3, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, ierr)
    call check(all(y == ranks * (ranks - 1) / 2), 'allreduce')
    call MPI_Allreduce(MPI_IN_PLACE, x, 3, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD, ierr)
    call check(all(x == ranks - 1), 'in place')
    z = cmplx(rank, 1, kind(0d0))
    call MPI_Allreduce(z, w, 1, MPI_DOUBLE_COMPLEX, MPI_SUM, MPI_COMM_WORLD, ierr)
    call check(w == cmplx(ranks * (ranks - 1) / 2, ranks, kind(0d0)), 'complex')
    yes = rank == 0
    call MPI_Allreduce(yes, every, 1, MPI_LOGICAL, MPI_LAND, MPI_COMM_WORLD, ierr)
    call check(every .eqv. (ranks == 1), 'logical and')
    call MPI_Allreduce(yes, every, 1, MPI_LOGICAL, MPI_LOR, MPI_COMM_WORLD, ierr)
    call check(every, 'logical or')
    pair = [dble(mod(rank * 5, ranks)), dble(rank)]
    call MPI_Allreduce(pair, best, 1, MPI_2DOUBLE_PRECISION, MPI_MINLOC, MPI_COMM_WORLD, ierr)
    call check(best(1) == 0 .and. best(2) == 0, 'minloc')
    i = rank + 1
    call MPI_Gather(i, 1, MPI_INTEGER, numbers, 1, MPI_INTEGER, 0, MPI_COMM_WORLD, ierr)
    call MPI_Bcast(numbers, ranks, MPI_INTEGER, 0, MPI_COMM_WORLD, ierr)
    call check(all(numbers == [(i, i=1, ranks)]), 'gather and bcast')
    counts = 1
    starts = [(i, i=0, ranks - 1)]
    types = MPI_INTEGER
    numbers = rank
    call MPI_Alltoallv(numbers, counts, starts, MPI_INTEGER, both, counts, starts, MPI_INTEGER, MPI_COMM_WORLD, ierr)
    call check(all(both == starts), 'alltoallv')
    both = -1
    call MPI_Alltoallw(numbers, counts, 4 * starts, types, both, counts, 4 * starts, types, MPI_COMM_WORLD, ierr)
    call check(all(both == starts), 'alltoallw')
    call MPI_Op_create(larger, .true., op, ierr)
    i = mod(rank * 3, ranks)
    call MPI_Allreduce(rank, i, 1, MPI_INTEGER, op, MPI_COMM_WORLD, ierr)
    call check(i == ranks - 1, 'user operation')
    call MPI_Op_free(op, ierr)
    call check(op == MPI_OP_NULL, 'op free')
    call MPI_Barrier(MPI_COMM_WORLD, ierr)
  end subroutine

  subroutine datatypes()
    integer :: column, structure, types(2), bytes, i, block(2), status(MPI_STATUS_SIZE), request, position
    integer(MPI_ADDRESS_KIND) :: at(2), lb, extent
    integer :: a(4, 5), b(4, 5)
    character :: packet(200)
    call MPI_Type_vector(5, 1, 4, MPI_INTEGER, column, ierr)
    call MPI_Type_commit(column, ierr)
    a = reshape([(i, i=1, 20)], [4, 5])
    b = 0
    call MPI_Isend(a(2, 1), 1, column, rank, 0, MPI_COMM_WORLD, request, ierr)
    call MPI_Recv(b(2, 1), 1, column, rank, 0, MPI_COMM_WORLD, status, ierr)
    call MPI_Wait(request, status, ierr)
    call check(all(b(2, :) == a(2, :)) .and. all(b(1, :) == 0), 'row of a matrix')
    call MPI_Get_address(a(1, 1), at(1), ierr)
    call MPI_Get_address(a(1, 2), at(2), ierr)
    call check(MPI_Aint_diff(at(2), at(1)) == 16, 'get address')
    block = 1
    types = MPI_INTEGER
    at = [0_MPI_ADDRESS_KIND, MPI_Aint_diff(at(2), at(1))]
    call MPI_Type_create_struct(2, block, at, types, structure, ierr)
    call MPI_Type_get_extent(structure, lb, extent, ierr)
    call MPI_Type_size(structure, bytes, ierr)
    call check(lb == 0 .and. extent == 20 .and. bytes == 8, 'struct')
    call MPI_Type_free(structure, ierr)
    call MPI_Type_free(column, ierr)
    call check(column == MPI_DATATYPE_NULL, 'type free')
    position = 0
    call MPI_Pack(a, 20, MPI_INTEGER, packet, 200, position, MPI_COMM_WORLD, ierr)
    call check(position == 80, 'pack')
    position = 0
    call MPI_Unpack(packet, 80, position, b, 20, MPI_INTEGER, MPI_COMM_WORLD, ierr)
    call check(all(a == b), 'unpack')
  end subroutine

  subroutine communicators()
    integer :: grid, dims(2), at(2), group, evens, half, n, range(3, 1), r
    logical :: periods(2), wraps(2)
    dims = 0
    call MPI_Dims_create(ranks, 2, dims, ierr)
    periods = [.true., .false.]
    call MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, .false., grid, ierr)
    call MPI_Cart_get(grid, 2, dims, wraps, at, ierr)
    call check(wraps(1) .and. .not. wraps(2), 'periods')
    call MPI_Cart_rank(grid, at, r, ierr)
    call check(r == rank, 'cart rank')
    call MPI_Comm_free(grid, ierr)
    call check(grid == MPI_COMM_NULL, 'comm free')
    call MPI_Comm_group(MPI_COMM_WORLD, group, ierr)
    range(:, 1) = [0, ranks - 1, 2]
    call MPI_Group_range_incl(group, 1, range, evens, ierr)
    call MPI_Group_size(evens, n, ierr)
    call check(n == (ranks + 1) / 2, 'group')
    call MPI_Comm_split(MPI_COMM_WORLD, mod(rank, 2), rank, half, ierr)
    call MPI_Comm_rank(half, r, ierr)
    call check(r == rank / 2, 'split')
    call MPI_Comm_free(half, ierr)
    call MPI_Group_free(evens, ierr)
    call MPI_Group_free(group, ierr)
  end subroutine

  subroutine attributes()
    integer :: key, comm, twin
    integer(MPI_ADDRESS_KIND) :: extra, value
    logical :: flag
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, value, flag, ierr)
    call check(flag .and. value >= 32767, 'tag bound')
    extra = 4
    call MPI_Comm_create_keyval(MPI_COMM_DUP_FN, MPI_COMM_NULL_DELETE_FN, key, extra, ierr)
    call MPI_Comm_dup(MPI_COMM_SELF, comm, ierr)
    value = 2_MPI_ADDRESS_KIND**40 + 3
    call MPI_Comm_set_attr(comm, key, value, ierr)
    call MPI_Comm_dup(comm, twin, ierr)
    value = 0
    call MPI_Comm_get_attr(twin, key, value, flag, ierr)
    call check(flag .and. value == 2_MPI_ADDRESS_KIND**40 + 3, 'attribute copied')
    call MPI_Comm_delete_attr(comm, key, ierr)
    call MPI_Comm_get_attr(comm, key, value, flag, ierr)
    call check(.not. flag, 'attribute deleted')
    call MPI_Comm_free(comm, ierr)
    call MPI_Comm_free(twin, ierr)
    call MPI_Comm_free_keyval(key, ierr)
  end subroutine

  subroutine text()
    character(len=MPI_MAX_PROCESSOR_NAME) :: host
    character(len=MPI_MAX_OBJECT_NAME) :: name
    character(len=20) :: value
    integer :: n, info
    logical :: flag
    double precision :: t
    call MPI_Get_processor_name(host, n, ierr)
    call check(n > 0 .and. host(n + 1:) == ' ', 'processor name')
    call MPI_Comm_get_name(MPI_COMM_WORLD, name, n, ierr)
    call check(name == 'MPI_COMM_WORLD' .and. n == 14, 'name')
    call MPI_Info_create(info, ierr)
    call MPI_Info_set(info, 'key ', '  a value  ', ierr)
    call MPI_Info_get(info, 'key', 20, value, flag, ierr)
    call check(flag .and. value == 'a value', 'info')
    call MPI_Info_free(info, ierr)
    t = MPI_Wtime()
    call check(MPI_Wtime() >= t .and. MPI_Wtick() > 0, 'time')
  end subroutine

  subroutine errors()
    integer :: code, class, n, x
    character(len=MPI_MAX_ERROR_STRING) :: message
    x = 0
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN, ierr)
    call MPI_Send(x, 1, MPI_INTEGER, ranks, 0, MPI_COMM_WORLD, code)
    call MPI_Error_class(code, class, ierr)
    call check(class == MPI_ERR_RANK, 'error class')
    call MPI_Error_string(code, message, n, ierr)
    call check(n > 0 .and. len_trim(message) == n, 'error text')
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL, ierr)
  end subroutine

  subroutine memory()
    use, intrinsic :: iso_c_binding, only: c_ptr, c_f_pointer
    type(c_ptr) :: address
    real(8), pointer :: block(:,:)
    real(8) :: matrix(3, 4)
    complex :: number
    character :: packed(64)
    integer :: n, request, status(MPI_STATUS_SIZE), sent(2), received(2)
    integer(MPI_ADDRESS_KIND) :: bytes, position
    call MPI_Sizeof(matrix, n, ierr)
    call check(n == 8, 'size of an array element')
    call MPI_Sizeof(number, n, ierr)
    call check(n == 8, 'size of a complex number')
    bytes = 800
    call MPI_Alloc_mem(bytes, MPI_INFO_NULL, address, ierr)
    call c_f_pointer(address, block, [10, 10])
    block = 1.5d0
    call check(sum(block) == 150d0, 'allocated memory')
    call MPI_Free_mem(block, ierr)
    call MPI_Pack_external_size('external32', 2, MPI_INTEGER, bytes, ierr)
    call check(bytes == 8, 'external size')
    sent = [258, rank]
    position = 0
    call MPI_Pack_external('external32', sent, 2, MPI_INTEGER, packed, bytes, position, ierr)
    call check(position == 8 .and. ichar(packed(3)) == 1 .and. ichar(packed(4)) == 2, 'external packing')
    position = 0
    call MPI_Unpack_external('external32', packed, bytes, position, received, 2, MPI_INTEGER, ierr)
    call check(all(received == sent), 'external unpacking')
    call MPI_Isendrecv(sent, 2, MPI_INTEGER, modulo(rank + 1, ranks), 9, received, 2, MPI_INTEGER, &
        modulo(rank - 1, ranks), 9, MPI_COMM_WORLD, request, ierr)
    call MPI_Wait(request, status, ierr)
    call check(received(2) == modulo(rank - 1, ranks) .and. status(MPI_TAG) == 9, 'isendrecv')
  end subroutine

  subroutine larger(a, b, n, datatype)
    integer :: n, datatype
    integer :: a(n), b(n)
    if (datatype /= MPI_INTEGER) stop 3
    b = max(a, b)
  end subroutine
  subroutine keep(win, key, value, extra, ierror)
    integer :: win, key, ierror
    integer(MPI_ADDRESS_KIND) :: value, extra
    if (win == MPI_WIN_NULL .or. key == 0) failures = failures + 1
    deleted = deleted + int(value + extra)
    ierror = MPI_SUCCESS
  end subroutine

  subroutine note(win, code)
    integer :: win, code
    if (win == MPI_WIN_NULL) failures = failures + 1
    noted = code
  end subroutine

  subroutine windows()
    use, intrinsic :: iso_c_binding, only: c_ptr, c_f_pointer
    integer :: win, next, before, group, request, length, key, handler, info, unit, old, one, zero
    integer(MPI_ADDRESS_KIND) :: size, value
    double precision :: mine(4), got
    integer, pointer :: counter(:)
    type(c_ptr) :: base
    character(len=MPI_MAX_OBJECT_NAME) :: name
    logical :: flag
    next = mod(rank + 1, ranks)
    before = mod(rank + ranks - 1, ranks)
    mine = rank
    size = 32
    call MPI_Win_create(mine, size, 8, MPI_INFO_NULL, MPI_COMM_WORLD, win, ierr)
    call MPI_Win_fence(0, win, ierr)
    got = rank + 0.5d0
    call MPI_Put(got, 1, MPI_DOUBLE_PRECISION, next, 1_MPI_ADDRESS_KIND, 1, MPI_DOUBLE_PRECISION, win, ierr)
    call MPI_Win_fence(0, win, ierr)
    call check(mine(2) == before + 0.5d0 .and. mine(1) == rank, 'put')
    call MPI_Get(got, 1, MPI_DOUBLE_PRECISION, next, 0_MPI_ADDRESS_KIND, 1, MPI_DOUBLE_PRECISION, win, ierr)
    call MPI_Win_fence(MPI_MODE_NOSUCCEED, win, ierr)
    call check(got == next, 'get')
    got = 1
    call MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win, ierr)
    call MPI_Raccumulate(got, 1, MPI_DOUBLE_PRECISION, 0, 3_MPI_ADDRESS_KIND, 1, MPI_DOUBLE_PRECISION, MPI_SUM, win, request, ierr)
    call MPI_Wait(request, MPI_STATUS_IGNORE, ierr)
    call MPI_Win_flush(0, win, ierr)
    call MPI_Win_unlock(0, win, ierr)
    call MPI_Barrier(MPI_COMM_WORLD, ierr)
    call MPI_Win_lock(MPI_LOCK_SHARED, rank, 0, win, ierr)
    if (rank == 0) call check(mine(4) == ranks, 'accumulate')
    call MPI_Win_unlock(rank, win, ierr)
    call MPI_Win_set_name(win, ' a window ', ierr)
    call MPI_Win_get_name(win, name, length, ierr)
    call check(name == 'a window' .and. length == 8, 'window name')
    call MPI_Win_get_group(win, group, ierr)
    call MPI_Group_size(group, length, ierr)
    call check(length == ranks, 'window group')
    call MPI_Group_free(group, ierr)
    call MPI_Win_get_attr(win, MPI_WIN_SIZE, value, flag, ierr)
    call check(flag .and. value == 32, 'window size')
    call MPI_Win_get_attr(win, MPI_WIN_DISP_UNIT, value, flag, ierr)
    call check(flag .and. value == 8, 'displacement unit')
    deleted = 0
    call MPI_Win_create_keyval(MPI_WIN_NULL_COPY_FN, keep, key, 100_MPI_ADDRESS_KIND, ierr)
    call MPI_Win_set_attr(win, key, 7_MPI_ADDRESS_KIND, ierr)
    call MPI_Win_get_attr(win, key, value, flag, ierr)
    call check(flag .and. value == 7, 'window attribute')
    call MPI_Win_delete_attr(win, key, ierr)
    call check(deleted == 107, 'delete function')
    call MPI_Win_free_keyval(key, ierr)
    noted = 0
    call MPI_Win_create_errhandler(note, handler, ierr)
    call MPI_Win_set_errhandler(win, handler, ierr)
    call MPI_Errhandler_free(handler, ierr)
    call MPI_Win_unlock(rank, win, ierr)
    call check(ierr == MPI_ERR_RMA_SYNC .and. noted == ierr, 'window error handler')
    call MPI_Win_get_info(win, info, ierr)
    call MPI_Info_free(info, ierr)
    call MPI_Win_free(win, ierr)
    call check(win == MPI_WIN_NULL, 'window null')

    size = 4
    call MPI_Win_allocate_shared(size, 4, MPI_INFO_NULL, MPI_COMM_WORLD, base, win, ierr)
    call c_f_pointer(base, counter, [1])
    counter(1) = 0
    call MPI_Barrier(MPI_COMM_WORLD, ierr)
    one = 1
    call MPI_Win_lock_all(0, win, ierr)
    call MPI_Fetch_and_op(one, old, MPI_INTEGER, 0, 0_MPI_ADDRESS_KIND, MPI_SUM, win, ierr)
    call check(old >= 0 .and. old < ranks, 'fetch and op')
    call MPI_Win_unlock_all(win, ierr)
    call MPI_Barrier(MPI_COMM_WORLD, ierr)
    call MPI_Win_shared_query(win, 0, size, unit, base, ierr)
    call c_f_pointer(base, counter, [1])
    call check(size == 4 .and. unit == 4 .and. counter(1) == ranks, 'shared memory')
    call MPI_Barrier(MPI_COMM_WORLD, ierr)
    zero = ranks
    call MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win, ierr)
    call MPI_Compare_and_swap(one, zero, old, MPI_INTEGER, 0, 0_MPI_ADDRESS_KIND, win, ierr)
    call MPI_Win_unlock(0, win, ierr)
    call check(old == ranks .or. old == 1, 'compare and swap')
    call MPI_Win_free(win, ierr)
  end subroutine
end program
