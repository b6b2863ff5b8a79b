//! Waiting and waking: what a thread can do alone, and what takes several.

use crate::time::now;
use hermit_abi as abi;
use hermit_abi::{sem_t, timespec};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering::SeqCst};

const MS: u64 = 1_000_000;

fn after(ns: u64) -> timespec {
    timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as i32 }
}

pub unsafe fn alone() {
    let word = AtomicU32::new(5);
    check!(abi::futex_wait(word.as_ptr(), 4, null(), 0), -abi::EAGAIN);
    check!(abi::futex_wait(word.as_ptr(), 5, &after(3 * MS), abi::FUTEX_RELATIVE_TIMEOUT), -abi::ETIMEDOUT);
    let end = now(abi::CLOCK_MONOTONIC) + 3 * MS;
    check!(abi::futex_wait(word.as_ptr(), 5, &after(end), 0), -abi::ETIMEDOUT);
    check!(now(abi::CLOCK_MONOTONIC) >= end, true);
    check!(abi::futex_wait(null_mut(), 5, null(), 0), -abi::EINVAL);
    check!(abi::futex_wait(word.as_ptr(), 5, null(), 2), -abi::EINVAL);
    check!(abi::futex_wait(word.as_ptr(), 5, &timespec { tv_sec: -1, tv_nsec: 0 }, 0), -abi::EINVAL);
    check!(abi::futex_wake(word.as_ptr(), i32::MAX), 0);
    check!(
        (abi::futex_wake(word.as_ptr(), -1), abi::futex_wake(null_mut(), 1)),
        (-abi::EINVAL, -abi::EINVAL)
    );
    semaphore();
    // Blocking with a bound, and yielding without having blocked.
    abi::yield_now();
    let before = now(abi::CLOCK_MONOTONIC);
    abi::block_current_task_with_timeout(3);
    abi::yield_now();
    check!(now(abi::CLOCK_MONOTONIC) >= before + 3 * MS, true);
    // Woken between blocking and yielding: no wait.
    abi::block_current_task();
    abi::wakeup_task(abi::getpid() as u32);
    abi::yield_now();
    check!(abi::get_priority(), abi::NORMAL_PRIO);
    abi::set_priority(abi::getpid() as u32, abi::LOW_PRIO);
    check!(abi::get_priority(), abi::LOW_PRIO);
    abi::set_priority(u32::MAX, abi::HIGH_PRIO);
    check!(abi::errno(), abi::ESRCH);
    abi::set_priority(abi::getpid() as u32, abi::Priority::from(0));
    check!((abi::errno(), abi::get_priority()), (abi::EINVAL, abi::LOW_PRIO));
    queue_alone();
}

unsafe fn semaphore() {
    let mut sem: sem_t = null();
    check!(abi::sem_init(&mut sem, 0, 1), 0);
    check!(abi::sem_trywait(&mut sem), 0);
    check!(abi::sem_trywait(&mut sem) < 0, true);
    check!(abi::sem_timedwait(&mut sem, &after(now(abi::CLOCK_REALTIME) + 3 * MS)), -abi::ETIME);
    check!(abi::sem_timedwait(&mut sem, &after(5)), -abi::ETIME);
    check!((abi::sem_post(&mut sem), abi::sem_post(&mut sem)), (0, 0));
    check!(abi::sem_timedwait(&mut sem, null()), 0);
    check!(abi::sem_timedwait(&mut sem, &after(5)), 0);
    check!(abi::sem_destroy(&mut sem), 0);
    check!(abi::sem_init(&mut sem, 1, 0), -abi::EINVAL);
    check!(abi::sem_init(null_mut(), 0, 0), -abi::EINVAL);
    check!((abi::sem_post(null_mut()), abi::sem_destroy(null_mut())), (-abi::EINVAL, -abi::EINVAL));
    check!(abi::sem_trywait(null_mut()), -abi::EINVAL);
    check!(abi::sem_timedwait(null_mut(), null()), -abi::EINVAL);
}

unsafe fn queue_alone() {
    let word = AtomicUsize::new(0);
    let id = word.as_ptr() as usize;
    check!((abi::wait(id), abi::notify(id, 1)), (-1, -1));
    check!(abi::init_queue(id), 0);
    check!(abi::add_queue(id, 5), -1);
    check!(abi::notify(id, 3), 0);
    check!(abi::destroy_queue(id), 0);
    check!(
        (word.load(SeqCst), abi::init_queue(0), abi::destroy_queue(0), abi::add_queue(0, -1)),
        (0, -1, -1, -1)
    );
}

static STEP: AtomicU32 = AtomicU32::new(0);
static SUM: AtomicUsize = AtomicUsize::new(0);
static IDS: [AtomicI32; 3] = [const { AtomicI32::new(0) }; 3];
static QUEUE: AtomicUsize = AtomicUsize::new(0);
static mut SEM: sem_t = null();

pub unsafe fn together() {
    spawn_and_join();
    wake_a_waiter();
    hand_over_semaphores();
    queue_together();
    block_and_wake();
    for _ in 0..200 {
        // Nobody joins these; what they had is taken back.
        check!(abi::spawn2(add, 1, 2, 1 << 20, -1) != 0, true);
    }
    while SUM.load(SeqCst) != 200 {
        abi::yield_now();
    }
}

