//! Collective communication (MPI 5.0, chapter 6).

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::coll::*;

type Type = In<MPI_Datatype>;
type Comm = In<MPI_Comm>;
type Op = In<MPI_Op>;

fortran! {
    mpi_barrier = MPI_Barrier(comm: Comm);
    mpi_bcast = MPI_Bcast(buffer: Buffer, count: Int, datatype: Type, root: Int, comm: Comm);
    mpi_gather = MPI_Gather(sendbuf: SendBuffer, sendcount: Int, sendtype: Type, recvbuf: Buffer, recvcount: Int, recvtype: Type, root: Int, comm: Comm);
    mpi_gatherv = MPI_Gatherv(sendbuf: SendBuffer, sendcount: Int, sendtype: Type, recvbuf: Buffer, recvcounts: Ints, displs: Ints, recvtype: Type, root: Int, comm: Comm);
    mpi_scatter = MPI_Scatter(sendbuf: SendBuffer, sendcount: Int, sendtype: Type, recvbuf: Buffer, recvcount: Int, recvtype: Type, root: Int, comm: Comm);
    mpi_scatterv = MPI_Scatterv(sendbuf: SendBuffer, sendcounts: Ints, displs: Ints, sendtype: Type, recvbuf: Buffer, recvcount: Int, recvtype: Type, root: Int, comm: Comm);
    mpi_allgather = MPI_Allgather(sendbuf: SendBuffer, sendcount: Int, sendtype: Type, recvbuf: Buffer, recvcount: Int, recvtype: Type, comm: Comm);
    mpi_allgatherv = MPI_Allgatherv(sendbuf: SendBuffer, sendcount: Int, sendtype: Type, recvbuf: Buffer, recvcounts: Ints, displs: Ints, recvtype: Type, comm: Comm);
    mpi_alltoall = MPI_Alltoall(sendbuf: SendBuffer, sendcount: Int, sendtype: Type, recvbuf: Buffer, recvcount: Int, recvtype: Type, comm: Comm);
    mpi_alltoallv = MPI_Alltoallv(
        sendbuf: SendBuffer, sendcounts: Ints, sdispls: Ints, sendtype: Type,
        recvbuf: Buffer, recvcounts: Ints, rdispls: Ints, recvtype: Type, comm: Comm,
    );
    mpi_reduce = MPI_Reduce(sendbuf: SendBuffer, recvbuf: Buffer, count: Int, datatype: Type, op: Op, root: Int, comm: Comm);
    mpi_allreduce = MPI_Allreduce(sendbuf: SendBuffer, recvbuf: Buffer, count: Int, datatype: Type, op: Op, comm: Comm);
    mpi_reduce_scatter = MPI_Reduce_scatter(sendbuf: SendBuffer, recvbuf: Buffer, recvcounts: Ints, datatype: Type, op: Op, comm: Comm);
    mpi_reduce_scatter_block = MPI_Reduce_scatter_block(sendbuf: SendBuffer, recvbuf: Buffer, recvcount: Int, datatype: Type, op: Op, comm: Comm);
    mpi_scan = MPI_Scan(sendbuf: SendBuffer, recvbuf: Buffer, count: Int, datatype: Type, op: Op, comm: Comm);
    mpi_exscan = MPI_Exscan(sendbuf: SendBuffer, recvbuf: Buffer, count: Int, datatype: Type, op: Op, comm: Comm);
}
