//! Process topologies: grids and graphs of processes (MPI 5.0, chapter 8).
//!
//! A program that lets ranks be reordered gets an order in which neighbours are near to each other, as far as it is known
//! where ranks run: [`reorder`] finds it. Where the launcher tells of no differences, ranks stay as they are.
//!
//! Rank i of a topology has the neighbours that were told of i, whichever process that is.

pub mod cart;
pub mod dims;
pub mod graph;
pub mod neighbors;
pub mod reorder;

pub use cart::Cart;
pub use graph::{DistGraph, Graph};
pub use neighbors::Neighbors;

use crate::abi::{MPI_CART, MPI_DIST_GRAPH, MPI_ERR_INTERN, MPI_ERR_TOPOLOGY, MPI_GRAPH, MPI_UNDEFINED};
use crate::comm::{Comm, create, publish};
use crate::error::{Result, err};
use crate::group::Group;
use crate::platform::places::{self, Place};
use reorder::Link;
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

/// The place of each process of `comm`; none if they are all the same.
fn places(comm: &Comm) -> Result<Option<Vec<Place>>> {
    let all = comm.group().members().iter().map(|world| places::of(*world)).collect::<Result<Vec<_>>>()?;
    Ok(all.iter().any(|place| *place != all[0]).then_some(all))
}

/// Of each node of a topology the process that takes it, by its rank in `comm`: as they are, or in a better order if there
/// may be another.
fn order(
    comm: &Comm,
    nodes: usize,
    reorder: bool,
    links: impl FnOnce() -> Vec<Link>,
    grid: Option<&Cart>,
) -> Result<Vec<usize>> {
    match places(comm)?.filter(|_| reorder) {
        Some(places) => Ok(reorder::order(&places, nodes, &links(), grid)),
        None => Ok((0..nodes).collect()),
    }
}

/// A communicator with `topology` of the processes in `order`; none on the others. Collective.
fn with_order(comm: &Comm, order: &[usize], topology: Topology) -> Result<Option<Rc<Comm>>> {
    let members = order.iter().map(|&rank| comm.group().members()[rank]).collect();
    let new = create::derive(comm, (!order.is_empty()).then(|| Group::new(members)))?;
    new.map(|new| publish(new.with_topology(topology))).transpose()
}

/// The rank that a process has in an order.
fn place_in(order: &[usize], rank: usize) -> Option<usize> {
    order.iter().position(|other| *other == rank)
}

fn cart_order(comm: &Comm, cart: &Cart, reorder: bool) -> Result<Vec<usize>> {
    comm.require_intra()?;
    cart.check_fits(comm.size())?;
    order(comm, cart.size(), reorder, || cart.links(), Some(cart))
}

/// `MPI_Cart_create`. Collective.
pub fn cart_create(comm: &Comm, cart: Cart, reorder: bool) -> Result<Option<Rc<Comm>>> {
    let order = cart_order(comm, &cart, reorder)?;
    with_order(comm, &order, Topology::Cart(cart))
}

/// `MPI_Cart_map`: the rank that this process gets from [`cart_create`], if ranks may be reordered.
pub fn cart_map(comm: &Comm, cart: &Cart) -> Result<Option<usize>> {
    Ok(place_in(&cart_order(comm, cart, true)?, comm.rank()))
}

/// `MPI_Cart_sub`: the grids that are left when only the dimensions with `keep` vary. Collective.
pub fn cart_sub(comm: &Comm, keep: &[bool]) -> Result<Rc<Comm>> {
    let (cart, color, key) = cart(comm)?.sub(comm.rank(), keep);
    match create::split_unpublished(comm, color, key)? {
        Some(new) => publish(new.with_topology(Topology::Cart(cart))),
        None => err(MPI_ERR_TOPOLOGY, "no grid is left for this process"),
    }
}

fn graph_order(comm: &Comm, graph: &Graph, reorder: bool) -> Result<Vec<usize>> {
    order(comm, graph.index.len(), reorder, || graph.links(), None)
}

/// `MPI_Graph_create`. Collective.
pub fn graph_create(comm: &Comm, index: &[i32], edges: &[i32], reorder: bool) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    let graph = Graph::new(index, edges, comm.size())?;
    let order = graph_order(comm, &graph, reorder)?;
    with_order(comm, &order, Topology::Graph(graph))
}

/// `MPI_Graph_map`: the rank that this process gets from [`graph_create`], if ranks may be reordered.
pub fn graph_map(comm: &Comm, index: &[i32], edges: &[i32]) -> Result<Option<usize>> {
    comm.require_intra()?;
    let graph = Graph::new(index, edges, comm.size())?;
    Ok(place_in(&graph_order(comm, &graph, true)?, comm.rank()))
}

/// `MPI_Dist_graph_create_adjacent`. Collective.
pub fn dist_graph_create_adjacent(
    comm: &Comm,
    mut graph: DistGraph,
    reorder: bool,
) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    graph.check(comm.size())?;
    let mut order: Vec<usize> = (0..comm.size()).collect();
    if let Some(places) = places(comm)?.filter(|_| reorder) {
        // This process may take over what another one said.
        let all = crate::coll::allgather_lists(comm, &graph.told_by(comm.rank()))?;
        order = reorder::order(&places, comm.size(), &graph::links_told(&all), None);
        graph = DistGraph::from_told(rank_in(&order, comm)?, &all, graph.weighted);
    }
    with_order(comm, &order, Topology::DistGraph(graph))
}

/// `MPI_Dist_graph_create`: each process names some edges, of any processes. Collective.
pub fn dist_graph_create(
    comm: &Comm,
    edges: &[graph::Edge],
    weighted: bool,
    reorder: bool,
) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    graph::check_edges(edges, comm.size())?;
    let all = crate::coll::allgather_lists(comm, edges)?;
    let order = order(comm, comm.size(), reorder, || graph::links(&all), None)?;
    let graph = DistGraph::from_edges(rank_in(&order, comm)?, &all, weighted);
    with_order(comm, &order, Topology::DistGraph(graph))
}

/// The rank of this process in an order of all processes.
fn rank_in(order: &[usize], comm: &Comm) -> Result<i32> {
    match place_in(order, comm.rank()) {
        Some(rank) => Ok(rank as i32),
        None => err(MPI_ERR_INTERN, "a process has no place among the reordered ranks"),
    }
}

#[cfg(test)]
mod tests;
