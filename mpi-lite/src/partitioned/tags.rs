//! Tags of the partitions that this rank sends: a range for each request, given back with it.

use crate::Result;
use crate::abi::MPI_ERR_OTHER;
use crate::error::err;
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::collections::BTreeMap;

per_rank! {
    /// Ranges in use: length by first tag.
    static USED: RefCell<BTreeMap<i32, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// Tags in a row; free again when it is dropped.
#[derive(Debug)]
pub struct Range {
    first: i32,
}

impl Range {
    /// Takes so many tags.
    pub fn take(len: u32) -> Result<Self> {
        // An empty range takes a tag, too: so each has a first tag of its own.
        let len = len.max(1);
        USED.with(|used| {
            let mut used = used.borrow_mut();
            let mut first = 0u32;
            for (start, taken) in used.iter() {
                if *start as u32 - first >= len {
                    break;
                }
                first = *start as u32 + taken;
            }
            if first.checked_add(len).is_none_or(|end| end > i32::MAX as u32) {
                return err(MPI_ERR_OTHER, format!("no tags are left for {len} partitions"));
            }
            used.insert(first as i32, len);
            Ok(Self { first: first as i32 })
        })
    }

    /// The first tag.
    pub fn first(&self) -> i32 {
        self.first
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        USED.with(|used| used.borrow_mut().remove(&self.first));
    }
}
