//! Queues of threads that wait for a condition, named by the address of a word of the program's.
//!
//! The protocol of the crate: a thread enters the queue (`add_queue`), gives up its lock, waits (`wait`); another
//! lets one or all of those go that have entered (`notify`), also before they wait.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::heap;
use crate::lock::Lock;
use crate::semaphore::Semaphore;

/// What all of these functions return for an error.
const FAILED: i32 = -1;

struct Queue {
    entered: AtomicUsize,
    go: Semaphore,
    gone: Semaphore,
}

/// One thread at a time makes a queue.
static MAKING: Lock<()> = Lock::new(());

/// The queue whose address is in the word at `id`.
///
/// # Safety
/// `id` is 0 or the address of a word that holds 0 or what [`make`] put there.
unsafe fn queue<'a>(id: usize) -> Option<&'a Queue> {
    // SAFETY: as the caller says.
    let word = unsafe { (id as *const AtomicUsize).as_ref() }?;
    // SAFETY: as the caller says.
    unsafe { (word.load(Ordering::Acquire) as *const Queue).as_ref() }
}

/// As [`queue`], and makes it if there is none.
///
/// # Safety
/// As [`queue`].
unsafe fn make<'a>(id: usize) -> Option<&'a Queue> {
    let _making = MAKING.lock();
    // SAFETY: as the caller says.
    let word = unsafe { (id as *const AtomicUsize).as_ref() }?;
    if word.load(Ordering::Acquire) == 0 {
        let place = heap::place::<Queue>();
        if place.is_null() {
            return None;
        }
        let fresh = Queue { entered: AtomicUsize::new(0), go: Semaphore::new(0), gone: Semaphore::new(0) };
        // SAFETY: fresh memory of this size.
        unsafe { place.write(fresh) };
        word.store(place as usize, Ordering::Release);
    }
    // SAFETY: as the caller says.
    unsafe { queue(id) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_init_queue(id: usize) -> i32 {
    // SAFETY: the caller's word.
    if unsafe { make(id) }.is_some() { 0 } else { FAILED }
}

/// A bound on the wait is an error, as it is in Hermit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_add_queue(id: usize, timeout_ns: i64) -> i32 {
    // SAFETY: the caller's word.
    match unsafe { make(id) } {
        Some(queue) if timeout_ns <= 0 => {
            queue.entered.fetch_add(1, Ordering::SeqCst);
            0
        }
        _ => FAILED,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_wait(id: usize) -> i32 {
    // SAFETY: the caller's word.
    let Some(queue) = (unsafe { queue(id) }) else { return FAILED };
    queue.go.acquire(None);
    queue.gone.release();
    0
}

/// A negative count lets all go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_notify(id: usize, count: i32) -> i32 {
    // SAFETY: the caller's word.
    let Some(queue) = (unsafe { queue(id) }) else { return FAILED };
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    let one_less = |entered: usize| entered.checked_sub(1);
    while left > 0 && queue.entered.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
        queue.go.release();
        queue.gone.acquire(None);
        left -= 1;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_destroy_queue(id: usize) -> i32 {
    if id == 0 {
        return FAILED;
    }
    // SAFETY: the caller's word; a queue in it came from `make`, and the caller says that no one uses it.
    unsafe {
        if let Some(queue) = queue(id) {
            heap::vacate(core::ptr::from_ref(queue).cast_mut());
            (*(id as *const AtomicUsize)).store(0, Ordering::Release);
        }
    }
    0
}
