//! How are nodes divided in two halves of given sizes, so that the edges between these weigh little?
//!
//! A half grows from a node: always the one comes next that has the most to do with those that are in. Then pairs are
//! exchanged as Kernighan and Lin do: the best pair at each step, also where it makes things worse for a while, each node
//! once; and what did not pay in the end is undone. (B. Kernighan and S. Lin, "An efficient heuristic procedure for
//! partitioning graphs", 1970; with the moves of single nodes of C. Fiduccia and R. Mattheyses, 1982.)

use super::network::Network;
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Exchanges in a row that may fail to pay.
const PATIENCE: usize = 64;

/// How many edges may still be looked at: it bounds the time, and is the same on all ranks.
#[derive(Debug)]
pub struct Effort(Cell<u64>);

impl Effort {
    /// Looking at so many edges.
    pub fn new(edges: u64) -> Self {
        Self(Cell::new(edges))
    }

    fn spend(&self, edges: usize) {
        self.0.set(self.0.get().saturating_sub(edges as u64));
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// Of each node, whether it belongs to the first half, which has `size` nodes.
pub fn divide(network: &Network, size: usize, effort: &Effort) -> Vec<bool> {
    let in_order = (0..network.len()).map(|node| node < size).collect();
    let mut best = Halves::new(network, in_order);
    best.refine(effort);
    let Some(seed) = (0..network.len()).find(|node| !network.of(*node).is_empty()) else { return best.first };
    // Either half may be the one that what belongs together fits into.
    let other = farthest(network, seed);
    for (seed, of_first) in [(seed, true), (other, false), (other, true), (seed, false)] {
        if best.cut == 0 || effort.is_spent() {
            break;
        }
        let grown = grow(network, seed, if of_first { size } else { network.len() - size }, effort);
        let mut other = Halves::new(network, grown.into_iter().map(|is_in| is_in == of_first).collect());
        other.refine(effort);
        if other.cut < best.cut {
            best = other;
        }
    }
    best.first
}

/// The last of the nodes that are reached from `start`, step by step.
fn farthest(network: &Network, start: usize) -> usize {
    let mut seen = vec![false; network.len()];
    let mut reached = vec![start];
    seen[start] = true;
    let mut next = 0;
    while let Some(&node) = reached.get(next) {
        next += 1;
        for &(other, _) in network.of(node) {
            if !std::mem::replace(&mut seen[other], true) {
                reached.push(other);
            }
        }
    }
    reached[reached.len() - 1]
}

/// Of each node, whether it is among `size` nodes that are grown from `seed`.
fn grow(network: &Network, seed: usize, size: usize, effort: &Effort) -> Vec<bool> {
    let mut is_in = vec![false; network.len()];
    let mut pull = vec![0; network.len()];
    let mut waiting: BTreeSet<_> = (0..network.len()).map(|node| (0, Reverse(node))).collect();
    let mut next = Some(seed);
    for _ in 0..size {
        let Some(node) = next.or_else(|| waiting.last().map(|(_, Reverse(node))| *node)) else { break };
        next = None;
        waiting.remove(&(pull[node], Reverse(node)));
        is_in[node] = true;
        effort.spend(network.of(node).len());
        for &(other, weight) in network.of(node) {
            if waiting.remove(&(pull[other], Reverse(other))) {
                pull[other] += weight;
                waiting.insert((pull[other], Reverse(other)));
            }
        }
    }
    is_in
}

struct Halves<'a> {
    network: &'a Network,
    /// Of each node, whether it is in the first half.
    first: Vec<bool>,
    /// What would be won if the node changed sides alone.
    gain: Vec<i64>,
    /// What the edges between the halves weigh.
    cut: i64,
    /// The nodes that may still move, of the second and the first half, by gain and then by number.
    free: [BTreeSet<(i64, Reverse<usize>)>; 2],
}

impl<'a> Halves<'a> {
    fn new(network: &'a Network, first: Vec<bool>) -> Self {
        let signed = |node: usize, &(other, weight): &(usize, u64)| {
            if first[node] == first[other] { -(weight as i64) } else { weight as i64 }
        };
        let gain =
            (0..network.len()).map(|node| network.of(node).iter().map(|link| signed(node, link)).sum());
        let gain = gain.collect();
        let cut = network.sum(|a, b| u64::from(first[a] != first[b])) as i64;
        Self { network, first, gain, cut, free: [BTreeSet::new(), BTreeSet::new()] }
    }

