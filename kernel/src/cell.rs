//! State of the kernel: used under the kernel lock, never borrowed across a wait, hence no locks of its own.

use core::cell::{RefCell, RefMut};

/// A value of the kernel. Borrowing it twice at a time is a bug and panics.
pub struct KernelCell<T>(RefCell<T>);

// SAFETY: the kernel runs on one processor at a time and interrupts run no Rust code of it; see the crate documentation.
unsafe impl<T> Sync for KernelCell<T> {}

impl<T> KernelCell<T> {
    /// A cell with this value.
    pub const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// The value, for as long as the guard lives.
    #[track_caller]
    pub fn borrow(&self) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }

    /// The value unless it is borrowed: for the fault path, which may have interrupted anything.
    pub fn try_borrow(&self) -> Option<RefMut<'_, T>> {
        self.0.try_borrow_mut().ok()
    }
}

/// A value set once during boot.
pub struct Once<T: 'static>(KernelCell<Option<&'static T>>);

impl<T> Once<T> {
    /// Not set yet.
    #[expect(clippy::new_without_default, reason = "a static is built by the const function")]
    pub const fn new() -> Self {
        Self(KernelCell::new(None))
    }

    /// Sets the value for the rest of the run.
    pub fn set(&self, value: T) -> &'static T {
        let value: &'static T = alloc::boxed::Box::leak(alloc::boxed::Box::new(value));
        *self.0.borrow() = Some(value);
        value
    }

    /// The value, if it has been set.
    pub fn get(&self) -> Option<&'static T> {
        *self.0.borrow()
    }
}
