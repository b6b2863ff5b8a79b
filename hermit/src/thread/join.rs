//! Waits for the end of a thread.

use core::ptr;

use hermit_abi::{EDEADLK, Tid};

use super::{THREADS, Thread};
use crate::error::{own, refused};
use crate::futex;

/// Returns at once for a thread that has ended, or was not spawned here: as in Hermit, any number of threads may wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_join(id: Tid) -> i32 {
    let mut threads = THREADS.lock();
    threads.reap();
    let Some(thread) = threads.by_id(id) else { return 0 };
    if thread.region.is_null() {
        return 0;
    }
    // SAFETY: the caller's own.
    if unsafe { (*own().as_ptr()).thread } == ptr::from_mut(thread) {
        return refused(EDEADLK) as i32;
    }
    thread.joining += 1;
    let thread: *mut Thread = thread;
    drop(threads);
    // SAFETY: the record stays while someone joins; only the word that the kernel clears is touched without the lock.
    let alive = unsafe { &(*thread).alive };
    loop {
        let value = alive.load(core::sync::atomic::Ordering::Acquire);
        if value == 0 {
            break;
        }
        futex::wait_for_kernel(alive, value);
    }
    // The kernel wakes one; it wakes the others.
    futex::wake_for_kernel(alive);
    let mut threads = THREADS.lock();
    // SAFETY: under the lock.
    unsafe { (*thread).joining -= 1 };
    threads.reap();
    0
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use hermit_abi::{EINVAL, FUTEX_RELATIVE_TIMEOUT};

    use super::super::*;
    use super::*;
    use crate::time::{Clock, Moment};

    static DONE: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn work(argument: usize) {
        Moment::after(Clock::Monotonic, 20_000_000).sleep();
        DONE.fetch_add(argument, Ordering::SeqCst);
    }

    #[test]
    fn threads_run_and_are_joined_by_many() {
        let ids: Vec<Tid> = (0..8)
            .map(|i| {
                // SAFETY: a function that touches an atomic.
                unsafe { sys_spawn2(work, 1 << i, 2, 0, -1) }
            })
            .collect();
        assert!(ids.iter().all(|&id| id != 0));
        let joiners: Vec<_> = (0..3)
            .map(|_| {
                let ids = ids.clone();
                std::thread::spawn(move || {
                    for id in ids {
                        // SAFETY: any id will do.
                        assert_eq!(unsafe { sys_join(id) }, 0);
                    }
                })
            })
            .collect();
        joiners.into_iter().for_each(|joiner| joiner.join().expect("no panic"));
        assert_eq!(DONE.load(Ordering::SeqCst), 255);
        let mut threads = THREADS.lock();
        threads.reap();
        assert!(ids.iter().all(|&id| threads.by_id(id).is_none()));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut id = 7;
        // SAFETY: a function that touches an atomic; a place for the id.
        unsafe {
            assert_eq!(sys_spawn(&mut id, work, 0, 0, -1), -EINVAL);
            assert_eq!(sys_spawn(&mut id, work, 0, 31, -1), -EINVAL);
            assert_eq!(sys_spawn(&mut id, work, 0, 2, 1023), -EINVAL);
            assert_eq!(sys_spawn(&mut id, work, 0, 2, 5000), -EINVAL);
            assert_eq!(sys_spawn2(work, 0, 2, usize::MAX - 9, -1), 0);
            assert_eq!(id, 7);
            assert_eq!(sys_join(u32::MAX), 0);
            assert_eq!(
                crate::futex::sys_futex_wait(
                    core::ptr::null_mut(),
                    0,
                    core::ptr::null(),
                    FUTEX_RELATIVE_TIMEOUT
                ),
                -EINVAL
            );
        }
    }
}
