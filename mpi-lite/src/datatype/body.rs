//! What a type constructor computes: layout, bounds and signature of the new type (MPI 5.0, section 5.1.2).
//!
//! Counts are checked for sign by the callers; everything is checked for overflow here.

use std::sync::Arc;

use super::basic::Basic;
use super::bounds::Bounds;
use super::layout::{self, Builder, Node, too_large};
use super::signature::Signature;
use crate::error::Result;

/// A type map, condensed.
#[derive(Clone, Debug)]
pub struct Body {
    /// Where the bytes are.
    pub layout: Arc<Node>,
    /// Bounds and extent.
    pub bounds: Bounds,
    /// Which elements they form.
    pub signature: Signature,
}

/// `count` blocks of `len` elements of `old`, of which the first is `displacement` bytes from the base.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the text above names each field")]
pub struct Block<'a> {
    pub displacement: i64,
    pub len: u64,
    pub old: &'a Body,
}

impl Body {
    /// The type without elements.
    pub fn empty() -> Self {
        Self { layout: Arc::new(Node::EMPTY), bounds: Bounds::default(), signature: Signature::EMPTY }
    }

    /// One element at 0.
    pub fn basic(basic: Basic) -> Self {
        Self {
            layout: Arc::new(Node::block(0, basic.size() as u64)),
            bounds: Bounds::element(basic.size() as i64, basic.kind.align() as i64),
            signature: Signature::one(basic),
        }
    }

    /// `count` copies, `stride` bytes from start to start.
    pub fn repeated(&self, count: u64, stride: i64) -> Result<Self> {
        if count == 1 {
            return Ok(self.clone());
        }
        Ok(Self {
            layout: Arc::new(layout::repeat(&self.layout, count, stride)?),
            bounds: self.bounds.repeated(count, stride)?,
            signature: self.signature.repeated(count)?,
        })
    }

    /// `count` copies, one extent after the other.
    pub fn contiguous(&self, count: u64) -> Result<Self> {
        self.repeated(count, self.bounds.extent())
    }

    /// The same `by` bytes further on.
    pub fn shifted(&self, by: i64) -> Result<Self> {
        if by == 0 {
            return Ok(self.clone());
        }
        let layout =
            if self.layout.size == 0 { self.layout.clone() } else { Arc::new(self.layout.shifted(by)) };
        Ok(Self { layout, bounds: self.bounds.shifted(by)?, signature: self.signature.clone() })
    }

    /// The same with other bounds.
    pub fn resized(&self, lb: i64, extent: i64) -> Result<Self> {
        Ok(Self { bounds: self.bounds.resized(lb, extent)?, ..self.clone() })
    }

    /// `count` blocks of `blocklen` elements, `stride` bytes from start to start.
    pub fn hvector(&self, count: u64, blocklen: u64, stride: i64) -> Result<Self> {
        self.contiguous(blocklen)?.repeated(count, stride)
    }

    /// `n` extents in bytes.
    pub fn extents(&self, n: i64) -> Result<i64> {
        self.bounds.extent().checked_mul(n).ok_or_else(|| too_large("displacement"))
    }

    /// Blocks of one old type at byte displacements.
    pub fn hindexed(&self, lens: &[u64], displacements: &[i64]) -> Result<Self> {
        if let Some((len, stride)) = regular(lens, displacements) {
            return self.hvector(lens.len() as u64, len, stride)?.shifted(displacements[0]);
        }
        let blocks = lens.iter().zip(displacements);
        Self::structure(blocks.map(|(&len, &displacement)| Block { displacement, len, old: self }))
    }

    /// Blocks of any types at byte displacements.
    pub fn structure<'a>(blocks: impl IntoIterator<Item = Block<'a>>) -> Result<Self> {
        let mut layout = Builder::default();
        let mut bounds = Bounds::default();
        let mut signature = Vec::new();
        // The block before, laid out: lists mostly repeat one shape.
        let mut known: Option<(u64, &Self, Self)> = None;
        for Block { displacement, len, old } in blocks {
            if len == 0 {
                continue;
            }
            let block = match &known {
                Some((l, o, block)) if *l == len && std::ptr::eq(*o, old) => block,
                _ => &known.insert((len, old, old.contiguous(len)?)).2,
            };
            layout.push(block.layout.shifted(displacement))?;
            bounds = bounds.union(block.bounds.shifted(displacement)?)?;
            push_signature(&mut signature, &block.signature)?;
        }
        let signature = Signature::sequence(signature)?;
        Ok(Self { layout: Arc::new(layout.finish()), bounds, signature })
    }
}

/// Appends to a list of signatures; equal neighbours of one kind of element are joined at once, to keep long lists short.
fn push_signature(list: &mut Vec<Signature>, next: &Signature) -> Result<()> {
    if let (Some(last), Some(basic)) = (list.last_mut(), next.uniform()) {
        if last.uniform() == Some(basic) {
            *last = Signature::one(basic).repeated(last.elements + next.elements)?;
            return Ok(());
        }
    }
    list.push(next.clone());
    Ok(())
}

/// Block length and stride if all blocks are equal and one stride apart.
fn regular(lens: &[u64], displacements: &[i64]) -> Option<(u64, i64)> {
    let (&len, &first) = (lens.first()?, displacements.first()?);
    let stride = displacements.get(1).map_or(Some(0), |second| second.checked_sub(first))?;
    let equal = lens.iter().all(|l| *l == len);
    let spaced = displacements.windows(2).all(|w| w[1].checked_sub(w[0]) == Some(stride));
    (equal && spaced).then_some((len, stride))
}
