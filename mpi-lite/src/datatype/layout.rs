//! Where the bytes of a type lie, in message order: the type map without the kinds of its elements.
//!
//! A [`Node`] is a small loop nest. Constructors normalise as they build, so that what is dense in memory is one
//! [`Shape::Block`], a matrix column is one [`Shape::Strided`], and only irregular types keep lists:
//!
//! * blocks that follow each other in memory and message are one block;
//! * loops whose steps fit together are one loop;
//! * lists with a constant step are loops.
//!
//! A node's `size` (bytes in the message) allows seeking to any byte by divisions along one path of the tree. Depth
//! is bounded: a loop at least doubles the size, and lists of lists are flattened.

use std::sync::Arc;

use crate::abi::{MPI_ERR_COUNT, MPI_ERR_INTERN};
use crate::error::{MpiError, Result};

/// A part of a type: `size` message bytes, found at `offset` from the base address in the given shape.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the text above names each field")]
pub struct Node {
    pub offset: i64,
    pub size: u64,
    pub shape: Shape,
}

/// How the bytes of a [`Node`] lie.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the text of each shape names each field")]
pub enum Shape {
    /// One dense block.
    Block,
    /// `count` blocks of `len` bytes, `stride` bytes from start to start.
    Strided { count: u64, stride: i64, len: u64 },
    /// Blocks of equal length at irregular offsets.
    Scatter { len: u64, offsets: Arc<[i64]> },
    /// Blocks of different lengths.
    Runs(Arc<[Run]>),
    /// The same body over and over.
    Loop { count: u64, stride: i64, body: Arc<Node> },
    /// Different parts one after the other.
    Seq(Arc<[Part]>),
}

/// One block of [`Shape::Runs`]; `start` is its first byte's place in the message of the node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Place in the message, bytes.
    pub start: u64,
    /// Place in memory, bytes from the node's origin.
    pub offset: i64,
    /// Bytes.
    pub len: u64,
}

/// One part of [`Shape::Seq`]; `start` as in [`Run`].
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Place in the message, bytes.
    pub start: u64,
    /// What stands there.
    pub node: Node,
}

/// Lists up to this long are taken apart when they become part of a bigger list, so that neighbours merge.
const FLATTEN: usize = 16;

pub(super) fn too_large(what: &str) -> MpiError {
    MpiError::new(MPI_ERR_COUNT, format!("{what} of the datatype does not fit 63 bits"))
}

/// `a * b` for sizes, at most `i64::MAX`.
pub(super) fn mul_size(a: u64, b: u64) -> Result<u64> {
    a.checked_mul(b).filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| too_large("size"))
}

/// `a + b` for sizes, at most `i64::MAX`.
pub(super) fn add_size(a: u64, b: u64) -> Result<u64> {
    a.checked_add(b).filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| too_large("size"))
}

impl Node {
    /// No bytes at all.
    pub const EMPTY: Self = Self::block(0, 0);

    /// One dense block.
    pub const fn block(offset: i64, size: u64) -> Self {
        Self { offset, size, shape: Shape::Block }
    }

    /// The same node `by` bytes further on. Callers have checked that the bounds of the type fit.
    pub fn shifted(&self, by: i64) -> Self {
        Self { offset: self.offset.wrapping_add(by), ..self.clone() }
    }
}

/// `count` copies of `body`, `stride` bytes from start to start.
pub fn repeat(body: &Arc<Node>, count: u64, stride: i64) -> Result<Node> {
    let size = mul_size(body.size, count)?;
    if size == 0 {
        return Ok(Node::EMPTY);
    }
    if count == 1 {
        return Ok(Node::clone(body));
    }
    // Does a step of the new loop continue the old loop?
    let continues = |c: u64, s: i64| i64::try_from(c).ok().and_then(|c| c.checked_mul(s)) == Some(stride);
    let shape = match &body.shape {
        Shape::Block if u64::try_from(stride) == Ok(body.size) => Shape::Block,
        Shape::Block => Shape::Strided { count, stride, len: body.size },
        // The product fits because the size, which is at least as large, does.
        Shape::Strided { count: c, stride: s, len } if continues(*c, *s) => {
            Shape::Strided { count: c * count, stride: *s, len: *len }
        }
        Shape::Loop { count: c, stride: s, body } if continues(*c, *s) => {
            Shape::Loop { count: c * count, stride: *s, body: body.clone() }
        }
        _ => return Ok(Node { offset: 0, size, shape: Shape::Loop { count, stride, body: body.clone() } }),
    };
    Ok(Node { offset: body.offset, size, shape })
}

