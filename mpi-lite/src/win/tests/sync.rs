//! Epochs: who waits for whom, and what is excluded.

use super::*;
use crate::c::group::*;
use crate::c::win::object::MPI_Win_get_group;
use crate::c::win::sync::*;
use crate::c::win::transfer::*;

#[test]
fn exclusive_locks_exclude() {
    const RANKS: u32 = 4;
    everywhere(RANKS, |rank, form| {
        let (win, base) = allocate(8);
        // SAFETY: one element; own memory is read after the barrier.
        unsafe {
            for round in 0..40 {
                let mut value = 0u64;
                let at: *mut c_void = (&raw mut value).cast();
                let kind = if round % 4 == 3 { MPI_LOCK_SHARED } else { MPI_LOCK_EXCLUSIVE };
                ok(MPI_Win_lock(kind, 1, 0, win));
                ok(MPI_Get(at, 1, MPI_UINT64_T, 1, 0, 1, MPI_UINT64_T, win));
                ok(MPI_Win_flush(1, win));
                if kind == MPI_LOCK_EXCLUSIVE {
                    at.cast::<u64>().write_volatile(value + 1);
                    ok(MPI_Put(at, 1, MPI_UINT64_T, 1, 0, 1, MPI_UINT64_T, win));
                }
                ok(MPI_Win_unlock(1, win));
            }
            barrier();
            if rank == 1 {
                assert_eq!(base.cast::<u64>().read_volatile(), u64::from(RANKS) * 30, "{form:?}");
            }
        }
        free(win);
    });
}

#[test]
fn post_start_complete_wait_around_a_ring() {
    const RANKS: u32 = 3;
    everywhere(RANKS, |rank, form| {
        let (win, base) = allocate(8);
        let ((mut all, mut to, mut from), next) =
            ((MPI_GROUP_NULL, MPI_GROUP_NULL, MPI_GROUP_NULL), ((rank + 1) % RANKS) as i32);
        let before = ((rank + RANKS - 1) % RANKS) as i32;
        // SAFETY: groups of one rank each; own memory is read between wait and post.
        unsafe {
            ok(MPI_Win_get_group(win, &mut all));
            ok(MPI_Group_incl(all, 1, &next, &mut to));
            ok(MPI_Group_incl(all, 1, &before, &mut from));
            for round in 0..30u64 {
                let value = round * 10 + u64::from(rank);
                ok(MPI_Win_post(from, 0, win));
                ok(MPI_Win_start(to, 0, win));
                let at = (&raw const value).cast();
                ok(MPI_Put(at, 1, MPI_UINT64_T, next, 0, 1, MPI_UINT64_T, win));
                ok(MPI_Win_complete(win));
                let mut done = i32::from(round % 2 == 0);
                if done == 1 {
                    ok(MPI_Win_wait(win));
                }
                while done == 0 {
                    ok(MPI_Win_test(win, &mut done));
                }
                assert_eq!(base.cast::<u64>().read_volatile(), round * 10 + before as u64, "{form:?}");
            }
            for mut group in [all, to, from] {
                ok(MPI_Group_free(&mut group));
            }
        }
        free(win);
    });
}
