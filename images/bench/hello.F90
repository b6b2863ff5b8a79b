! The smallest Fortran program that uses MPI, and with -DWITHOUT_MPI the same program without it.
program hello
#ifndef WITHOUT_MPI
    use mpi
#endif
    implicit none
    integer :: rank, ranks
#ifndef WITHOUT_MPI
    integer :: peer, greeting, ierror
    call mpi_init(ierror)
    call mpi_comm_rank(mpi_comm_world, rank, ierror)
    call mpi_comm_size(mpi_comm_world, ranks, ierror)
    if (rank == 0) then
        do peer = 1, ranks - 1
            call mpi_send(peer, 1, mpi_integer, peer, 0, mpi_comm_world, ierror)
        end do
    else
        call mpi_recv(greeting, 1, mpi_integer, 0, 0, mpi_comm_world, mpi_status_ignore, ierror)
    end if
#else
    rank = 0
    ranks = 1
#endif
    print *, 'rank', rank, 'of', ranks
#ifndef WITHOUT_MPI
    call mpi_finalize(ierror)
#endif
end program hello
