//! State that a rank has once.
//!
//! A process is one rank, and one thread at a time is in MPI (see [`crate::threads`]), so in a program this is plain
//! static memory without locks. Unit tests run many ranks as
//! threads of one process; there the same declaration becomes a thread-local, and each thread is a rank.
//!
//! ```text
//! per_rank! { static COUNTERS: RefCell<Vec<u64>> = RefCell::new(Vec::new()); }
//! COUNTERS.with(|c| c.borrow_mut().push(1));
//! ```

use std::cell::OnceCell;

/// A static that holds values which are neither `Send` nor `Sync`. Declared by [`per_rank!`].
pub struct PerRank<T: 'static> {
    cell: OnceCell<T>,
    init: fn() -> T,
}

// SAFETY: one thread at a time is in MPI: the program sees to it up to `MPI_THREAD_SERIALIZED`, the lock of `threads` beyond,
// and whoever serialises calls orders the memory accesses of the threads too. What other threads look at is atomic.
unsafe impl<T> Sync for PerRank<T> {}

impl<T> PerRank<T> {
    /// Made at the first access by `init`.
    pub const fn new(init: fn() -> T) -> Self {
        Self { cell: OnceCell::new(), init }
    }

    /// Runs `f` on the value. As with a thread-local, `f` may come back here: keep inner borrows short.
    #[inline]
    pub fn with<R>(&'static self, f: impl FnOnce(&'static T) -> R) -> R {
        f(self.cell.get_or_init(self.init))
    }
}

/// Declares state that a rank has once; see the module's text.
#[cfg(not(test))]
macro_rules! per_rank {
    ($(#[$attr:meta])* $vis:vis static $name:ident: $ty:ty = $init:expr;) => {
        $(#[$attr])*
        $vis static $name: $crate::per_rank::PerRank<$ty> = $crate::per_rank::PerRank::new(|| $init);
    };
}

/// Declares state that a rank has once; in tests a rank is a thread.
#[cfg(test)]
macro_rules! per_rank {
    ($(#[$attr:meta])* $vis:vis static $name:ident: $ty:ty = $init:expr;) => {
        ::std::thread_local! { $(#[$attr])* $vis static $name: $ty = $init; }
    };
}

pub(crate) use per_rank;

#[cfg(test)]
mod tests {
    use super::PerRank;
    use std::cell::Cell;

    #[test]
    fn value_is_made_once_and_kept() {
        static CELL: PerRank<Cell<u32>> = PerRank::new(|| Cell::new(7));
        CELL.with(|c| c.set(c.get() + 1));
        assert_eq!(CELL.with(Cell::get), 8);
    }

    #[test]
    fn each_test_thread_is_a_rank() {
        per_rank! { static N: Cell<u32> = Cell::new(0); }
        N.with(|n| n.set(1));
        let other = std::thread::spawn(|| N.with(Cell::get)).join();
        assert_eq!((N.with(Cell::get), other.ok()), (1, Some(0)));
    }
}
