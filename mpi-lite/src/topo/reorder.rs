//! Which process gets which rank of a topology, where some processes are nearer to each other than others?
//!
//! What counts is the sum over all edges of weight times distance of the places ([`Place::distance`]). All ranks compute the
//! same from the same data, without a message, so nothing here may depend on time, chance or rounding.
//!
//! | file | question |
//! |---|---|
//! | [`tree`] | how is a network laid over the tree of places? |
//! | [`blocks`] | into which blocks is a grid cut? |
//! | [`halves`] | how are nodes divided in two halves? |
//! | [`network`] | who talks to whom, and how much? |

mod blocks;
mod halves;
mod network;
mod tree;

use super::Cart;
use crate::platform::places::Place;
use blocks::Block;
use halves::Effort;
pub use network::Link;
use network::Network;
use tree::Layout;

/// Edges that are looked at to find an order, at most: 0.2 s for a grid of 4096 ranks, 0.8 s for as many with ten neighbours each
/// at random, by `tools/cargo test --release -p unirank-mpi thousands_of_ranks -- --nocapture`.
const EFFORT: u64 = 2 << 20;

/// Of each of the `nodes` of a topology the process that takes it, by its number in `places`: the first ones in their order
/// unless another order is cheaper. Processes that are too many get no node; these are the last, unless leaving out others
/// is cheaper.
pub fn order(places: &[Place], nodes: usize, links: &[Link], grid: Option<&Cart>) -> Vec<usize> {
    let network = Network::new(nodes, links);
    let cost = |order: &[usize]| network.sum(|a, b| places[order[a]].distance(&places[order[b]]));
    let mut best: Vec<usize> = (0..nodes).collect();
    let mut least = cost(&best);
    let grid = grid.map(Block::whole);
    let is_all = places.len() == nodes;
    let mut offer = |candidates: usize| {
        // Nodes beyond the topology, which nobody talks to, take the processes that are left over.
        let padded = Network::new(candidates, links);
        let effort = Effort::new(if is_all { EFFORT } else { EFFORT / 2 });
        let mut found = Layout::find(&padded, &places[..candidates], grid.as_ref(), &effort);
        found.truncate(nodes);
        let cost = cost(&found);
        if cost < least {
            (least, best) = (cost, found);
        }
    };
    offer(nodes);
    if !is_all {
        offer(places.len());
    }
    best
}

#[cfg(test)]
mod tests;
