//! Memory through which scattered data goes piece by piece, kept for the next message: new memory costs a fault for each
//! page, more than the copy.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Bytes of a piece.
pub const PIECE: usize = 128 << 10;
/// Pieces under way at once per message: one is read while another is packed or unpacked.
pub const PIECES: usize = 2;
/// Pieces that are kept while no message uses them: 1 MiB.
const KEPT: usize = 8;

/// The pieces of a rank that no message uses.
#[derive(Clone, Default)]
pub struct Pieces(Rc<RefCell<Vec<Box<[u8]>>>>);

impl Pieces {
    /// A piece, whatever is in it.
    pub fn take(&self) -> Piece {
        let kept = self.0.borrow_mut().pop();
        Piece { memory: kept.unwrap_or_else(|| vec![0; PIECE].into()), home: self.clone() }
    }
}

/// One piece, which goes back when dropped.
pub struct Piece {
    memory: Box<[u8]>,
    home: Pieces,
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory
    }
}

impl DerefMut for Piece {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut kept = self.home.0.borrow_mut();
        if kept.len() < KEPT {
            kept.push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_used_again_and_few_are_kept() {
        let pieces = Pieces::default();
        let first = pieces.take();
        let at = first.as_ptr();
        drop(first);
        let again = pieces.take();
        assert_eq!((again.as_ptr(), again.len()), (at, PIECE));
        drop(again);
        let many: Vec<Piece> = (0..3 * KEPT).map(|_| pieces.take()).collect();
        drop(many);
        assert_eq!(pieces.0.borrow().len(), KEPT);
    }
}
