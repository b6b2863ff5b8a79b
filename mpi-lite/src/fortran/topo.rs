//! Process topologies (MPI 5.0, chapter 8).

use super::arguments::*;
use super::fortran;
use crate::abi::*;
use crate::c::topo::*;

type Comm = In<MPI_Comm>;
type NewComm = Out<MPI_Comm>;

fortran! {
    mpi_dims_create = MPI_Dims_create(nnodes: Int, ndims: Int, dims: IntOut);
    mpi_cart_create = MPI_Cart_create(comm: Comm, ndims: Int, dims: Ints, periods: Ints, reorder: Int, newcomm: NewComm);
    mpi_cartdim_get = MPI_Cartdim_get(comm: Comm, ndims: IntOut);
    mpi_cart_get = MPI_Cart_get(comm: Comm, maxdims: Int, dims: IntOut, periods: IntOut, coords: IntOut);
    mpi_cart_rank = MPI_Cart_rank(comm: Comm, coords: Ints, rank: IntOut);
    mpi_cart_coords = MPI_Cart_coords(comm: Comm, rank: Int, maxdims: Int, coords: IntOut);
    mpi_cart_shift = MPI_Cart_shift(comm: Comm, direction: Int, disp: Int, source: IntOut, dest: IntOut);
    mpi_cart_sub = MPI_Cart_sub(comm: Comm, remain: Ints, newcomm: NewComm);
    mpi_cart_map = MPI_Cart_map(comm: Comm, ndims: Int, dims: Ints, periods: Ints, newrank: IntOut);
    mpi_graph_create = MPI_Graph_create(comm: Comm, nnodes: Int, index: Ints, edges: Ints, reorder: Int, newcomm: NewComm);
    mpi_graphdims_get = MPI_Graphdims_get(comm: Comm, nnodes: IntOut, nedges: IntOut);
    mpi_graph_get = MPI_Graph_get(comm: Comm, maxindex: Int, maxedges: Int, index: IntOut, edges: IntOut);
    mpi_graph_neighbors_count = MPI_Graph_neighbors_count(comm: Comm, rank: Int, nneighbors: IntOut);
    mpi_graph_neighbors = MPI_Graph_neighbors(comm: Comm, rank: Int, maxneighbors: Int, neighbors: IntOut);
    mpi_graph_map = MPI_Graph_map(comm: Comm, nnodes: Int, index: Ints, edges: Ints, newrank: IntOut);
    mpi_topo_test = MPI_Topo_test(comm: Comm, status: IntOut);
}
