//! Windows of simulated ranks: all ways to reach memory, against what plain memory would do.

mod accumulate;
mod errors;
mod sync;
mod transfer;

use crate::abi::*;
use crate::c::win::create::*;
use crate::node::{self, Windows};
use crate::p2p::engine::Choice;
use crate::p2p::testing::Job;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// How ranks reach each other's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// By windows on all memory.
    Mapped,
    /// What lies in the job region; the rest through the adapter.
    Region,
    /// What lies in the job region; the rest by copies of the system.
    Processes,
    /// Through the adapter only.
    Adapter,
}

const FORMS: [Form; 4] = [Form::Mapped, Form::Region, Form::Processes, Form::Adapter];

/// Runs `body(rank, form)` on `size` ranks in every form.
fn everywhere(size: u32, body: impl Fn(u32, Form) + Sync) {
    for form in FORMS {
        let choice = if form == Form::Adapter { Choice::Hca } else { Choice::Auto };
        let job = Job { choice, windows: form == Form::Mapped, ..Job::of(size) };
        job.run(|rank| {
            if form == Form::Processes {
                node::region().expect("a region").page(rank).process().store(std::process::id(), Relaxed);
                node::set_windows(Windows::Processes { writable: true });
            }
            body(rank, form);
        });
    }
}

/// Asserts that an MPI function succeeded.
fn ok(code: i32) {
    assert_eq!(code, MPI_SUCCESS);
}

/// A window with `bytes` of memory here, all 0, addressed by bytes; and the memory.
fn allocate(bytes: usize) -> (MPI_Win, *mut u8) {
    let (mut win, mut base) = (MPI_WIN_NULL, null_mut::<c_void>());
    let at = (&raw mut base).cast();
    // SAFETY: places for the results.
    ok(unsafe { MPI_Win_allocate(bytes as isize, 1, MPI_INFO_NULL, MPI_COMM_WORLD, at, &mut win) });
    (win, base.cast())
}

/// Ends a window.
fn free(mut win: MPI_Win) {
    // SAFETY: a window's handle.
    ok(unsafe { MPI_Win_free(&mut win) });
    assert_eq!(win, MPI_WIN_NULL);
}

fn barrier() {
    // SAFETY: no arguments to get wrong.
    ok(unsafe { crate::c::coll::MPI_Barrier(MPI_COMM_WORLD) });
}