/// Has thread-local storage of its own, that begins as the program's does.
extern "C" fn first(argument: usize) {
    std::thread_local!(static OWN: std::cell::Cell<usize> = const { std::cell::Cell::new(77) });
    let was = OWN.get();
    OWN.set(argument);
    // SAFETY: both functions ask for nothing.
    unsafe {
        abi::futex_wake(null_mut(), 1);
        abi::close(-1);
        IDS[argument].store(abi::getpid(), SeqCst);
        if was == 77
            && OWN.get() == argument
            && abi::errno() == abi::EBADF
            && abi::get_priority() == abi::HIGH_PRIO
        {
            SUM.fetch_add(10 + argument, SeqCst);
        }
    }
}

extern "C" fn add(argument: usize) {
    SUM.fetch_add(argument, SeqCst);
}

unsafe fn spawn_and_join() {
    check!(abi::fsync(-1), -abi::EBADF);
    check!(abi::poll(null_mut(), 1, 0), -abi::EFAULT);
    let mut ids = [0; 3];
    for (i, id) in ids.iter_mut().enumerate() {
        check!(abi::spawn(id, first, i, 3, -1), 0);
    }
    for id in ids {
        check!((id != 0, abi::join(id)), (true, 0));
    }
    check!(abi::errno(), abi::EFAULT);
    check!(IDS.each_ref().map(|id| id.load(SeqCst) as u32), ids);
    check!(SUM.swap(0, SeqCst), 33);
    check!(abi::join(ids[0]), 0);
    check!(abi::spawn(null_mut(), add, 0, 0, -1), -abi::EINVAL);
    check!((abi::spawn2(add, 0, 2, 0, 4096), abi::errno()), (0, abi::EINVAL));
    let id = abi::spawn2(add, 5, 2, 100, 0);
    check!((abi::join(id), SUM.swap(0, SeqCst)), (0, 5));
}

extern "C" fn wait_for_step(_: usize) {
    while STEP.load(SeqCst) == 0 {
        // SAFETY: a word that stays.
        unsafe { abi::futex_wait(STEP.as_ptr(), 0, null(), 0) };
    }
    SUM.fetch_add(1, SeqCst);
}

unsafe fn wake_a_waiter() {
    let ids = [(); 3].map(|()| abi::spawn2(wait_for_step, 0, 2, 65536, -1));
    abi::usleep(5000);
    STEP.store(1, SeqCst);
    let woken = abi::futex_wake(STEP.as_ptr(), i32::MAX);
    check!((0..=3).contains(&woken), true);
    for id in ids {
        check!(abi::join(id), 0);
    }
    check!(SUM.swap(0, SeqCst), 3);
}

extern "C" fn take(count: usize) {
    for _ in 0..count {
        // SAFETY: a semaphore that stays.
        if unsafe { abi::sem_timedwait(&raw mut SEM, null()) } == 0 {
            SUM.fetch_add(1, SeqCst);
        }
    }
}

unsafe fn hand_over_semaphores() {
    check!(abi::sem_init(&raw mut SEM, 0, 0), 0);
    let ids = [(); 3].map(|()| abi::spawn2(take, 100, 2, 65536, -1));
    for i in 0..300 {
        check!(abi::sem_post(&raw mut SEM), 0);
        if i % 50 == 0 {
            abi::yield_now();
        }
    }
    for id in ids {
        check!(abi::join(id), 0);
    }
    check!(SUM.swap(0, SeqCst), 300);
    check!(abi::sem_trywait(&raw mut SEM), -abi::ECANCELED);
    check!(abi::sem_destroy(&raw mut SEM), 0);
}

extern "C" fn wait_in_queue(_: usize) {
    let id = QUEUE.as_ptr() as usize;
    // SAFETY: a word that stays.
    unsafe {
        abi::add_queue(id, -1);
        STEP.fetch_add(1, SeqCst);
        if abi::wait(id) == 0 {
            SUM.fetch_add(1, SeqCst);
        }
    }
}

unsafe fn queue_together() {
    let id = QUEUE.as_ptr() as usize;
    STEP.store(0, SeqCst);
    let ids = [(); 4].map(|()| abi::spawn2(wait_in_queue, 0, 2, 65536, -1));
    while STEP.load(SeqCst) != 4 {
        abi::yield_now();
    }
    check!(abi::notify(id, 1), 0);
    while SUM.load(SeqCst) != 1 {
        abi::yield_now();
    }
    check!(abi::notify(id, -1), 0);
    for id in ids {
        check!(abi::join(id), 0);
    }
    check!(SUM.swap(0, SeqCst), 4);
    check!(abi::destroy_queue(id), 0);
}

extern "C" fn block(_: usize) {
    // SAFETY: these ask for nothing.
    unsafe {
        abi::block_current_task();
        STEP.store(9, SeqCst);
        abi::yield_now();
    }
    SUM.fetch_add(1, SeqCst);
}

unsafe fn block_and_wake() {
    let id = abi::spawn2(block, 0, 2, 65536, -1);
    while STEP.load(SeqCst) != 9 {
        abi::yield_now();
    }
    abi::usleep(3000);
    check!(SUM.load(SeqCst), 0);
    abi::wakeup_task(id);
    check!((abi::join(id), SUM.swap(0, SeqCst)), (0, 1));
}
