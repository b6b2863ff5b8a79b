//! How is a network laid over the tree of places?
//!
//! From the outermost level inwards: the nodes are shared out among the packages, those of a package among its NUMA nodes,
//! and so on. An edge between two packages is as long wherever in these its ends are, so the levels can be gone through
//! one after the other.

use super::blocks::Block;
use super::halves::{Effort, divide};
use super::network::Network;
use crate::platform::places::{LEVELS, Place};

/// Lays a network over places.
pub struct Layout<'a> {
    network: &'a Network,
    places: &'a [Place],
    effort: &'a Effort,
    /// Of each node the process that takes it.
    processes: Vec<usize>,
}

impl<'a> Layout<'a> {
    /// Of each node of `network` the process that takes it, by its number in `places`, of which there are as many. The
    /// network may be that of a grid.
    pub fn find(
        network: &'a Network,
        places: &'a [Place],
        grid: Option<&Block>,
        effort: &'a Effort,
    ) -> Vec<usize> {
        let everyone: Vec<usize> = (0..network.len()).collect();
        let mut layout = Self { network, places, effort, processes: everyone.clone() };
        layout.fill(&everyone, &everyone, 0, grid);
        layout.processes
    }

    /// Gives each of the nodes to one of as many processes, which are in the same place as far as `level`. The nodes may be
    /// a block of a grid.
    fn fill(&mut self, nodes: &[usize], processes: &[usize], level: usize, block: Option<&Block>) {
        let groups = if level == LEVELS { Vec::new() } else { self.groups(processes, level) };
        if groups.iter().all(|group| group.len() == 1) {
            nodes.iter().zip(processes).for_each(|(&node, &process)| self.processes[node] = process);
            return;
        }
        if groups.len() == 1 {
            return self.fill(nodes, processes, level + 1, block);
        }
        let (shares, part) = self.share_out(nodes, &groups, block);
        for (nodes, group) in shares.iter().zip(&groups) {
            self.fill(nodes, group, level + 1, part.as_ref());
        }
    }

    /// The processes by where they are at a level. One of which nothing is known from there on is near to no other.
    fn groups(&self, processes: &[usize], level: usize) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &process in processes {
            let place = &self.places[process];
            let known = groups.iter_mut().find(|group| {
                let other = &self.places[group[0]];
                !place.ends_before(level) && !other.ends_before(level) && other.at(level) == place.at(level)
            });
            match known {
                Some(group) => group.push(process),
                None => groups.push(vec![process]),
            }
        }
        groups
    }

    /// Shares nodes out among groups: by blocks, in order or by halves of halves, whichever cuts least. With what the shares
    /// are blocks of.
    fn share_out(
        &self,
        nodes: &[usize],
        groups: &[Vec<usize>],
        block: Option<&Block>,
    ) -> (Vec<Vec<usize>>, Option<Block>) {
        let network = self.network.within(nodes);
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let equal = sizes.iter().all(|size| *size == sizes[0]);
        let blocks =
            block.filter(|block| equal && block.size() == nodes.len()).and_then(|block| block.cut(sizes[0]));
        let mut best: Option<(u64, Vec<Vec<usize>>, Option<Block>)> = None;
        let mut offer = |shares: Vec<Vec<usize>>, part| {
            let cut = cut(&network, &shares);
            if best.as_ref().is_none_or(|best| cut < best.0) {
                best = Some((cut, shares, part));
            }
        };
        if let Some((part, blocks)) = blocks {
            offer(blocks, Some(part));
        }
        offer(in_order(&sizes), None);
        let everyone: Vec<usize> = (0..nodes.len()).collect();
        offer(halves_of_halves(&network, &everyone, &sizes, self.effort), None);
        let (shares, part) = best.map(|(_, shares, part)| (shares, part)).unwrap_or_default();
        let named = shares.iter().map(|share| share.iter().map(|&number| nodes[number]).collect());
        (named.collect(), part)
    }
}

/// What the edges between shares weigh.
fn cut(network: &Network, shares: &[Vec<usize>]) -> u64 {
    let mut share_of = vec![0; network.len()];
    for (number, share) in shares.iter().enumerate() {
        share.iter().for_each(|&node| share_of[node] = number);
    }
    network.sum(|a, b| u64::from(share_of[a] != share_of[b]))
}

/// The first nodes to the first share, and so on.
fn in_order(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut next = 0;
    let share = |&size: &usize| {
        next += size;
        (next - size..next).collect()
    };
    sizes.iter().map(share).collect()
}

/// Divides nodes among the first half of the shares and the others, and these again.
fn halves_of_halves(network: &Network, nodes: &[usize], sizes: &[usize], effort: &Effort) -> Vec<Vec<usize>> {
    if sizes.len() == 1 {
        return vec![nodes.to_vec()];
    }
    let (left, right) = sizes.split_at(sizes.len() / 2);
    let first = divide(&network.within(nodes), left.iter().sum(), effort);
    let half = |wanted: bool| -> Vec<usize> {
        nodes.iter().zip(&first).filter(|(_, first)| **first == wanted).map(|(&node, _)| node).collect()
    };
    let mut shares = halves_of_halves(network, &half(true), left, effort);
    shares.extend(halves_of_halves(network, &half(false), right, effort));
    shares
}
