//! Who are a process's neighbours, in which order (MPI 5.0, section 8.7)?

use super::Topology;
use crate::abi::{MPI_ERR_TOPOLOGY, MPI_PROC_NULL};
use crate::comm::Comm;
use crate::error::{Result, err};

/// Ranks in a communicator; none is `MPI_PROC_NULL`.
type Ranks = Vec<Option<usize>>;

/// The neighbours of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbors {
    /// Who sends to it.
    pub sources: Ranks,
    /// To whom it sends.
    pub destinations: Ranks,
    /// Whether they are those of a grid: for each dimension the one below and the one above.
    in_grid: bool,
}

fn rank(number: i32) -> Option<usize> {
    if number == MPI_PROC_NULL { None } else { usize::try_from(number).ok() }
}

impl Neighbors {
    /// Those of this process in the topology of `comm`.
    pub fn of(comm: &Comm) -> Result<Self> {
        let me = comm.rank() as i32;
        match comm.topology() {
            Some(Topology::Cart(cart)) => {
                let mut all = Ranks::new();
                for dimension in 0..cart.dims().len() {
                    let (below, above) = cart.shift(me, dimension as i32, 1)?;
                    all.extend([rank(below), rank(above)]);
                }
                Ok(Self { sources: all.clone(), destinations: all, in_grid: true })
            }
            Some(Topology::Graph(graph)) => {
                let all: Ranks = graph.neighbors(me)?.iter().copied().map(rank).collect();
                Ok(Self { sources: all.clone(), destinations: all, in_grid: false })
            }
            Some(Topology::DistGraph(graph)) => {
                let ranks = |edges: &[(i32, i32)]| edges.iter().map(|edge| rank(edge.0)).collect();
                let (sources, destinations) = (ranks(&graph.sources), ranks(&graph.destinations));
                Ok(Self { sources, destinations, in_grid: false })
            }
            None => err(MPI_ERR_TOPOLOGY, format!("{} has no topology", comm.describe())),
        }
    }

    /// The places of the sources, in the order in which what they send comes when each sends to its destinations in order.
    /// What goes down in a dimension comes from above: where both are the same process, that is first.
    pub fn arrivals(&self) -> impl Iterator<Item = usize> {
        let turn = usize::from(self.in_grid);
        (0..self.sources.len()).map(move |place| place ^ turn)
    }
}
