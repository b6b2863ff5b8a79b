! The module `mpi`: the constants of mpif.h and explicit interfaces of every procedure, so that gfortran checks the
! arguments. Choice buffers take any type, kind and rank (GCC's NO_ARG_CHECK). Compiled where unirank is built, because
! module files fit one compiler version.
module mpi
  implicit none
  include 'mpif_constants.h'

  interface MPI_Alloc_mem
  subroutine MPI_Alloc_mem(size, info, baseptr, ierror)
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: info
    integer(MPI_ADDRESS_KIND), intent(out) :: baseptr
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Alloc_mem_cptr(size, info, baseptr, ierror)
    use, intrinsic :: iso_c_binding, only: c_ptr
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: info
    type(c_ptr), intent(out) :: baseptr
    integer, intent(out) :: ierror
  end subroutine
  end interface

  interface MPI_Win_allocate
  subroutine MPI_Win_allocate(size, disp_unit, info, comm, baseptr, win, ierror)
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: disp_unit
    integer, intent(in) :: info
    integer, intent(in) :: comm
    integer(MPI_ADDRESS_KIND), intent(out) :: baseptr
    integer, intent(out) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_allocate_cptr(size, disp_unit, info, comm, baseptr, win, ierror)
    use, intrinsic :: iso_c_binding, only: c_ptr
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: disp_unit
    integer, intent(in) :: info
    integer, intent(in) :: comm
    type(c_ptr), intent(out) :: baseptr
    integer, intent(out) :: win
    integer, intent(out) :: ierror
  end subroutine
  end interface

  interface MPI_Win_allocate_shared
  subroutine MPI_Win_allocate_shared(size, disp_unit, info, comm, baseptr, win, ierror)
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: disp_unit
    integer, intent(in) :: info
    integer, intent(in) :: comm
    integer(MPI_ADDRESS_KIND), intent(out) :: baseptr
    integer, intent(out) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_allocate_shared_cptr(size, disp_unit, info, comm, baseptr, win, ierror)
    use, intrinsic :: iso_c_binding, only: c_ptr
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: disp_unit
    integer, intent(in) :: info
    integer, intent(in) :: comm
    type(c_ptr), intent(out) :: baseptr
    integer, intent(out) :: win
    integer, intent(out) :: ierror
  end subroutine
  end interface

  interface MPI_Win_shared_query
  subroutine MPI_Win_shared_query(win, rank, size, disp_unit, baseptr, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: win
    integer, intent(in) :: rank
    integer(MPI_ADDRESS_KIND), intent(out) :: size
    integer, intent(out) :: disp_unit
    integer(MPI_ADDRESS_KIND), intent(out) :: baseptr
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_shared_query_cptr(win, rank, size, disp_unit, baseptr, ierror)
    use, intrinsic :: iso_c_binding, only: c_ptr
    import MPI_ADDRESS_KIND
    integer, intent(in) :: win
    integer, intent(in) :: rank
    integer(MPI_ADDRESS_KIND), intent(out) :: size
    integer, intent(out) :: disp_unit
    type(c_ptr), intent(out) :: baseptr
    integer, intent(out) :: ierror
  end subroutine
  end interface

  interface
  function MPI_Wtime() result(seconds)
    double precision :: seconds
  end function
  function MPI_Wtick() result(seconds)
    double precision :: seconds
  end function
  function PMPI_Wtime() result(seconds)
    double precision :: seconds
  end function
  function PMPI_Wtick() result(seconds)
    double precision :: seconds
  end function
  function MPI_Aint_add(base, disp) result(sum)
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: base, disp
    integer(MPI_ADDRESS_KIND) :: sum
  end function
  function MPI_Aint_diff(addr1, addr2) result(difference)
    import MPI_ADDRESS_KIND
    integer(MPI_ADDRESS_KIND), intent(in) :: addr1, addr2
    integer(MPI_ADDRESS_KIND) :: difference
  end function
  subroutine MPI_Free_mem(base, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: base
    type(*), dimension(*) :: base
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Pcontrol(level)
    integer, intent(in) :: level
  end subroutine
  subroutine MPI_Send(buf, count, datatype, dest, tag, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Bsend(buf, count, datatype, dest, tag, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Ssend(buf, count, datatype, dest, tag, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Rsend(buf, count, datatype, dest, tag, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Recv(buf, count, datatype, source, tag, comm, status, ierror)
    import MPI_STATUS_SIZE
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Isend(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Ibsend(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Issend(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Irsend(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Irecv(buf, count, datatype, source, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Send_init(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Bsend_init(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Ssend_init(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Rsend_init(buf, count, datatype, dest, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Recv_init(buf, count, datatype, source, tag, comm, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Sendrecv(sendbuf, sendcount, sendtype, dest, sendtag, recvbuf, recvcount, recvtype, source, &
      recvtag, comm, status, ierror)
    import MPI_STATUS_SIZE
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    integer, intent(in) :: dest
    integer, intent(in) :: sendtag
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: recvtype
    integer, intent(in) :: source
    integer, intent(in) :: recvtag
    integer, intent(in) :: comm
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Sendrecv_replace(buf, count, datatype, dest, sendtag, source, recvtag, comm, status, ierror)
    import MPI_STATUS_SIZE
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: dest
    integer, intent(in) :: sendtag
    integer, intent(in) :: source
    integer, intent(in) :: recvtag
    integer, intent(in) :: comm
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Probe(source, tag, comm, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Iprobe(source, tag, comm, flag, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    logical, intent(out) :: flag
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Mprobe(source, tag, comm, message, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    integer, intent(out) :: message
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Improbe(source, tag, comm, flag, message, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: source
    integer, intent(in) :: tag
    integer, intent(in) :: comm
    logical, intent(out) :: flag
    integer, intent(out) :: message
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Mrecv(buf, count, datatype, message, status, ierror)
    import MPI_STATUS_SIZE
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(inout) :: message
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Imrecv(buf, count, datatype, message, request, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buf
    type(*), dimension(*) :: buf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(inout) :: message
    integer, intent(inout) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Wait(request, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(inout) :: request
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Test(request, flag, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(inout) :: request
    logical, intent(out) :: flag
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Start(request, ierror)
    integer, intent(inout) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cancel(request, ierror)
    integer, intent(inout) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Request_free(request, ierror)
    integer, intent(inout) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Request_get_status(request, flag, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: request
    logical, intent(out) :: flag
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Test_cancelled(status, flag, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: status(MPI_STATUS_SIZE)
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_count(status, datatype, count, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: status(MPI_STATUS_SIZE)
    integer, intent(in) :: datatype
    integer, intent(out) :: count
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_elements(status, datatype, count, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: status(MPI_STATUS_SIZE)
    integer, intent(in) :: datatype
    integer, intent(out) :: count
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_elements_x(status, datatype, count, ierror)
    import MPI_STATUS_SIZE, MPI_COUNT_KIND
    integer, intent(in) :: status(MPI_STATUS_SIZE)
    integer, intent(in) :: datatype
    integer(MPI_COUNT_KIND), intent(out) :: count
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Status_set_cancelled(status, flag, ierror)
    import MPI_STATUS_SIZE
    integer, intent(inout) :: status(MPI_STATUS_SIZE)
    logical, intent(in) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Status_set_elements(status, datatype, count, ierror)
    import MPI_STATUS_SIZE
    integer, intent(inout) :: status(MPI_STATUS_SIZE)
    integer, intent(in) :: datatype
    integer, intent(in) :: count
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Status_set_elements_x(status, datatype, count, ierror)
    import MPI_STATUS_SIZE, MPI_COUNT_KIND
    integer, intent(inout) :: status(MPI_STATUS_SIZE)
    integer, intent(in) :: datatype
    integer(MPI_COUNT_KIND), intent(in) :: count
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Buffer_attach(buffer, size, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buffer
    type(*), dimension(*) :: buffer
    integer, intent(in) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Barrier(comm, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Bcast(buffer, count, datatype, root, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buffer
    type(*), dimension(*) :: buffer
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: root
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Gather(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: recvtype
    integer, intent(in) :: root
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Gatherv(sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype, root, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcounts(*)
    integer, intent(in) :: displs(*)
    integer, intent(in) :: recvtype
    integer, intent(in) :: root
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Scatter(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: recvtype
    integer, intent(in) :: root
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Scatterv(sendbuf, sendcounts, displs, sendtype, recvbuf, recvcount, recvtype, root, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcounts(*)
    integer, intent(in) :: displs(*)
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: recvtype
    integer, intent(in) :: root
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Allgather(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: recvtype
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Allgatherv(sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcounts(*)
    integer, intent(in) :: displs(*)
    integer, intent(in) :: recvtype
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Alltoall(sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcount
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: recvtype
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Alltoallv(sendbuf, sendcounts, sdispls, sendtype, recvbuf, recvcounts, rdispls, recvtype, comm, &
      ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcounts(*)
    integer, intent(in) :: sdispls(*)
    integer, intent(in) :: sendtype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcounts(*)
    integer, intent(in) :: rdispls(*)
    integer, intent(in) :: recvtype
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Reduce(sendbuf, recvbuf, count, datatype, op, root, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(in) :: root
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Allreduce(sendbuf, recvbuf, count, datatype, op, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Reduce_scatter(sendbuf, recvbuf, recvcounts, datatype, op, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcounts(*)
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Reduce_scatter_block(sendbuf, recvbuf, recvcount, datatype, op, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcount
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Scan(sendbuf, recvbuf, count, datatype, op, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Exscan(sendbuf, recvbuf, count, datatype, op, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_contiguous(count, oldtype, newtype, ierror)
    integer, intent(in) :: count
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_vector(count, blocklength, stride, oldtype, newtype, ierror)
    integer, intent(in) :: count
    integer, intent(in) :: blocklength
    integer, intent(in) :: stride
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_hvector(count, blocklength, stride, oldtype, newtype, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: count
    integer, intent(in) :: blocklength
    integer(MPI_ADDRESS_KIND), intent(in) :: stride
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_indexed(count, blocklengths, displacements, oldtype, newtype, ierror)
    integer, intent(in) :: count
    integer, intent(in) :: blocklengths(*)
    integer, intent(in) :: displacements(*)
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_hindexed(count, blocklengths, displacements, oldtype, newtype, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: count
    integer, intent(in) :: blocklengths(*)
    integer(MPI_ADDRESS_KIND), intent(in) :: displacements(*)
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_indexed_block(count, blocklength, displacements, oldtype, newtype, ierror)
    integer, intent(in) :: count
    integer, intent(in) :: blocklength
    integer, intent(in) :: displacements(*)
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_hindexed_block(count, blocklength, displacements, oldtype, newtype, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: count
    integer, intent(in) :: blocklength
    integer(MPI_ADDRESS_KIND), intent(in) :: displacements(*)
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_resized(oldtype, lb, extent, newtype, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: oldtype
    integer(MPI_ADDRESS_KIND), intent(in) :: lb
    integer(MPI_ADDRESS_KIND), intent(in) :: extent
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_subarray(ndims, sizes, subsizes, starts, order, oldtype, newtype, ierror)
    integer, intent(in) :: ndims
    integer, intent(in) :: sizes(*)
    integer, intent(in) :: subsizes(*)
    integer, intent(in) :: starts(*)
    integer, intent(in) :: order
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_darray(size, rank, ndims, gsizes, distribs, dargs, psizes, order, oldtype, newtype, &
      ierror)
    integer, intent(in) :: size
    integer, intent(in) :: rank
    integer, intent(in) :: ndims
    integer, intent(in) :: gsizes(*)
    integer, intent(in) :: distribs(*)
    integer, intent(in) :: dargs(*)
    integer, intent(in) :: psizes(*)
    integer, intent(in) :: order
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_dup(oldtype, newtype, ierror)
    integer, intent(in) :: oldtype
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_f90_integer(range, newtype, ierror)
    integer, intent(in) :: range
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_f90_real(precision, range, newtype, ierror)
    integer, intent(in) :: precision
    integer, intent(in) :: range
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_f90_complex(precision, range, newtype, ierror)
    integer, intent(in) :: precision
    integer, intent(in) :: range
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_match_size(typeclass, size, datatype, ierror)
    integer, intent(in) :: typeclass
    integer, intent(in) :: size
    integer, intent(out) :: datatype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_commit(datatype, ierror)
    integer, intent(inout) :: datatype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_free(datatype, ierror)
    integer, intent(inout) :: datatype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_size(datatype, size, ierror)
    integer, intent(in) :: datatype
    integer, intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_size_x(datatype, size, ierror)
    import MPI_COUNT_KIND
    integer, intent(in) :: datatype
    integer(MPI_COUNT_KIND), intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_extent(datatype, lb, extent, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: datatype
    integer(MPI_ADDRESS_KIND), intent(out) :: lb
    integer(MPI_ADDRESS_KIND), intent(out) :: extent
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_extent_x(datatype, lb, extent, ierror)
    import MPI_COUNT_KIND
    integer, intent(in) :: datatype
    integer(MPI_COUNT_KIND), intent(out) :: lb
    integer(MPI_COUNT_KIND), intent(out) :: extent
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_true_extent(datatype, lb, extent, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: datatype
    integer(MPI_ADDRESS_KIND), intent(out) :: lb
    integer(MPI_ADDRESS_KIND), intent(out) :: extent
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_true_extent_x(datatype, lb, extent, ierror)
    import MPI_COUNT_KIND
    integer, intent(in) :: datatype
    integer(MPI_COUNT_KIND), intent(out) :: lb
    integer(MPI_COUNT_KIND), intent(out) :: extent
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_envelope(datatype, integers, addresses, datatypes, combiner, ierror)
    integer, intent(in) :: datatype
    integer, intent(out) :: integers
    integer, intent(out) :: addresses
    integer, intent(out) :: datatypes
    integer, intent(out) :: combiner
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_address(location, address, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: location
    type(*), dimension(*) :: location
    integer(MPI_ADDRESS_KIND), intent(out) :: address
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Pack(inbuf, incount, datatype, outbuf, outsize, position, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: inbuf
    type(*), dimension(*) :: inbuf
    integer, intent(in) :: incount
    integer, intent(in) :: datatype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: outbuf
    type(*), dimension(*) :: outbuf
    integer, intent(in) :: outsize
    integer, intent(inout) :: position
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Unpack(inbuf, insize, position, outbuf, outcount, datatype, comm, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: inbuf
    type(*), dimension(*) :: inbuf
    integer, intent(in) :: insize
    integer, intent(inout) :: position
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: outbuf
    type(*), dimension(*) :: outbuf
    integer, intent(in) :: outcount
    integer, intent(in) :: datatype
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Pack_size(incount, datatype, comm, size, ierror)
    integer, intent(in) :: incount
    integer, intent(in) :: datatype
    integer, intent(in) :: comm
    integer, intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Op_free(op, ierror)
    integer, intent(inout) :: op
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Op_commutative(op, commute, ierror)
    integer, intent(in) :: op
    logical, intent(out) :: commute
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Reduce_local(inbuf, inoutbuf, count, datatype, op, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: inbuf
    type(*), dimension(*) :: inbuf
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: inoutbuf
    type(*), dimension(*) :: inoutbuf
    integer, intent(in) :: count
    integer, intent(in) :: datatype
    integer, intent(in) :: op
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_size(group, size, ierror)
    integer, intent(in) :: group
    integer, intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_rank(group, rank, ierror)
    integer, intent(in) :: group
    integer, intent(out) :: rank
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_translate_ranks(group1, n, ranks1, group2, ranks2, ierror)
    integer, intent(in) :: group1
    integer, intent(in) :: n
    integer, intent(in) :: ranks1(*)
    integer, intent(in) :: group2
    integer, intent(out) :: ranks2(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_compare(group1, group2, result, ierror)
    integer, intent(in) :: group1
    integer, intent(in) :: group2
    integer, intent(out) :: result
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_union(group1, group2, newgroup, ierror)
    integer, intent(in) :: group1
    integer, intent(in) :: group2
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_intersection(group1, group2, newgroup, ierror)
    integer, intent(in) :: group1
    integer, intent(in) :: group2
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_difference(group1, group2, newgroup, ierror)
    integer, intent(in) :: group1
    integer, intent(in) :: group2
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_incl(group, n, ranks, newgroup, ierror)
    integer, intent(in) :: group
    integer, intent(in) :: n
    integer, intent(in) :: ranks(*)
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_excl(group, n, ranks, newgroup, ierror)
    integer, intent(in) :: group
    integer, intent(in) :: n
    integer, intent(in) :: ranks(*)
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_range_incl(group, n, ranges, newgroup, ierror)
    integer, intent(in) :: group
    integer, intent(in) :: n
    integer, intent(in) :: ranges(3, *)
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_range_excl(group, n, ranges, newgroup, ierror)
    integer, intent(in) :: group
    integer, intent(in) :: n
    integer, intent(in) :: ranges(3, *)
    integer, intent(out) :: newgroup
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Group_free(group, ierror)
    integer, intent(inout) :: group
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_size(comm, size, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_rank(comm, rank, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: rank
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_compare(comm1, comm2, result, ierror)
    integer, intent(in) :: comm1
    integer, intent(in) :: comm2
    integer, intent(out) :: result
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_dup(comm, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_dup_with_info(comm, info, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: info
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_create(comm, group, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: group
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_create_group(comm, group, tag, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: group
    integer, intent(in) :: tag
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_split(comm, color, key, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: color
    integer, intent(in) :: key
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_split_type(comm, split_type, key, info, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: split_type
    integer, intent(in) :: key
    integer, intent(in) :: info
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_free(comm, ierror)
    integer, intent(inout) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_group(comm, group, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: group
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_test_inter(comm, flag, ierror)
    integer, intent(in) :: comm
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_remote_size(comm, size, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_remote_group(comm, group, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: group
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_set_info(comm, info, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: info
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_get_info(comm, info, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: info
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Dims_create(nnodes, ndims, dims, ierror)
    integer, intent(in) :: nnodes
    integer, intent(in) :: ndims
    integer, intent(inout) :: dims(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_create(comm, ndims, dims, periods, reorder, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: ndims
    integer, intent(in) :: dims(*)
    logical, intent(in) :: periods(*)
    logical, intent(in) :: reorder
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cartdim_get(comm, ndims, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: ndims
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_get(comm, maxdims, dims, periods, coords, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: maxdims
    integer, intent(out) :: dims(*)
    logical, intent(out) :: periods(*)
    integer, intent(out) :: coords(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_rank(comm, coords, rank, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: coords(*)
    integer, intent(out) :: rank
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_coords(comm, rank, maxdims, coords, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: rank
    integer, intent(in) :: maxdims
    integer, intent(out) :: coords(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_shift(comm, direction, disp, source, dest, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: direction
    integer, intent(in) :: disp
    integer, intent(out) :: source
    integer, intent(out) :: dest
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_sub(comm, remain, newcomm, ierror)
    integer, intent(in) :: comm
    logical, intent(in) :: remain(*)
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Cart_map(comm, ndims, dims, periods, newrank, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: ndims
    integer, intent(in) :: dims(*)
    logical, intent(in) :: periods(*)
    integer, intent(out) :: newrank
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Graph_create(comm, nnodes, index, edges, reorder, newcomm, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: nnodes
    integer, intent(in) :: index(*)
    integer, intent(in) :: edges(*)
    logical, intent(in) :: reorder
    integer, intent(out) :: newcomm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Graphdims_get(comm, nnodes, nedges, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: nnodes
    integer, intent(out) :: nedges
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Graph_get(comm, maxindex, maxedges, index, edges, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: maxindex
    integer, intent(in) :: maxedges
    integer, intent(out) :: index(*)
    integer, intent(out) :: edges(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Graph_neighbors_count(comm, rank, nneighbors, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: rank
    integer, intent(out) :: nneighbors
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Graph_neighbors(comm, rank, maxneighbors, neighbors, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: rank
    integer, intent(in) :: maxneighbors
    integer, intent(out) :: neighbors(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Graph_map(comm, nnodes, index, edges, newrank, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: nnodes
    integer, intent(in) :: index(*)
    integer, intent(in) :: edges(*)
    integer, intent(out) :: newrank
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Topo_test(comm, state, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: state
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Initialized(flag, ierror)
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Finalized(flag, ierror)
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Finalize(ierror)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Abort(comm, errorcode, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: errorcode
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Query_thread(provided, ierror)
    integer, intent(out) :: provided
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Is_thread_main(flag, ierror)
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_version(version, subversion, ierror)
    integer, intent(out) :: version
    integer, intent(out) :: subversion
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Error_class(errorcode, errorclass, ierror)
    integer, intent(in) :: errorcode
    integer, intent(out) :: errorclass
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Add_error_class(errorclass, ierror)
    integer, intent(out) :: errorclass
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Add_error_code(errorclass, errorcode, ierror)
    integer, intent(in) :: errorclass
    integer, intent(out) :: errorcode
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_set_errhandler(comm, errhandler, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_get_errhandler(comm, errhandler, ierror)
    integer, intent(in) :: comm
    integer, intent(out) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_call_errhandler(comm, errorcode, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: errorcode
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Errhandler_free(errhandler, ierror)
    integer, intent(inout) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_create(info, ierror)
    integer, intent(out) :: info
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_dup(info, newinfo, ierror)
    integer, intent(in) :: info
    integer, intent(out) :: newinfo
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_free(info, ierror)
    integer, intent(inout) :: info
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_get_nkeys(info, nkeys, ierror)
    integer, intent(in) :: info
    integer, intent(out) :: nkeys
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Waitall(count, requests, statuses, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: count
    integer, intent(inout) :: requests(*)
    integer, intent(out) :: statuses(MPI_STATUS_SIZE, *)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Testall(count, requests, flag, statuses, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: count
    integer, intent(inout) :: requests(*)
    logical, intent(out) :: flag
    integer, intent(out) :: statuses(MPI_STATUS_SIZE, *)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Waitany(count, requests, index, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: count
    integer, intent(inout) :: requests(*)
    integer, intent(out) :: index
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Testany(count, requests, index, flag, status, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: count
    integer, intent(inout) :: requests(*)
    integer, intent(out) :: index
    logical, intent(out) :: flag
    integer, intent(out) :: status(MPI_STATUS_SIZE)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Waitsome(incount, requests, outcount, indices, statuses, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: incount
    integer, intent(inout) :: requests(*)
    integer, intent(out) :: outcount
    integer, intent(out) :: indices(*)
    integer, intent(out) :: statuses(MPI_STATUS_SIZE, *)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Testsome(incount, requests, outcount, indices, statuses, ierror)
    import MPI_STATUS_SIZE
    integer, intent(in) :: incount
    integer, intent(inout) :: requests(*)
    integer, intent(out) :: outcount
    integer, intent(out) :: indices(*)
    integer, intent(out) :: statuses(MPI_STATUS_SIZE, *)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Startall(count, requests, ierror)
    integer, intent(in) :: count
    integer, intent(inout) :: requests(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_struct(count, blocklengths, displacements, types, newtype, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: count
    integer, intent(in) :: blocklengths(*)
    integer(MPI_ADDRESS_KIND), intent(in) :: displacements(*)
    integer, intent(in) :: types(*)
    integer, intent(out) :: newtype
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_contents(datatype, max_integers, max_addresses, max_datatypes, integers, addresses, &
      datatypes, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: datatype
    integer, intent(in) :: max_integers
    integer, intent(in) :: max_addresses
    integer, intent(in) :: max_datatypes
    integer, intent(out) :: integers(*)
    integer(MPI_ADDRESS_KIND), intent(out) :: addresses(*)
    integer, intent(out) :: datatypes(*)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Alltoallw(sendbuf, sendcounts, sdispls, sendtypes, recvbuf, recvcounts, rdispls, recvtypes, comm, &
      ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: sendbuf
    type(*), dimension(*) :: sendbuf
    integer, intent(in) :: sendcounts(*)
    integer, intent(in) :: sdispls(*)
    integer, intent(in) :: sendtypes(*)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: recvbuf
    type(*), dimension(*) :: recvbuf
    integer, intent(in) :: recvcounts(*)
    integer, intent(in) :: rdispls(*)
    integer, intent(in) :: recvtypes(*)
    integer, intent(in) :: comm
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Init(ierror)
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Init_thread(required, provided, ierror)
    integer, intent(in) :: required
    integer, intent(out) :: provided
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Buffer_detach(buffer, size, ierror)
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: buffer
    type(*), dimension(*) :: buffer
    integer, intent(out) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_processor_name(name, resultlen, ierror)
    character(len=*), intent(out) :: name
    integer, intent(out) :: resultlen
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_library_version(version, resultlen, ierror)
    character(len=*), intent(out) :: version
    integer, intent(out) :: resultlen
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Error_string(errorcode, string, resultlen, ierror)
    integer, intent(in) :: errorcode
    character(len=*), intent(out) :: string
    integer, intent(out) :: resultlen
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Add_error_string(errorcode, string, ierror)
    integer, intent(in) :: errorcode
    character(len=*), intent(in) :: string
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_set_name(comm, name, ierror)
    integer, intent(in) :: comm
    character(len=*), intent(in) :: name
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_get_name(comm, name, resultlen, ierror)
    integer, intent(in) :: comm
    character(len=*), intent(out) :: name
    integer, intent(out) :: resultlen
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_set_name(datatype, name, ierror)
    integer, intent(in) :: datatype
    character(len=*), intent(in) :: name
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_name(datatype, name, resultlen, ierror)
    integer, intent(in) :: datatype
    character(len=*), intent(out) :: name
    integer, intent(out) :: resultlen
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_set(info, key, value, ierror)
    integer, intent(in) :: info
    character(len=*), intent(in) :: key
    character(len=*), intent(in) :: value
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_delete(info, key, ierror)
    integer, intent(in) :: info
    character(len=*), intent(in) :: key
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_get(info, key, valuelen, value, flag, ierror)
    integer, intent(in) :: info
    character(len=*), intent(in) :: key
    integer, intent(in) :: valuelen
    character(len=*), intent(out) :: value
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_get_string(info, key, buflen, value, flag, ierror)
    integer, intent(in) :: info
    character(len=*), intent(in) :: key
    integer, intent(inout) :: buflen
    character(len=*), intent(out) :: value
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_get_valuelen(info, key, valuelen, flag, ierror)
    integer, intent(in) :: info
    character(len=*), intent(in) :: key
    integer, intent(out) :: valuelen
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Info_get_nthkey(info, n, key, ierror)
    integer, intent(in) :: info
    integer, intent(in) :: n
    character(len=*), intent(out) :: key
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Op_create(user_fn, commute, op, ierror)
    external :: user_fn
    logical, intent(in) :: commute
    integer, intent(out) :: op
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_create_errhandler(handler_fn, errhandler, ierror)
    external :: handler_fn
    integer, intent(out) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_create_keyval(copy_fn, delete_fn, keyval, extra_state, ierror)
    import MPI_ADDRESS_KIND
    external :: copy_fn
    external :: delete_fn
    integer, intent(out) :: keyval
    integer(MPI_ADDRESS_KIND), intent(in) :: extra_state
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_free_keyval(keyval, ierror)
    integer, intent(inout) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_set_attr(comm, keyval, value, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: comm
    integer, intent(in) :: keyval
    integer(MPI_ADDRESS_KIND), intent(in) :: value
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_get_attr(comm, keyval, value, flag, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: comm
    integer, intent(in) :: keyval
    integer(MPI_ADDRESS_KIND), intent(out) :: value
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Comm_delete_attr(comm, keyval, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_create_keyval(copy_fn, delete_fn, keyval, extra_state, ierror)
    import MPI_ADDRESS_KIND
    external :: copy_fn
    external :: delete_fn
    integer, intent(out) :: keyval
    integer(MPI_ADDRESS_KIND), intent(in) :: extra_state
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_free_keyval(keyval, ierror)
    integer, intent(inout) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_set_attr(datatype, keyval, value, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: datatype
    integer, intent(in) :: keyval
    integer(MPI_ADDRESS_KIND), intent(in) :: value
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_get_attr(datatype, keyval, value, flag, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: datatype
    integer, intent(in) :: keyval
    integer(MPI_ADDRESS_KIND), intent(out) :: value
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Type_delete_attr(datatype, keyval, ierror)
    integer, intent(in) :: datatype
    integer, intent(in) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Keyval_create(copy_fn, delete_fn, keyval, extra_state, ierror)
    external :: copy_fn
    external :: delete_fn
    integer, intent(out) :: keyval
    integer, intent(in) :: extra_state
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Keyval_free(keyval, ierror)
    integer, intent(inout) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Attr_put(comm, keyval, value, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: keyval
    integer, intent(in) :: value
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Attr_get(comm, keyval, value, flag, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: keyval
    integer, intent(out) :: value
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Attr_delete(comm, keyval, ierror)
    integer, intent(in) :: comm
    integer, intent(in) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_create(base, size, disp_unit, info, comm, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: base
    type(*), dimension(*) :: base
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(in) :: disp_unit
    integer, intent(in) :: info
    integer, intent(in) :: comm
    integer, intent(out) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_create_dynamic(info, comm, win, ierror)
    integer, intent(in) :: info
    integer, intent(in) :: comm
    integer, intent(out) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_attach(win, base, size, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: win
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: base
    type(*), dimension(*) :: base
    integer(MPI_ADDRESS_KIND), intent(in) :: size
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_detach(win, base, ierror)
    integer, intent(in) :: win
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: base
    type(*), dimension(*) :: base
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_free(win, ierror)
    integer, intent(inout) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_get_group(win, group, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: group
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_set_info(win, info, ierror)
    integer, intent(in) :: win
    integer, intent(in) :: info
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_get_info(win, info, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: info
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Put(origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count, &
      target_datatype, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get(origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count, &
      target_datatype, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Accumulate(origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count, &
      target_datatype, op, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: op
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Get_accumulate(origin_addr, origin_count, origin_datatype, result_addr, result_count, &
      result_datatype, target_rank, target_disp, target_count, target_datatype, op, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: result_addr
    type(*), dimension(*) :: result_addr
    integer, intent(in) :: result_count
    integer, intent(in) :: result_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: op
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Fetch_and_op(origin_addr, result_addr, datatype, target_rank, target_disp, op, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: result_addr
    type(*), dimension(*) :: result_addr
    integer, intent(in) :: datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: op
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Compare_and_swap(origin_addr, compare_addr, result_addr, datatype, target_rank, target_disp, win, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: compare_addr
    type(*), dimension(*) :: compare_addr
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: result_addr
    type(*), dimension(*) :: result_addr
    integer, intent(in) :: datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Rput(origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count, &
      target_datatype, win, request, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: win
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Rget(origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count, &
      target_datatype, win, request, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: win
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Raccumulate(origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count, &
      target_datatype, op, win, request, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: op
    integer, intent(in) :: win
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Rget_accumulate(origin_addr, origin_count, origin_datatype, result_addr, result_count, &
      result_datatype, target_rank, target_disp, target_count, target_datatype, op, win, request, ierror)
    import MPI_ADDRESS_KIND
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: origin_addr
    type(*), dimension(*) :: origin_addr
    integer, intent(in) :: origin_count
    integer, intent(in) :: origin_datatype
    !GCC$ ATTRIBUTES NO_ARG_CHECK :: result_addr
    type(*), dimension(*) :: result_addr
    integer, intent(in) :: result_count
    integer, intent(in) :: result_datatype
    integer, intent(in) :: target_rank
    integer(MPI_ADDRESS_KIND), intent(in) :: target_disp
    integer, intent(in) :: target_count
    integer, intent(in) :: target_datatype
    integer, intent(in) :: op
    integer, intent(in) :: win
    integer, intent(out) :: request
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_fence(assert, win, ierror)
    integer, intent(in) :: assert
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_start(group, assert, win, ierror)
    integer, intent(in) :: group
    integer, intent(in) :: assert
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_complete(win, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_post(group, assert, win, ierror)
    integer, intent(in) :: group
    integer, intent(in) :: assert
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_wait(win, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_test(win, flag, ierror)
    integer, intent(in) :: win
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_lock(lock_type, rank, assert, win, ierror)
    integer, intent(in) :: lock_type
    integer, intent(in) :: rank
    integer, intent(in) :: assert
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_unlock(rank, win, ierror)
    integer, intent(in) :: rank
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_lock_all(assert, win, ierror)
    integer, intent(in) :: assert
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_unlock_all(win, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_flush(rank, win, ierror)
    integer, intent(in) :: rank
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_flush_all(win, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_flush_local(rank, win, ierror)
    integer, intent(in) :: rank
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_flush_local_all(win, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_sync(win, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_set_name(win, name, ierror)
    integer, intent(in) :: win
    character(len=*), intent(in) :: name
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_get_name(win, name, resultlen, ierror)
    integer, intent(in) :: win
    character(len=*), intent(out) :: name
    integer, intent(out) :: resultlen
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_set_errhandler(win, errhandler, ierror)
    integer, intent(in) :: win
    integer, intent(in) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_get_errhandler(win, errhandler, ierror)
    integer, intent(in) :: win
    integer, intent(out) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_call_errhandler(win, errorcode, ierror)
    integer, intent(in) :: win
    integer, intent(in) :: errorcode
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_create_errhandler(handler_fn, errhandler, ierror)
    external :: handler_fn
    integer, intent(out) :: errhandler
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_create_keyval(copy_fn, delete_fn, keyval, extra_state, ierror)
    import MPI_ADDRESS_KIND
    external :: copy_fn
    external :: delete_fn
    integer, intent(out) :: keyval
    integer(MPI_ADDRESS_KIND), intent(in) :: extra_state
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_free_keyval(keyval, ierror)
    integer, intent(inout) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_set_attr(win, keyval, value, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: win
    integer, intent(in) :: keyval
    integer(MPI_ADDRESS_KIND), intent(in) :: value
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_get_attr(win, keyval, value, flag, ierror)
    import MPI_ADDRESS_KIND
    integer, intent(in) :: win
    integer, intent(in) :: keyval
    integer(MPI_ADDRESS_KIND), intent(out) :: value
    logical, intent(out) :: flag
    integer, intent(out) :: ierror
  end subroutine
  subroutine MPI_Win_delete_attr(win, keyval, ierror)
    integer, intent(in) :: win
    integer, intent(in) :: keyval
    integer, intent(out) :: ierror
  end subroutine
  end interface

  external :: MPI_NULL_COPY_FN, MPI_NULL_DELETE_FN, MPI_DUP_FN
  external :: MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, MPI_COMM_DUP_FN
  external :: MPI_TYPE_NULL_COPY_FN, MPI_TYPE_NULL_DELETE_FN, MPI_TYPE_DUP_FN
  external :: MPI_WIN_NULL_COPY_FN, MPI_WIN_NULL_DELETE_FN, MPI_WIN_DUP_FN

  ! Bytes of a variable, or of an element of an array.
  interface MPI_Sizeof
    module procedure sizeof_integer1, sizeof_integer2, sizeof_integer4, sizeof_integer8
    module procedure sizeof_integer16, sizeof_real4, sizeof_real8, sizeof_real10
    module procedure sizeof_real16, sizeof_complex4, sizeof_complex8, sizeof_complex10
    module procedure sizeof_complex16, sizeof_logical1, sizeof_logical2, sizeof_logical4
    module procedure sizeof_logical8
  end interface
  private :: sizeof_integer1, sizeof_integer2, sizeof_integer4, sizeof_integer8, &
    sizeof_integer16, sizeof_real4, sizeof_real8, sizeof_real10, &
    sizeof_real16, sizeof_complex4, sizeof_complex8, sizeof_complex10, &
    sizeof_complex16, sizeof_logical1, sizeof_logical2, sizeof_logical4, &
    sizeof_logical8

contains

  subroutine sizeof_integer1(x, size, ierror)
    integer(1), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_integer2(x, size, ierror)
    integer(2), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_integer4(x, size, ierror)
    integer(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_integer8(x, size, ierror)
    integer(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_integer16(x, size, ierror)
    integer(16), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_real4(x, size, ierror)
    real(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_real8(x, size, ierror)
    real(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_real10(x, size, ierror)
    real(10), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_real16(x, size, ierror)
    real(16), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_complex4(x, size, ierror)
    complex(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_complex8(x, size, ierror)
    complex(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_complex10(x, size, ierror)
    complex(10), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_complex16(x, size, ierror)
    complex(16), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_logical1(x, size, ierror)
    logical(1), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_logical2(x, size, ierror)
    logical(2), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_logical4(x, size, ierror)
    logical(4), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine

  subroutine sizeof_logical8(x, size, ierror)
    logical(8), dimension(..), intent(in) :: x
    integer, intent(out) :: size, ierror
    size = storage_size(x) / 8
    ierror = MPI_SUCCESS
  end subroutine
end module
