//! Into which blocks is a grid cut, so that few edges are between them?

use super::super::Cart;

/// A grid, or a block of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Length and whether it wraps around, by dimension.
    sides: Vec<(usize, bool)>,
}

impl Block {
    /// The whole of a grid.
    pub fn whole(cart: &Cart) -> Self {
        let lengths = cart.dims().iter().map(|dim| *dim as usize);
        Self { sides: lengths.zip(cart.periods().iter().copied()).collect() }
    }

    /// Number of nodes.
    pub fn size(&self) -> usize {
        self.sides.iter().map(|side| side.0).product()
    }

    /// Blocks of `size` nodes each, of the shape that cuts least; none if no shape fills the grid. With the shape, of each block
    /// its nodes by their number in this one.
    pub fn cut(&self, size: usize) -> Option<(Self, Vec<Vec<usize>>)> {
        let mut best = None;
        self.shapes(size, &mut Vec::new(), &mut best);
        let (_, lengths) = best?;
        let sides = self.sides.iter().zip(&lengths);
        let part =
            Self { sides: sides.map(|(side, &length)| (length, side.1 && length == side.0)).collect() };
        let mut blocks = vec![Vec::with_capacity(size); self.size() / size];
        for node in 0..self.size() {
            blocks[self.block_of(node, &lengths)].push(node);
        }
        Some((part, blocks))
    }

    /// Continues `lengths` in all ways to a shape of `rest` times as many nodes, and keeps the first that cuts least.
    fn shapes(&self, rest: usize, lengths: &mut Vec<usize>, best: &mut Option<(usize, Vec<usize>)>) {
        let Some(&(side, _)) = self.sides.get(lengths.len()) else {
            let edges = self.edges_between(lengths);
            if rest == 1 && best.as_ref().is_none_or(|best| edges < best.0) {
                *best = Some((edges, lengths.clone()));
            }
            return;
        };
        for length in (1..=side.min(rest)).filter(|length| side % length == 0 && rest % length == 0) {
            lengths.push(length);
            self.shapes(rest / length, lengths, best);
            lengths.pop();
        }
    }

    /// Number of edges between blocks of that shape.
    fn edges_between(&self, lengths: &[usize]) -> usize {
        let along = |(&(side, wraps), &length): (&(usize, bool), &usize)| {
            let blocks = side / length;
            let faces = if blocks == 1 { 0 } else { blocks - 1 + usize::from(wraps) };
            faces * (self.size() / side)
        };
        self.sides.iter().zip(lengths).map(along).sum()
    }

    /// In which block a node is: they have row-major order, as nodes have.
    fn block_of(&self, node: usize, lengths: &[usize]) -> usize {
        let (mut rest, mut block, mut step) = (node, 0, 1);
        for (&(side, _), &length) in self.sides.iter().zip(lengths).rev() {
            block += rest % side / length * step;
            step *= side / length;
            rest /= side;
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(dims: &[i32], periods: &[bool]) -> Block {
        Block::whole(&Cart::new(dims, periods).expect("a grid"))
    }

    #[test]
    fn shapes_cut_least() {
        let lengths = |block: &Block, size| {
            block.cut(size).map(|(part, _)| part.sides.iter().map(|side| side.0).collect::<Vec<_>>())
        };
        assert_eq!(lengths(&grid(&[4, 4], &[false, false]), 8), Some(vec![2, 4]));
        assert_eq!(lengths(&grid(&[4, 4], &[false, false]), 4), Some(vec![2, 2]));
        assert_eq!(lengths(&grid(&[8, 2], &[false, false]), 4), Some(vec![2, 2]));
        assert_eq!(lengths(&grid(&[4, 6], &[false, false]), 12), Some(vec![4, 3]));
        // Halving the ring of four costs 4 edges, halving the open side of six 4 as well; in three, 12 against 8.
        assert_eq!(lengths(&grid(&[4, 6], &[true, false]), 8), Some(vec![4, 2]));
        assert_eq!(lengths(&grid(&[4, 4], &[false, false]), 5), None);
        assert_eq!(lengths(&grid(&[], &[]), 1), Some(vec![]));
    }

    #[test]
    fn blocks_have_all_nodes_once_and_keep_what_wraps() {
        let (part, blocks) = grid(&[4, 4], &[true, true]).cut(8).expect("halves");
        assert_eq!(part.sides, [(2, false), (4, true)]);
        assert_eq!(blocks, [(0..8).collect::<Vec<_>>(), (8..16).collect()]);
        let (_, blocks) = grid(&[2, 4], &[false, false]).cut(4).expect("halves");
        assert_eq!(blocks, [[0, 1, 4, 5], [2, 3, 6, 7]]);
    }
}
