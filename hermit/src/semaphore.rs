//! Counting semaphores.

use core::sync::atomic::{AtomicU32, Ordering};

use hermit_abi::{ECANCELED, EINVAL, ENOMEM, EOVERFLOW, ETIME, sem_t, timespec};

use crate::error::refused;
use crate::time::{Clock, Moment, nanoseconds};
use crate::{futex, heap};

/// A count that threads wait for.
pub struct Semaphore {
    count: AtomicU32,
    waiting: AtomicU32,
}

impl Semaphore {
    pub const fn new(count: u32) -> Self {
        Self { count: AtomicU32::new(count), waiting: AtomicU32::new(0) }
    }

    /// Adds one; false if there are as many as there can be.
    pub fn release(&self) -> bool {
        let more = |count: u32| count.checked_add(1);
        let done = self.count.fetch_update(Ordering::SeqCst, Ordering::Relaxed, more).is_ok();
        if self.waiting.load(Ordering::SeqCst) > 0 {
            futex::wake(&self.count, 1);
        }
        done
    }

    pub fn try_acquire(&self) -> bool {
        let less = |count: u32| count.checked_sub(1);
        self.count.fetch_update(Ordering::SeqCst, Ordering::Relaxed, less).is_ok()
    }

    /// Takes one, waits for it if need be; false when the time is over first.
    pub fn acquire(&self, until: Option<Moment>) -> bool {
        if self.try_acquire() {
            return true;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let acquired = loop {
            if self.try_acquire() {
                break true;
            }
            if futex::timed_out(futex::wait(&self.count, 0, until)) {
                break self.try_acquire();
            }
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        acquired
    }
}

/// The semaphore behind the caller's handle.
///
/// # Safety
/// `sem` is null, or refers to null or to what `sys_sem_init` left there.
unsafe fn behind<'a>(sem: *mut sem_t) -> Option<&'a Semaphore> {
    // SAFETY: as the caller says; the kernel's heap aligns it.
    unsafe { sem.as_ref()?.cast::<Semaphore>().as_ref() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_sem_init(sem: *mut sem_t, pshared: i32, value: u32) -> i32 {
    if sem.is_null() || pshared != 0 {
        return refused(EINVAL) as i32;
    }
    let place = heap::place::<Semaphore>();
    if place.is_null() {
        return refused(ENOMEM) as i32;
    }
    // SAFETY: fresh memory of this size, and the caller's handle.
    unsafe {
        place.write(Semaphore::new(value));
        sem.write(place.cast_const().cast());
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_sem_destroy(sem: *mut sem_t) -> i32 {
    // SAFETY: the caller's handle.
    let Some(semaphore) = (unsafe { behind(sem) }) else { return refused(EINVAL) as i32 };
    // SAFETY: it came from `sys_sem_init`, and the caller says that no one uses it.
    unsafe {
        heap::vacate(core::ptr::from_ref(semaphore).cast_mut());
        sem.write(core::ptr::null());
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_sem_post(sem: *mut sem_t) -> i32 {
    // SAFETY: the caller's handle.
    match unsafe { behind(sem) } {
        None => refused(EINVAL) as i32,
        Some(semaphore) if semaphore.release() => 0,
        Some(_) => refused(EOVERFLOW) as i32,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_sem_trywait(sem: *mut sem_t) -> i32 {
    // SAFETY: the caller's handle.
    match unsafe { behind(sem) } {
        None => refused(EINVAL) as i32,
        Some(semaphore) if semaphore.try_acquire() => 0,
        Some(_) => refused(ECANCELED) as i32,
    }
}

/// Without a time it waits as long as it takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_sem_timedwait(sem: *mut sem_t, abs_timeout: *const timespec) -> i32 {
    // SAFETY: the caller's handle.
    let Some(semaphore) = (unsafe { behind(sem) }) else { return refused(EINVAL) as i32 };
    // SAFETY: null or the caller's. A moment before the epoch is over, too.
    let until = unsafe { abs_timeout.as_ref() }
        .map(|time| Moment { clock: Clock::Realtime, ns: nanoseconds(time).unwrap_or(0) });
    if semaphore.acquire(until) { 0 } else { refused(ETIME) as i32 }
}
