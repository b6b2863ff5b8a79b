//! Queue pairs by number: two array look-ups, as numbers are dense but may start anywhere in 24 bits.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::queue_pair::QpState;
use crate::num::{NUM_MASK, QpNum};

const LOG_LEAF: u32 = 8;
type Leaf = Box<[Option<Rc<QpState>>; 1 << LOG_LEAF]>;

#[derive(Default)]
pub(super) struct QpTable {
    leaves: RefCell<Vec<Option<Leaf>>>,
}

impl QpTable {
    /// Runs `with` on the queue pair of this number. `with` must not add or remove queue pairs.
    #[inline]
    pub(super) fn with<T>(&self, qpn: QpNum, with: impl FnOnce(Option<&QpState>) -> T) -> T {
        let leaves = self.leaves.borrow();
        let (leaf, index) = place(qpn);
        with(leaves.get(leaf).and_then(Option::as_ref).and_then(|leaf| leaf[index].as_deref()))
    }

    /// Adds a queue pair; `false` if the number is taken.
    pub(super) fn insert(&self, qpn: QpNum, state: Rc<QpState>) -> bool {
        let mut leaves = self.leaves.borrow_mut();
        let (leaf, index) = place(qpn);
        if leaf >= leaves.len() {
            leaves.resize_with(leaf + 1, || None);
        }
        let entry = &mut leaves[leaf].get_or_insert_with(|| Box::new([const { None }; 1 << LOG_LEAF]))[index];
        if entry.is_some() {
            return false;
        }
        *entry = Some(state);
        true
    }

    pub(super) fn remove(&self, qpn: QpNum) {
        let (leaf, index) = place(qpn);
        let removed = match self.leaves.borrow_mut().get_mut(leaf) {
            Some(Some(leaf)) => leaf[index].take(),
            _ => None,
        };
        // Dropped after the borrow: it may be the last reference.
        drop(removed);
    }
}

fn place(qpn: QpNum) -> (usize, usize) {
    let number = (qpn.0 & NUM_MASK) as usize;
    (number >> LOG_LEAF, number & ((1 << LOG_LEAF) - 1))
}