    /// Moves a node to the other half.
    fn switch(&mut self, node: usize, effort: &Effort) {
        let network = self.network;
        effort.spend(network.of(node).len());
        self.cut -= self.gain[node];
        self.gain[node] = -self.gain[node];
        self.first[node] = !self.first[node];
        for &(other, weight) in network.of(node) {
            let change = 2 * weight as i64;
            let new = self.gain[other] + if self.first[other] == self.first[node] { -change } else { change };
            let old = std::mem::replace(&mut self.gain[other], new);
            let free = &mut self.free[usize::from(self.first[other])];
            if free.remove(&(old, Reverse(other))) {
                free.insert((new, Reverse(other)));
            }
        }
    }

    /// Moves the node of a half that wins most, which then stays.
    fn switch_best(&mut self, of_first: bool, effort: &Effort) -> Option<usize> {
        let (_, Reverse(node)) = self.free[usize::from(of_first)].pop_last()?;
        self.switch(node, effort);
        Some(node)
    }

    /// Exchanges pairs as long as that pays.
    fn refine(&mut self, effort: &Effort) {
        while !effort.is_spent() && self.cut > 0 && self.pass(effort) {}
    }

    /// Lets each node move once. Says whether that won anything.
    fn pass(&mut self, effort: &Effort) -> bool {
        for half in [false, true] {
            let nodes = (0..self.first.len()).filter(|node| self.first[*node] == half);
            self.free[usize::from(half)] = nodes.map(|node| (self.gain[node], Reverse(node))).collect();
        }
        let (mut best, mut kept, mut moved) = (self.cut, 0, Vec::new());
        while moved.len() - kept < 2 * PATIENCE && !effort.is_spent() && !self.free[0].is_empty() {
            let Some(node) = self.switch_best(true, effort) else { break };
            moved.push(node);
            moved.extend(self.switch_best(false, effort));
            if self.cut < best {
                (best, kept) = (self.cut, moved.len());
            }
        }
        self.free = [BTreeSet::new(), BTreeSet::new()];
        for &node in &moved[kept..] {
            self.switch(node, effort);
        }
        kept > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::sim::Random;

    fn cut(network: &Network, first: &[bool]) -> u64 {
        network.sum(|a, b| u64::from(first[a] != first[b]))
    }

    #[test]
    fn two_clusters_are_told_apart() {
        // Even nodes know each other, odd nodes too, and one edge is between them.
        let mut links = vec![(3, 4, 1)];
        for a in 0..12 {
            links.extend((a + 2..12).step_by(2).map(|b| (a, b, 1)));
        }
        let network = Network::new(12, &links);
        let first = divide(&network, 6, &Effort::new(1 << 20));
        assert_eq!(cut(&network, &first), 1);
        assert_eq!(first.iter().filter(|first| **first).count(), 6);
    }

    #[test]
    fn small_networks_are_divided_about_as_well_as_can_be() {
        let mut random = Random(7);
        let (mut ours, mut best) = (0, 0);
        for _ in 0..60 {
            let nodes = 4 + random.below(7) as usize;
            let some = |random: &mut Random| random.below(nodes as u64) as usize;
            let links: Vec<_> =
                (0..2 * nodes).map(|_| (some(&mut random), some(&mut random), random.below(9))).collect();
            let network = Network::new(nodes, &links);
            let size = 1 + random.below(nodes as u64 - 1) as usize;
            let first = divide(&network, size, &Effort::new(1 << 20));
            assert_eq!(first.iter().filter(|first| **first).count(), size);
            let all = (0u32..1 << nodes).filter(|set| set.count_ones() as usize == size);
            let cuts = all.map(|set| network.sum(|a, b| u64::from((set >> a) & 1 != (set >> b) & 1)));
            best += cuts.min().expect("some division");
            ours += cut(&network, &first);
        }
        assert!(ours * 100 <= best * 103, "{ours} against {best}");
    }

    #[test]
    fn without_effort_sizes_still_hold() {
        let links: Vec<_> = (0..99).map(|node| (node, (node * 7 + 1) % 100, 1)).collect();
        let first = divide(&Network::new(100, &links), 30, &Effort::new(0));
        assert_eq!(first.iter().filter(|first| **first).count(), 30);
    }
}
