//! What is refused, with which class.

use super::*;
use crate::c::win::accumulate::*;
use crate::c::win::object::*;
use crate::c::win::sync::*;
use crate::c::win::transfer::*;

#[test]
fn misuse_has_its_class() {
    everywhere(2, |rank, form| {
        let (win, _) = allocate(100);
        let (mut value, other) = (0u64, 1 - rank as i32);
        let at: *mut c_void = (&raw mut value).cast();
        // SAFETY: a place of eight bytes; nothing that is refused is done.
        unsafe {
            ok(MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN));
            let put = |rank, disp, bytes| MPI_Put(at, bytes, MPI_BYTE, rank, disp, bytes, MPI_BYTE, win);
            assert_eq!(put(other, 0, 8), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_flush(other, win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_unlock(other, win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_unlock_all(win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_complete(win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_wait(win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_lock(17, other, 0, win), MPI_ERR_LOCKTYPE);
            assert_eq!(MPI_Win_lock(MPI_LOCK_SHARED, other, 1, win), MPI_ERR_ASSERT);
            assert_eq!(MPI_Win_lock(MPI_LOCK_SHARED, 2, 0, win), MPI_ERR_RANK);
            ok(MPI_Win_lock(MPI_LOCK_SHARED, other, 0, win));
            assert_eq!(MPI_Win_lock(MPI_LOCK_SHARED, other, 0, win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_fence(0, win), MPI_ERR_RMA_SYNC);
            assert_eq!(MPI_Win_free(&mut win.clone()), MPI_ERR_RMA_SYNC);
            assert_eq!(put(other, 93, 8), MPI_ERR_RMA_RANGE);
            assert_eq!(put(other, isize::MAX, 8), MPI_ERR_RMA_RANGE);
            assert_eq!(put(other, -1, 8), MPI_ERR_DISP);
            assert_eq!(put(2, 0, 8), MPI_ERR_RANK);
            assert_eq!(put(rank as i32, 0, 8), MPI_ERR_RMA_SYNC);
            assert_eq!(put(other, 0, -1), MPI_ERR_COUNT);
            ok(put(MPI_PROC_NULL, 0, 8));
            ok(put(other, 92, 8));
            assert_eq!(MPI_Put(at, 1, MPI_INT, other, 0, 1, MPI_DOUBLE, win), MPI_ERR_TRUNCATE);
            let fetch = |op| MPI_Fetch_and_op(at, at, MPI_DOUBLE, other, 0, op, win);
            assert_eq!(fetch(MPI_BAND), MPI_ERR_OP);
            assert_eq!(fetch(MPI_OP_NULL), MPI_ERR_OP);
            assert_eq!(MPI_Compare_and_swap(at, at, at, MPI_DOUBLE, other, 0, win), MPI_ERR_TYPE);
            ok(MPI_Win_unlock(other, win));
            assert_eq!(MPI_Win_attach(win, at, 8), MPI_ERR_RMA_FLAVOR);
            barrier();
        }
        free(win);
        crate::comm::get(MPI_COMM_WORLD)
            .and_then(|c| c.set_errhandler(MPI_ERRORS_RETURN))
            .expect("a handler");
        // SAFETY: refused before anything is touched.
        unsafe {
            assert_eq!(MPI_Win_fence(0, win), MPI_ERR_WIN);
            assert_eq!(MPI_Win_fence(0, MPI_WIN_NULL), MPI_ERR_WIN);
            let mut made = MPI_WIN_NULL;
            let mut create =
                |base, size, unit| MPI_Win_create(base, size, unit, MPI_INFO_NULL, MPI_COMM_WORLD, &mut made);
            assert_eq!(create(at, -1, 1), MPI_ERR_SIZE);
            assert_eq!(create(at, 8, 0), MPI_ERR_DISP);
            assert_eq!(create(null_mut(), 8, 1), MPI_ERR_BASE);
            let mut base = null_mut::<c_void>();
            let place = (&raw mut base).cast();
            let shared = MPI_Win_allocate_shared(8, 1, MPI_INFO_NULL, MPI_COMM_WORLD, place, &mut made);
            assert_eq!(shared, MPI_SUCCESS, "{form:?}");
            free(made);
        }
    });
}

#[test]
fn a_shared_window_needs_shared_memory() {
    everywhere(2, |_, form| {
        crate::comm::get(MPI_COMM_WORLD)
            .and_then(|c| c.set_errhandler(MPI_ERRORS_RETURN))
            .expect("a handler");
        node::install(None);
        let (mut made, mut base) = (MPI_WIN_NULL, null_mut::<c_void>());
        let place = (&raw mut base).cast();
        // SAFETY: places for the results.
        let code = unsafe { MPI_Win_allocate_shared(8, 1, MPI_INFO_NULL, MPI_COMM_WORLD, place, &mut made) };
        assert_eq!((code, made), (MPI_ERR_RMA_SHARED, MPI_WIN_NULL), "{form:?}");
    });
}
