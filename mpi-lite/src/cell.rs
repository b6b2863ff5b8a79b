//! Process-wide state for use by one thread at a time.

use std::cell::RefCell;

/// A static `RefCell`. MPI is initialised with at most `MPI_THREAD_SERIALIZED`, so the program promises that no two
/// threads are inside the library at once; a borrow that is still alive on re-entry panics, it never aliases.
pub struct Global<T>(pub RefCell<T>);

// SAFETY: the library grants at most MPI_THREAD_SERIALIZED, so all accesses are ordered by the program's own
// synchronisation; values may be used from, and dropped on, any one thread at a time.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    /// A cell that holds `value` at program start.
    pub const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }
}

impl<T> std::ops::Deref for Global<T> {
    type Target = RefCell<T>;
    fn deref(&self) -> &RefCell<T> {
        &self.0
    }
}
