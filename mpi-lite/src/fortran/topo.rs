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
    mpi_dist_graph_create = MPI_Dist_graph_create(
        comm: Comm, n: Int, sources: Ints, degrees: Ints, destinations: Ints, weights: Weights, info: In<MPI_Info>, reorder: Int,
        newcomm: NewComm,
    );
    mpi_dist_graph_create_adjacent = MPI_Dist_graph_create_adjacent(
        comm: Comm, indegree: Int, sources: Ints, sourceweights: Weights, outdegree: Int, destinations: Ints, destweights: Weights,
        info: In<MPI_Info>, reorder: Int, newcomm: NewComm,
    );
    mpi_dist_graph_neighbors_count = MPI_Dist_graph_neighbors_count(comm: Comm, indegree: IntOut, outdegree: IntOut, weighted: IntOut);
    mpi_dist_graph_neighbors = MPI_Dist_graph_neighbors(
        comm: Comm, maxindegree: Int, sources: IntOut, sourceweights: WeightsOut, maxoutdegree: Int, destinations: IntOut,
        destweights: WeightsOut,
    );
    mpi_topo_test = MPI_Topo_test(comm: Comm, status: IntOut);
}
