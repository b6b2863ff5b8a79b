//! Graphs of processes.

use super::reorder::Link;
use crate::abi::{MPI_ERR_ARG, MPI_ERR_RANK, MPI_ERR_TOPOLOGY};
use crate::error::{Result, err};

/// A graph known to all: `index[i]` is the number of edges of the processes 0 to `i`, `edges` their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Running sum of degrees.
    pub index: Vec<i32>,
    /// Neighbours, process after process.
    pub edges: Vec<i32>,
}

impl Graph {
    /// Checks and takes a graph of `index.len()` processes.
    pub fn new(index: &[i32], edges: &[i32], available: usize) -> Result<Self> {
        if index.len() > available {
            let text = format!("a graph of {} in a communicator of size {available}", index.len());
            return err(MPI_ERR_ARG, text);
        }
        let rising = index.iter().zip(index.iter().skip(1)).all(|(a, b)| a <= b);
        if !rising || index.first().is_some_and(|i| *i < 0) {
            return err(MPI_ERR_TOPOLOGY, "the index array of a graph must rise from 0 or more");
        }
        let count = index.last().map_or(0, |last| *last as usize);
        let Some(edges) = edges.get(..count) else {
            return err(MPI_ERR_TOPOLOGY, format!("the graph has {} of {count} edges", edges.len()));
        };
        if let Some(bad) = edges.iter().find(|e| **e < 0 || **e as usize >= index.len()) {
            return err(MPI_ERR_TOPOLOGY, format!("edge to {bad} in a graph of {} processes", index.len()));
        }
        Ok(Self { index: index.to_vec(), edges: edges.to_vec() })
    }

    /// The neighbours of a process.
    pub fn neighbors(&self, rank: i32) -> Result<&[i32]> {
        let Some(end) = usize::try_from(rank).ok().and_then(|r| self.index.get(r)) else {
            return err(MPI_ERR_RANK, format!("invalid rank {rank} in a graph of size {}", self.index.len()));
        };
        let start = if rank == 0 { 0 } else { self.index[rank as usize - 1] };
        Ok(&self.edges[start as usize..*end as usize])
    }

    /// The edges, which all weigh the same.
    pub fn links(&self) -> Vec<Link> {
        let starts = std::iter::once(0).chain(self.index.iter().copied());
        let of_node = |(node, (start, end)): (usize, (i32, &i32))| {
            self.edges[start as usize..*end as usize].iter().map(move |other| (node, *other as usize, 1))
        };
        starts.zip(&self.index).enumerate().flat_map(of_node).collect()
    }
}

/// Source, destination and weight.
pub type Edge = [i32; 3];

/// An edge as one of its ends tells it: that node, the other one, the weight, and 1 if it leads to the other, else 0.
pub type Told = [i32; 4];

/// The edges of one process.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DistGraph {
    /// Edges into this process: whence and with which weight.
    pub sources: Vec<(i32, i32)>,
    /// Edges out of this process: where to and with which weight.
    pub destinations: Vec<(i32, i32)>,
    /// Whether the weights mean anything.
    pub weighted: bool,
}

impl DistGraph {
    /// Picks the edges of `rank`, in the order in which they were named.
    pub fn from_edges(rank: i32, edges: &[Edge], weighted: bool) -> Self {
        let sources = edges.iter().filter(|e| e[1] == rank).map(|e| (e[0], e[2])).collect();
        let destinations = edges.iter().filter(|e| e[0] == rank).map(|e| (e[1], e[2])).collect();
        Self { sources, destinations, weighted }
    }

    /// What the process of that rank tells others of its edges.
    pub fn told_by(&self, rank: usize) -> Vec<Told> {
        let told = |leads_to| move |&(other, weight): &(i32, i32)| [rank as i32, other, weight, leads_to];
        self.sources.iter().map(told(0)).chain(self.destinations.iter().map(told(1))).collect()
    }

    /// Picks the edges of `rank`, in the order in which it told of them.
    pub fn from_told(rank: i32, all: &[Told], weighted: bool) -> Self {
        let pick = |leads_to| {
            let own = all.iter().filter(move |told| told[0] == rank && told[3] == leads_to);
            own.map(|told| (told[1], told[2])).collect()
        };
        Self { sources: pick(0), destinations: pick(1), weighted }
    }

    /// Fails unless all neighbours are in a communicator of `size`.
    pub fn check(&self, size: usize) -> Result<()> {
        let edges: Vec<Edge> =
            self.sources.iter().chain(&self.destinations).map(|e| [e.0, e.0, e.1]).collect();
        check_edges(&edges, size)
    }
}

/// Fails unless both ends of all edges are in a communicator of `size` and no weight is negative.
pub fn check_edges(edges: &[Edge], size: usize) -> Result<()> {
    for [from, to, weight] in edges {
        if [from, to].iter().any(|r| **r < 0 || **r as usize >= size) {
            return err(MPI_ERR_RANK, format!("edge from {from} to {to} in a communicator of size {size}"));
        }
        if *weight < 0 {
            return err(MPI_ERR_ARG, format!("negative weight {weight}"));
        }
    }
    Ok(())
}

/// Edges as an order of ranks is found by them.
pub fn links(edges: &[Edge]) -> Vec<Link> {
    edges.iter().map(|[from, to, weight]| (*from as usize, *to as usize, *weight as u64)).collect()
}

/// The same of edges that both ends tell of: the one that they lead from counts.
pub fn links_told(all: &[Told]) -> Vec<Link> {
    let leading = all.iter().filter(|told| told[3] == 1).map(|told| [told[0], told[1], told[2]]);
    links(&leading.collect::<Vec<_>>())
}