/// Builds a node out of parts given in message order.
#[derive(Default)]
pub struct Builder {
    parts: Vec<Node>,
    size: u64,
}

impl Builder {
    /// Appends `node`.
    pub fn push(&mut self, node: Node) -> Result<()> {
        if node.size == 0 {
            return Ok(());
        }
        self.size = add_size(self.size, node.size)?;
        self.append(node)
    }

    fn append(&mut self, node: Node) -> Result<()> {
        match &node.shape {
            Shape::Block => self.block(node.offset, node.size),
            Shape::Strided { count, stride, len } if *count <= FLATTEN as u64 => {
                for i in 0..*count as i64 {
                    self.block(node.offset.wrapping_add(i.wrapping_mul(*stride)), *len)?;
                }
                Ok(())
            }
            Shape::Scatter { len, offsets } if offsets.len() <= FLATTEN => {
                offsets.iter().try_for_each(|o| self.block(node.offset.wrapping_add(*o), *len))
            }
            Shape::Runs(runs) if runs.len() <= FLATTEN => {
                runs.iter().try_for_each(|r| self.block(node.offset.wrapping_add(r.offset), r.len))
            }
            // Always, so that chains of types do not become deep trees.
            Shape::Seq(parts) => parts.iter().try_for_each(|p| self.append(p.node.shifted(node.offset))),
            _ => self.keep(node),
        }
    }

    fn block(&mut self, offset: i64, len: u64) -> Result<()> {
        if let Some(last) = self.parts.last_mut() {
            if last.shape == Shape::Block && last.offset.wrapping_add(last.size as i64) == offset {
                last.size += len;
                return Ok(());
            }
        }
        self.keep(Node::block(offset, len))
    }

    fn keep(&mut self, node: Node) -> Result<()> {
        let no_memory = |_| MpiError::new(MPI_ERR_INTERN, "no memory for the datatype's list of blocks");
        self.parts.try_reserve(1).map_err(no_memory)?;
        self.parts.push(node);
        Ok(())
    }

    /// The node of all parts.
    pub fn finish(mut self) -> Node {
        if self.parts.len() <= 1 {
            return self.parts.pop().unwrap_or(Node::EMPTY);
        }
        if self.parts.iter().all(|p| p.shape == Shape::Block) {
            return list_of_blocks(&self.parts, self.size);
        }
        let mut start = 0;
        let number = |node: Node| {
            let part = Part { start, node };
            start += part.node.size;
            part
        };
        let parts = self.parts.into_iter().map(number).collect();
        Node { offset: 0, size: self.size, shape: Shape::Seq(parts) }
    }
}

/// The best shape for two or more blocks.
fn list_of_blocks(blocks: &[Node], size: u64) -> Node {
    let (offset, len) = (blocks[0].offset, blocks[0].size);
    if blocks.iter().any(|b| b.size != len) {
        let mut start = 0;
        let number = |block: &Node| {
            let run = Run { start, offset: block.offset, len: block.size };
            start += run.len;
            run
        };
        return Node { offset: 0, size, shape: Shape::Runs(blocks.iter().map(number).collect()) };
    }
    let stride = blocks[1].offset.wrapping_sub(offset);
    if blocks.windows(2).all(|w| w[1].offset.wrapping_sub(w[0].offset) == stride) {
        return Node { offset, size, shape: Shape::Strided { count: blocks.len() as u64, stride, len } };
    }
    Node {
        offset: 0,
        size,
        shape: Shape::Scatter { len, offsets: blocks.iter().map(|b| b.offset).collect() },
    }
}
