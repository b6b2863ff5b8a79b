//! Process topologies: grids and graphs of processes (MPI 5.0, chapter 8).
//!
//! Ranks are never reordered: every way between two ranks is equally long.

pub mod cart;
pub mod dims;
pub mod graph;
pub mod neighbors;

pub use cart::Cart;
pub use graph::{DistGraph, Graph};
pub use neighbors::Neighbors;

use crate::abi::{MPI_CART, MPI_DIST_GRAPH, MPI_ERR_TOPOLOGY, MPI_GRAPH, MPI_UNDEFINED};
use crate::comm::{Comm, create, publish};
use crate::error::{Result, err};
use crate::group::Group;
use std::rc::Rc;

/// What was said about the neighbourhood of a communicator's processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// A grid.
    Cart(Cart),
    /// A graph which every process knows.
    Graph(Graph),
    /// A graph of which each process knows its own edges.
    DistGraph(DistGraph),
}

/// `MPI_Topo_test`.
pub fn kind(comm: &Comm) -> i32 {
    match comm.topology() {
        Some(Topology::Cart(_)) => MPI_CART,
        Some(Topology::Graph(_)) => MPI_GRAPH,
        Some(Topology::DistGraph(_)) => MPI_DIST_GRAPH,
        None => MPI_UNDEFINED,
    }
}

/// The grid of `comm`.
pub fn cart(comm: &Comm) -> Result<&Cart> {
    match comm.topology() {
        Some(Topology::Cart(cart)) => Ok(cart),
        _ => err(MPI_ERR_TOPOLOGY, format!("{} has no Cartesian topology", comm.describe())),
    }
}

/// The graph of `comm`.
pub fn graph(comm: &Comm) -> Result<&Graph> {
    match comm.topology() {
        Some(Topology::Graph(graph)) => Ok(graph),
        _ => err(MPI_ERR_TOPOLOGY, format!("{} has no graph topology", comm.describe())),
    }
}

/// The distributed graph of `comm`.
pub fn dist_graph(comm: &Comm) -> Result<&DistGraph> {
    match comm.topology() {
        Some(Topology::DistGraph(graph)) => Ok(graph),
        _ => err(MPI_ERR_TOPOLOGY, format!("{} has no distributed graph topology", comm.describe())),
    }
}

/// A communicator of the first `count` processes with `topology`; none on the others. Collective.
fn first_with(comm: &Comm, count: usize, topology: Topology) -> Result<Option<Rc<Comm>>> {
    let members = comm.group().members()[..count].to_vec();
    let new = create::derive(comm, (count > 0).then(|| Group::new(members)))?;
    new.map(|new| publish(new.with_topology(topology))).transpose()
}

/// `MPI_Cart_create`. Collective.
pub fn cart_create(comm: &Comm, dims: &[i32], periods: &[bool]) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    let cart = Cart::new(dims, periods)?;
    cart.check_fits(comm.size())?;
    first_with(comm, cart.size(), Topology::Cart(cart))
}

/// `MPI_Cart_sub`: the grids that are left when only the dimensions with `keep` vary. Collective.
pub fn cart_sub(comm: &Comm, keep: &[bool]) -> Result<Rc<Comm>> {
    let (cart, color, key) = cart(comm)?.sub(comm.rank(), keep);
    match create::split_unpublished(comm, color, key)? {
        Some(new) => publish(new.with_topology(Topology::Cart(cart))),
        None => err(MPI_ERR_TOPOLOGY, "no grid is left for this process"),
    }
}

/// `MPI_Graph_create`. Collective.
pub fn graph_create(comm: &Comm, index: &[i32], edges: &[i32]) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    let graph = Graph::new(index, edges, comm.size())?;
    first_with(comm, index.len(), Topology::Graph(graph))
}

/// `MPI_Dist_graph_create_adjacent`. Collective.
pub fn dist_graph_create_adjacent(comm: &Comm, graph: DistGraph) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    graph.check(comm.size())?;
    first_with(comm, comm.size(), Topology::DistGraph(graph))
}

/// `MPI_Dist_graph_create`: each process names some edges, of any processes. Collective.
pub fn dist_graph_create(comm: &Comm, edges: &[graph::Edge], weighted: bool) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    graph::check_edges(edges, comm.size())?;
    let all = crate::coll::allgather_lists(comm, edges)?;
    let graph = DistGraph::from_edges(comm.rank() as i32, &all, weighted);
    first_with(comm, comm.size(), Topology::DistGraph(graph))
}

#[cfg(test)]
mod tests;
