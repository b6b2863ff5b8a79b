//! Communicators (MPI 5.0, sections 7.4 to 7.6), but for the calls with text or callbacks.

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::comm::*;

type Comm = In<MPI_Comm>;
type NewComm = Out<MPI_Comm>;

fortran! {
    mpi_comm_size = MPI_Comm_size(comm: Comm, size: IntOut);
    mpi_comm_rank = MPI_Comm_rank(comm: Comm, rank: IntOut);
    mpi_comm_compare = MPI_Comm_compare(comm1: Comm, comm2: Comm, result: IntOut);
    mpi_comm_dup = MPI_Comm_dup(comm: Comm, newcomm: NewComm);
    mpi_comm_dup_with_info = MPI_Comm_dup_with_info(comm: Comm, info: In<MPI_Info>, newcomm: NewComm);
    mpi_comm_create = MPI_Comm_create(comm: Comm, group: In<MPI_Group>, newcomm: NewComm);
    mpi_comm_create_group = MPI_Comm_create_group(comm: Comm, group: In<MPI_Group>, tag: Int, newcomm: NewComm);
    mpi_comm_split = MPI_Comm_split(comm: Comm, color: Int, key: Int, newcomm: NewComm);
    mpi_comm_split_type = MPI_Comm_split_type(comm: Comm, split_type: Int, key: Int, info: In<MPI_Info>, newcomm: NewComm);
    mpi_comm_free = MPI_Comm_free(comm: Out<MPI_Comm>);
    mpi_comm_group = MPI_Comm_group(comm: Comm, group: Out<MPI_Group>);
    mpi_comm_test_inter = MPI_Comm_test_inter(comm: Comm, flag: IntOut);
    mpi_comm_remote_size = MPI_Comm_remote_size(comm: Comm, size: IntOut);
    mpi_comm_remote_group = MPI_Comm_remote_group(comm: Comm, group: Out<MPI_Group>);
    mpi_comm_set_info = MPI_Comm_set_info(comm: Comm, info: In<MPI_Info>);
    mpi_comm_get_info = MPI_Comm_get_info(comm: Comm, info: Out<MPI_Info>);
}
