//! Synchronisation: when accesses are allowed, and when they are done.

use crate::abi::*;
use crate::c::input::store;
use crate::win::hot;
use crate::{group, mpi_fn, win};
use std::ffi::c_int;
use std::sync::atomic::{Ordering, fence};

mpi_fn! {
    /// Ends an epoch of all ranks and begins the next.
    fn MPI_Win_fence(assert: c_int, win: MPI_Win) on win { win::get(win)?.fence(assert) }

    /// Begins accesses to a group that posts.
    fn MPI_Win_start(group: MPI_Group, assert: c_int, win: MPI_Win) on win {
        win::get(win)?.start(&*group::get(group)?, assert)
    }

    /// Ends what `MPI_Win_start` began.
    fn MPI_Win_complete(win: MPI_Win) on win { win::get(win)?.complete_started() }

    /// Allows accesses of a group that starts.
    fn MPI_Win_post(group: MPI_Group, assert: c_int, win: MPI_Win) on win {
        win::get(win)?.post(&*group::get(group)?, assert)
    }

    /// Waits until the group that `MPI_Win_post` named is done.
    fn MPI_Win_wait(win: MPI_Win) on win { win::get(win)?.wait() }

    /// Whether the group that `MPI_Win_post` named is done.
    fn MPI_Win_test(win: MPI_Win, flag: *mut c_int) on win {
        let done = win::get(win)?.test()?;
        // SAFETY: the caller's result place.
        unsafe { store("flag", flag, c_int::from(done)) }
    }

    /// Begins accesses to one rank.
    fn MPI_Win_lock(lock_type: c_int, rank: c_int, assert: c_int, win: MPI_Win) on win {
        let window = win::get(win)?;
        if rank == MPI_PROC_NULL {
            return Ok(());
        }
        window.lock(lock_type, window.target(rank)?, assert)
    }

    /// Ends what `MPI_Win_lock` began.
    fn MPI_Win_unlock(rank: c_int, win: MPI_Win) on win {
        let window = win::get(win)?;
        if rank == MPI_PROC_NULL {
            return Ok(());
        }
        window.unlock(window.target(rank)?)
    }

    /// Begins accesses to all ranks.
    fn MPI_Win_lock_all(assert: c_int, win: MPI_Win) on win { win::get(win)?.lock_all(assert) }

    /// Ends what `MPI_Win_lock_all` began.
    fn MPI_Win_unlock_all(win: MPI_Win) on win { win::get(win)?.unlock_all() }

    /// Completes accesses to one rank, here and there.
    fn MPI_Win_flush(rank: c_int, win: MPI_Win) on win {
        if hot::flushed(win, rank) {
            return Ok(());
        }
        win::with(win, |window| match rank {
            MPI_PROC_NULL => Ok(()),
            rank => window.flush(window.target(rank)?),
        })
    }

    /// Completes accesses to all ranks, here and there.
    fn MPI_Win_flush_all(win: MPI_Win) on win { win::with(win, win::Window::flush_all) }

    /// Completes accesses to one rank, here.
    fn MPI_Win_flush_local(rank: c_int, win: MPI_Win) on win {
        if hot::flushed(win, rank) {
            return Ok(());
        }
        win::with(win, |window| match rank {
            MPI_PROC_NULL => Ok(()),
            rank => window.flush(window.target(rank)?),
        })
    }

    /// Completes accesses to all ranks, here.
    fn MPI_Win_flush_local_all(win: MPI_Win) on win { win::with(win, win::Window::flush_all) }

    /// Orders this rank's loads and stores with the accesses of others.
    fn MPI_Win_sync(win: MPI_Win) on win {
        win::with(win, |_| {
            fence(Ordering::SeqCst);
            Ok(())
        })
    }
}
