! Conjugate gradients on a symmetric positive definite matrix in Matrix Market coordinate format.
!
!   cg MATRIX [TOLERANCE]
!
! Solves A x = b where b is A times a vector of ones, so that the answer is known. Rank 0 reads the file; every rank
! holds a band of rows in compressed form. Prints the residual as it falls and the largest error at the end.
! TOLERANCE is of the residual relative to b (default 1e-10).
program cg
  use, intrinsic :: iso_fortran_env, only: real64, int64, error_unit
  use mpi
  implicit none

  integer :: ierr, rank, ranks, n, first, rows, iteration, i, k
  integer, allocatable :: counts(:), starts(:), begin_of(:), column(:)
  real(real64), allocatable :: value(:), x(:), r(:), p(:), ap(:), everywhere(:)
  real(real64) :: tolerance, rr, rr_before, alpha, norm_b, seconds, worst
  character(len=512) :: path, text
  logical :: done

  call MPI_Init(ierr)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, ierr)
  if (command_argument_count() < 1) call fail('usage: cg MATRIX [TOLERANCE]')
  call get_command_argument(1, path)
  tolerance = 1.0e-10_real64
  if (command_argument_count() > 1) then
    call get_command_argument(2, text)
    read (text, *, iostat=i) tolerance
    if (i /= 0) call fail('the tolerance is not a number: ' // trim(text))
  end if

  call distribute(trim(path))

  allocate (x(rows), r(rows), p(rows), ap(rows), everywhere(n))
  everywhere = 1
  call multiply(everywhere, r)          ! b = A 1, and with x = 0 the first residual is b
  x = 0
  p = r
  rr = dot(r, r)
  norm_b = sqrt(rr)
  if (rank == 0) print '(a,i0,a,i0,a)', 'cg: ', n, ' unknowns on ', ranks, ' ranks'
  seconds = MPI_Wtime()
  iteration = 0
  done = norm_b == 0
  do while (.not. done .and. iteration < 10 * n)
    iteration = iteration + 1
    call MPI_Allgatherv(p, rows, MPI_DOUBLE_PRECISION, everywhere, counts, starts, MPI_DOUBLE_PRECISION, &
                        MPI_COMM_WORLD, ierr)
    call multiply(everywhere, ap)
    alpha = rr / dot(p, ap)
    x = x + alpha * p
    r = r - alpha * ap
    rr_before = rr
    rr = dot(r, r)
    p = r + rr / rr_before * p
    done = sqrt(rr) <= tolerance * norm_b
    if (rank == 0 .and. (mod(iteration, 10) == 0 .or. done)) &
      print '(a,i5,a,es10.3)', 'cg: iteration ', iteration, '  residual ', sqrt(rr) / norm_b
  end do
  seconds = MPI_Wtime() - seconds
  worst = maxval(abs(x - 1))
  call MPI_Allreduce(MPI_IN_PLACE, worst, 1, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD, ierr)
  if (rank == 0) print '(a,i0,a,f0.3,a,es9.2)', 'cg: ', iteration, ' iterations in ', seconds, ' s, largest error ', worst
  call MPI_Finalize(ierr)
  if (.not. done) stop 1

contains

  subroutine fail(what)
    character(len=*), intent(in) :: what
    write (error_unit, '(2a)') 'cg: ', what
    call MPI_Abort(MPI_COMM_WORLD, 1, ierr)
  end subroutine

  function dot(a, b) result(s)
    real(real64), intent(in) :: a(:), b(:)
    real(real64) :: s, mine
    mine = dot_product(a, b)
    call MPI_Allreduce(mine, s, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD, ierr)
  end function

  subroutine multiply(v, y)
    real(real64), intent(in) :: v(:)
    real(real64), intent(out) :: y(:)
    integer :: row, at
    do row = 1, rows
      y(row) = 0
      do at = begin_of(row), begin_of(row + 1) - 1
        y(row) = y(row) + value(at) * v(column(at))
      end do
    end do
  end subroutine

  ! Rank 0 reads the file into compressed rows and sends every rank its band.
  subroutine distribute(name)
    character(len=*), intent(in) :: name
    integer, allocatable :: whole_begin(:), whole_column(:), lengths(:), entries(:), offsets(:)
    real(real64), allocatable :: whole_value(:)
    n = 0
    if (rank == 0) call read_matrix(name, whole_begin, whole_column, whole_value)
    call MPI_Bcast(n, 1, MPI_INTEGER, 0, MPI_COMM_WORLD, ierr)
    allocate (counts(ranks), starts(ranks), entries(ranks), offsets(ranks))
    do i = 1, ranks
      starts(i) = int(int(n, int64) * (i - 1) / ranks)
      counts(i) = int(int(n, int64) * i / ranks) - starts(i)
    end do
    first = starts(rank + 1) + 1
    rows = counts(rank + 1)
    if (rank /= 0) allocate (whole_begin(n + 1), whole_column(0), whole_value(0))
    call MPI_Bcast(whole_begin, n + 1, MPI_INTEGER, 0, MPI_COMM_WORLD, ierr)
    allocate (lengths(n), begin_of(rows + 1))
    do i = 1, ranks
      offsets(i) = whole_begin(starts(i) + 1) - 1
      entries(i) = whole_begin(starts(i) + counts(i) + 1) - 1 - offsets(i)
    end do
    begin_of = whole_begin(first:first + rows) - whole_begin(first) + 1
    k = entries(rank + 1)
    allocate (column(k), value(k))
    call MPI_Scatterv(whole_column, entries, offsets, MPI_INTEGER, column, k, MPI_INTEGER, 0, MPI_COMM_WORLD, ierr)
    call MPI_Scatterv(whole_value, entries, offsets, MPI_DOUBLE_PRECISION, value, k, MPI_DOUBLE_PRECISION, 0, &
                      MPI_COMM_WORLD, ierr)
  end subroutine

  ! https://math.nist.gov/MatrixMarket/formats.html, coordinate real general or symmetric.
  subroutine read_matrix(name, row_begin, row_column, row_value)
    character(len=*), intent(in) :: name
    integer, allocatable, intent(out) :: row_begin(:), row_column(:)
    real(real64), allocatable, intent(out) :: row_value(:)
    integer, allocatable :: is(:), js(:), fill(:)
    real(real64), allocatable :: vs(:)
    integer :: unit, status, columns, stored, e
    logical :: symmetric
    character(len=1024) :: line
    open (newunit=unit, file=name, status='old', action='read', iostat=status)
    if (status /= 0) call fail('cannot open matrix file ' // name)
    read (unit, '(a)', iostat=status) line
    if (status /= 0 .or. line(1:32) /= '%%MatrixMarket matrix coordinate') &
      call fail(name // ' is not a Matrix Market coordinate file')
    if (index(line, ' real ') == 0) call fail(name // ' does not hold real numbers')
    symmetric = index(line, 'symmetric') > 0
    do
      read (unit, '(a)', iostat=status) line
      if (status /= 0) call fail(name // ' ends before its size line')
      if (line(1:1) /= '%') exit
    end do
    read (line, *, iostat=status) n, columns, stored
    if (status /= 0 .or. n < 1 .or. n /= columns .or. stored < 0) call fail(name // ' has no square size')
    allocate (is(stored), js(stored), vs(stored), row_begin(n + 1), fill(n))
    do e = 1, stored
      read (unit, *, iostat=status) is(e), js(e), vs(e)
      if (status /= 0) call fail(name // ' ends before its last entry')
      if (min(is(e), js(e)) < 1 .or. max(is(e), js(e)) > n) call fail(name // ' has an index out of range')
    end do
    close (unit)
    fill = 0
    do e = 1, stored
      fill(is(e)) = fill(is(e)) + 1
      if (symmetric .and. is(e) /= js(e)) fill(js(e)) = fill(js(e)) + 1
    end do
    row_begin(1) = 1
    do e = 1, n
      row_begin(e + 1) = row_begin(e) + fill(e)
    end do
    allocate (row_column(row_begin(n + 1) - 1), row_value(row_begin(n + 1) - 1))
    fill = row_begin(1:n)
    do e = 1, stored
      call put(is(e), js(e), vs(e), fill, row_column, row_value)
      if (symmetric .and. is(e) /= js(e)) &
        call put(js(e), is(e), vs(e), fill, row_column, row_value)
    end do
  end subroutine

  subroutine put(row, col, v, fill, row_column, row_value)
    integer, intent(in) :: row, col
    real(real64), intent(in) :: v
    integer, intent(inout) :: fill(:), row_column(:)
    real(real64), intent(inout) :: row_value(:)
    row_column(fill(row)) = col
    row_value(fill(row)) = v
    fill(row) = fill(row) + 1
  end subroutine
end program
