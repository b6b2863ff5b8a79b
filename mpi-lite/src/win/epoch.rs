//! Which accesses are allowed now: the rules of epochs (MPI 5.0, section 12.5).

use super::{Target, Window};
use crate::abi::MPI_ERR_RMA_SYNC;
use crate::error::{Result, err};

/// What a rank may do at one target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nothing.
    None,
    /// Opened by `MPI_Win_start`.
    Started,
    /// Opened by a shared lock.
    Shared,
    /// Opened by an exclusive lock.
    Exclusive,
    /// Opened by a lock with `MPI_MODE_NOCHECK`, which takes no lock.
    Unchecked,
}

/// What a rank may do at every target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Everyone {
    /// Nothing.
    None,
    /// Opened by a fence.
    Fence,
    /// Opened by `MPI_Win_lock_all`.
    Locked,
    /// Opened by `MPI_Win_lock_all` with `MPI_MODE_NOCHECK`.
    Unchecked,
}

impl Access {
    /// Whether a lock opened it.
    pub fn is_lock(self) -> bool {
        matches!(self, Self::Shared | Self::Exclusive | Self::Unchecked)
    }
}

impl Everyone {
    /// Whether a lock opened it.
    pub fn is_lock(self) -> bool {
        matches!(self, Self::Locked | Self::Unchecked)
    }
}

impl Window {
    /// Fails unless an access epoch at `target` is open.
    #[inline]
    pub fn require_access(&self, target: &Target) -> Result<()> {
        if target.access.get() != Access::None || self.everyone.get() != Everyone::None {
            return Ok(());
        }
        self.no_epoch(
            "an access",
            "call MPI_Win_fence, MPI_Win_start, MPI_Win_lock or MPI_Win_lock_all first",
        )
    }

    /// Fails unless a lock at `target` is held.
    #[inline]
    pub fn require_lock(&self, target: &Target) -> Result<()> {
        if target.access.get().is_lock() || self.everyone.get().is_lock() {
            return Ok(());
        }
        self.no_epoch("this call", "only MPI_Win_lock and MPI_Win_lock_all open one that allows it")
    }

    #[cold]
    fn no_epoch<T>(&self, what: &str, advice: &str) -> Result<T> {
        err(MPI_ERR_RMA_SYNC, format!("{what} on {} outside of an epoch: {advice}", self.describe()))
    }

    /// Fails unless a new access epoch may be opened; `what` wants to. A fence epoch that is open ends here.
    pub fn open(&self, what: &str) -> Result<()> {
        let open = if self.started.borrow().is_some() {
            "MPI_Win_start"
        } else if self.locks.get() > 0 {
            "MPI_Win_lock"
        } else if self.everyone.get().is_lock() {
            "MPI_Win_lock_all"
        } else {
            self.everyone.set(Everyone::None);
            return Ok(());
        };
        self.conflict(what, open)
    }

    /// The error of a call that an open epoch forbids.
    #[cold]
    pub fn conflict<T>(&self, what: &str, open: &str) -> Result<T> {
        err(
            MPI_ERR_RMA_SYNC,
            format!("{what} on {} while the epoch that {open} opened is not closed", self.describe()),
        )
    }
}
