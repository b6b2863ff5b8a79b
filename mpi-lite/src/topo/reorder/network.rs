//! Who talks to whom, and how much: a graph without directions.

/// An edge: its ends and what it weighs.
pub type Link = (usize, usize, u64);

/// Nodes with their neighbours.
#[derive(Debug)]
pub struct Network {
    /// Of each node the neighbours, in order, and the weights of the edges to them.
    neighbors: Vec<Vec<(usize, u64)>>,
}

impl Network {
    /// A network of `nodes`. Edges between the same nodes are one, of all their weights; those that weigh nothing, or lead
    /// back, are left out.
    pub fn new(nodes: usize, links: &[Link]) -> Self {
        let mut neighbors = vec![Vec::new(); nodes];
        for &(a, b, weight) in links.iter().filter(|link| link.0 != link.1 && link.2 > 0) {
            neighbors[a].push((b, weight));
            neighbors[b].push((a, weight));
        }
        for of_node in &mut neighbors {
            of_node.sort_unstable_by_key(|(other, _)| *other);
            of_node.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                kept.1 += if same { next.1 } else { 0 };
                same
            });
        }
        Self { neighbors }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.neighbors.len()
    }

    /// The neighbours of a node, each with the weight of the edge.
    pub fn of(&self, node: usize) -> &[(usize, u64)] {
        &self.neighbors[node]
    }

    /// The sum of the weights, each times what `times` says of the edge's ends.
    pub fn sum(&self, times: impl Fn(usize, usize) -> u64) -> u64 {
        let of_node = |node: usize| {
            let later = self.of(node).iter().filter(move |(other, _)| node < *other);
            later.map(|(other, weight)| weight * times(node, *other)).sum::<u64>()
        };
        (0..self.len()).map(of_node).sum()
    }

    /// The edges between these nodes, which are counted from 0 in the order given.
    pub fn within(&self, nodes: &[usize]) -> Self {
        let mut number = vec![None; self.len()];
        nodes.iter().enumerate().for_each(|(new, &old)| number[old] = Some(new));
        let renamed = |&(other, weight): &(usize, u64)| number[other].map(|other| (other, weight));
        Self {
            neighbors: nodes.iter().map(|&node| self.of(node).iter().filter_map(renamed).collect()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_merged_and_loops_left_out() {
        let network = Network::new(4, &[(0, 1, 2), (1, 0, 3), (2, 2, 9), (3, 1, 0), (3, 0, 1)]);
        assert_eq!(network.of(0), [(1, 5), (3, 1)]);
        assert_eq!((network.of(1), network.of(2)), (&[(0, 5)][..], &[][..]));
        assert_eq!(network.sum(|_, _| 1), 6);
        let part = network.within(&[3, 0]);
        assert_eq!((part.of(0), part.of(1)), (&[(1, 1)][..], &[(0, 1)][..]));
    }
}
