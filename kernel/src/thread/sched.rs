//! The scheduler: which thread runs where, and when.
//!
//! Each processor has a queue of threads that could run. A processor with an empty queue takes from the longest of the
//! others; one that finds nothing halts **in the thread that waits there**, so that a lone thread's wait costs no switch.
//! A thread that becomes ready goes to the processor it ran on last if that halts, else to any that does, else into its
//! last one's queue. While others wait, a thread runs for [`SLICE_NS`] at most.
//!
//! The local APIC's timer is armed when something has to happen that no interrupt brings: the end of a time slice, of a
//! wait, a timer of the program. It fires earlier than needed rather than being armed anew at every system call.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::{Base, NOWHERE, State, Thread, Wake};
use crate::arch;
use crate::cell::KernelCell;
use crate::cpu::{self, Cpu};
use crate::fs::like;
use crate::{gate, irq, klock, lapic, net, profile, smp, time, timers};

/// How long a thread runs while others wait for its processor.
const SLICE_NS: u64 = 10_000_000;
/// How long it still runs when one becomes ready that has waited for something.
const SHORT_SLICE_NS: u64 = 1_000_000;

/// The scheduler's lists.
struct Lists {
    /// Threads that could run, by processor.
    queues: Vec<VecDeque<&'static Thread>>,
    /// Threads whose wait a deadline or an event ends.
    waiting: Vec<&'static Thread>,
    /// All threads that have not ended.
    all: Vec<&'static Thread>,
    /// Ended threads, to be used again.
    free: Vec<&'static Thread>,
    /// Ticks of threads that have ended.
    past_ticks: u64,
    /// Count of interrupts when waits were ended last.
    seen_events: u32,
}

static LISTS: KernelCell<Lists> = KernelCell::new(Lists {
    queues: Vec::new(),
    waiting: Vec::new(),
    all: Vec::new(),
    free: Vec::new(),
    past_ticks: 0,
    seen_events: 0,
});

/// Adds a thread that runs, or that [`make_ready`] starts.
pub fn add(thread: &'static Thread) {
    LISTS.borrow().all.push(thread);
}

/// A thread that ended, for use as a new one.
pub fn take_free() -> Option<&'static Thread> {
    LISTS.borrow().free.pop()
}

/// Threads that have not ended.
pub fn count() -> usize {
    LISTS.borrow().all.len()
}

/// Threads that wait for other threads alone: no deadline and no event ends it.
pub fn blocked() -> u32 {
    let waits_for_threads =
        |t: &Thread| t.state.get() == State::Blocked && t.deadline.get() == u64::MAX && !t.on_events.get();
    LISTS.borrow().all.iter().filter(|thread| waits_for_threads(thread)).count() as u32
}

/// The thread with this number.
pub fn find(tid: u64) -> Option<&'static Thread> {
    LISTS.borrow().all.iter().copied().find(|thread| u64::from(thread.tid()) == tid)
}

/// Shows every thread that has not ended.
pub fn for_each(mut show: impl FnMut(&'static Thread)) {
    let all = LISTS.borrow().all.clone();
    all.into_iter().for_each(&mut show);
}

/// Nanoseconds of processor time of all threads, those that ended included.
pub fn process_cpu_ns() -> u64 {
    let lists = LISTS.borrow();
    time::duration_ns(lists.past_ticks + lists.all.iter().map(|thread| thread.ticks()).sum::<u64>())
}

/// Nanoseconds of processor time of the current thread.
pub fn thread_cpu_ns() -> u64 {
    super::current().map_or_else(time::now_ns, |thread| time::duration_ns(thread.ticks()))
}

impl Lists {
    fn queue(&mut self, cpu: u32) -> &mut VecDeque<&'static Thread> {
        let index = cpu as usize;
        if self.queues.len() <= index {
            self.queues.resize_with(index + 1, VecDeque::new);
        }
        &mut self.queues[index]
    }

    /// The next thread for a processor: of its own queue, else of the longest of the others.
    fn pick(&mut self, cpu: u32) -> Option<&'static Thread> {
        let may_run = |t: &&'static Thread| t.may_run_on(cpu) && t.on_cpu().is_none_or(|there| there == cpu);
        let own = self.queue(cpu);
        if let Some(at) = own.iter().position(may_run) {
            return own.remove(at);
        }
        let longest = (0..self.queues.len())
            .filter(|&i| i != cpu as usize && self.queues[i].iter().any(may_run))
            .max_by_key(|&i| self.queues[i].len())?;
        let queue = &mut self.queues[longest];
        let at = queue.iter().position(may_run)?;
        queue.remove(at)
    }

    /// The first moment at which a wait ends or something else is due.
    fn next_deadline(&self) -> u64 {
        let waits = self.waiting.iter().map(|t| t.deadline.get()).min().unwrap_or(u64::MAX);
        let others = like::earlier(timers::next_deadline_ns(), net::next_deadline_ns());
        waits.min(others.map_or(u64::MAX, time::tsc_at))
    }

    /// Waits that an event or their deadline ends now.
    fn due(&mut self, events: bool, now: u64) -> Vec<(&'static Thread, Wake)> {
        let mut due = Vec::new();
        self.waiting.retain(|&thread| {
            let wake = if events && thread.on_events.get() {
                Wake::Event
            } else if thread.deadline.get() <= now {
                Wake::TimedOut
            } else {
                return true;
            };
            due.push((thread, wake));
            false
        });
        due
    }
}

/// Where a ready thread goes: its last processor if that halts, else one that does, else its last or the first allowed.
fn place(thread: &Thread) -> &'static Cpu {
    let allowed = |cpu: &&'static Cpu| thread.may_run_on(cpu.id());
    if let Some(cpu) = thread.on_cpu().and_then(|id| cpu::get(id as usize)).filter(allowed) {
        return cpu;
    }
    let last = Some(thread.cpu()).filter(allowed);
    last.filter(|cpu| cpu.is_idle())
        .or_else(|| cpu::all().filter(allowed).find(|cpu| cpu.is_idle()))
        .or(last)
        .or_else(|| cpu::all().find(allowed))
        .unwrap_or_else(cpu::first)
}

/// Puts a thread into a queue and lets the processor know.
pub fn make_ready(thread: &'static Thread) {
    thread.state.set(State::Ready);
    let cpu = place(thread);
    LISTS.borrow().queue(cpu.id()).push_back(thread);
    let here = cpu::this();
    if cpu.is_idle() && cpu.id() != here.id() {
        smp::kick(cpu);
    } else if let Some(running) =
        cpu.current().filter(|&t| t.state.get() == State::Ready && !core::ptr::eq(t, thread))
    {
        let end = time::tsc() + time::ticks(SHORT_SLICE_NS);
        running.slice_end.set(running.slice_end.get().min(end));
        if cpu.id() == here.id() {
            arm(here, running.slice_end.get());
        } else {
            smp::kick(cpu);
        }
    }
}

/// Ends a thread's wait; false if it does not wait.
pub fn wake(thread: &'static Thread, why: Wake) -> bool {
    if thread.state.get() != State::Blocked {
        return false;
    }
    LISTS.borrow().waiting.retain(|&t| !core::ptr::eq(t, thread));
    thread.wake.set(why);
    make_ready(thread);
    true
}

/// Ends a thread's wait for a signal's sake; false if it is in none that signals end.
pub fn interrupt(thread: &'static Thread) -> bool {
    thread.interruptible.get() && wake(thread, Wake::Signal)
}

/// Lets the processor that runs a thread enter the kernel, if it is another one than this.
pub fn enter_kernel(thread: &Thread) {
    let there = thread.on_cpu().and_then(|id| cpu::get(id as usize));
    if let Some(cpu) = there.filter(|cpu| cpu.id() != cpu::this().id()) {
        smp::kick(cpu);
    }
}

/// Ends all waits that look at a condition: something has changed.
pub fn wake_event_waits() {
    let due = LISTS.borrow().due(true, 0);
    ready_all(due);
}

fn ready_all(due: Vec<(&'static Thread, Wake)>) {
    for (thread, why) in due {
        thread.wake.set(why);
        make_ready(thread);
    }
}

/// Ends the waits that are due, by interrupts and by time, and lets timers expire.
fn wake_due() {
    crate::signal::catch_up();
    net::poll();
    let events = irq::events();
    let due = {
        let mut lists = LISTS.borrow();
        let fresh = core::mem::replace(&mut lists.seen_events, events) != events;
        if lists.waiting.is_empty() {
            return;
        }
        lists.due(fresh, time::tsc())
    };
    ready_all(due);
}

/// How a wait ends.
#[derive(Clone, Copy)]
pub struct Until {
    /// TSC value; `u64::MAX` for never.
    pub deadline: u64,
    /// Interrupts and notifications end it. Those since `seen` count.
    pub events: Option<u32>,
    /// Signals end it.
    pub signals: bool,
}

/// Lets the current thread wait; other threads run meanwhile. Nothing may be borrowed.
pub fn park(until: Until, what: &'static str) -> Wake {
    let Some(me) = super::current() else { return Wake::Event };
    {
        let mut lists = LISTS.borrow();
        if until.events.is_some_and(|seen| seen != irq::events()) {
            return Wake::Event;
        }
        me.state.set(State::Blocked);
        me.deadline.set(until.deadline);
        me.on_events.set(until.events.is_some());
        me.interruptible.set(until.signals);
        me.waits_for.set(what);
        if until.deadline != u64::MAX || until.events.is_some() {
            lists.waiting.push(me);
        }
    }
    reschedule();
    me.interruptible.set(false);
    me.wake.get()
}

/// Lets another thread of this processor's queue run first.
pub fn yield_now() {
    let Some(me) = super::current() else { return };
    let cpu = cpu::this();
    if LISTS.borrow().queue(cpu.id()).is_empty() {
        return;
    }
    LISTS.borrow().queue(cpu.id()).push_back(me);
    reschedule();
}

/// Finds the thread to run here: the current one if it is ready and its turn, another one, or none, until there is one.
pub fn reschedule() {
    let Some(me) = super::current() else { return };
    // It has run until now, whatever its state says of what comes.
    let now = time::tsc();
    me.ran.set(me.ran.get() + now.saturating_sub(me.running_since.get()));
    me.running_since.set(now);
    loop {
        let cpu = me.cpu();
        let wakes = cpu.wakes();
        wake_due();
        let next = LISTS.borrow().pick(cpu.id());
        match next {
            Some(next) if core::ptr::eq(next, me) => break,
            Some(next) => {
                switch(cpu, me, next);
                break;
            }
            // It may only run elsewhere, and nobody can take it before this processor has left its stack.
            None if me.state.get() == State::Ready => {
                if let Some(idler) = cpu.idler() {
                    switch(cpu, me, idler);
                    break;
                }
            }
            None => idle(cpu, wakes),
        }
    }
    if me.state.get() != State::Dead {
        let now = time::tsc();
        me.running_since.set(now);
        me.state.set(State::Ready);
        begin_slice(me.cpu(), me, now);
    }
}

/// Starts the time slice of the thread that is about to run.
fn begin_slice(cpu: &'static Cpu, thread: &'static Thread, now: u64) {
    let mut lists = LISTS.borrow();
    let waiting = !lists.queue(cpu.id()).is_empty();
    let end = now + time::ticks(SLICE_NS);
    thread.slice_end.set(if waiting { end } else { u64::MAX });
    let next = lists.next_deadline();
    drop(lists);
    arm(cpu, next.min(thread.slice_end.get()).min(profile::due(cpu.id())));
}

/// Arms this processor's timer for a moment, unless it fires before it anyway.
pub fn arm(cpu: &'static Cpu, deadline: u64) {
    if deadline < cpu.armed() {
        gate::arm(deadline);
    }
}

fn switch(cpu: &'static Cpu, me: &'static Thread, next: &'static Thread) {
    me.fs_base.set(super::get_fs_base());
    next.on_cpu.set(cpu.id());
    next.cpu.set(cpu);
    cpu.set_current(next);
    cpu.set_previous(me);
    super::set_gs(next);
    super::set_base(Base::Fs, next.fs_base.get());
    // SAFETY: `next` does not run anywhere and left through `k_switch`, or has been prepared to begin.
    unsafe { arch::k_switch(me, next) };
    finish_switch();
}

/// First thing in a thread that comes: the one that left is free to run elsewhere.
fn finish_switch() {
    let Some(previous) = cpu::this().take_previous() else { return };
    previous.on_cpu.set(NOWHERE);
    if previous.state.get() == State::Dead && previous.tid() != 0 {
        LISTS.borrow().free.push(previous);
    } else if previous.state.get() == State::Ready && !previous.may_run_on(cpu::this().id()) {
        smp::kick(place(previous));
    }
}

/// What a processor runs when the thread on it has to leave and no other comes.
pub extern "C" fn idler() -> ! {
    finish_switch();
    loop {
        reschedule();
    }
}

/// Moves the current thread to a processor it may run on, if this one is none.
pub fn leave_forbidden_processor() {
    if let Some(me) = super::current().filter(|me| !me.may_run_on(me.cpu().id())) {
        LISTS.borrow().queue(place(me).id()).push_back(me);
        reschedule();
    }
}

/// Called by `arch/gate.s` in a thread that runs for the first time.
#[unsafe(no_mangle)]
extern "C" fn k_thread_begin() {
    finish_switch();
    if let Some(me) = super::current() {
        let now = time::tsc();
        me.running_since.set(now);
        begin_slice(me.cpu(), me, now);
    }
    klock::release();
}

/// Halts this processor until an interrupt.
fn idle(cpu: &'static Cpu, wakes: u32) {
    let deadline = LISTS.borrow().next_deadline();
    report_deadlock(deadline);
    cpu.set_idle(true);
    klock::release();
    let heartbeat = if cpu.id() == 0 { lapic::next_heartbeat() } else { u64::MAX };
    let start = time::tsc();
    gate::wait(wakes, deadline.min(heartbeat));
    profile::halted(cpu.id(), time::tsc() - start);
    klock::acquire();
    cpu.set_idle(false);
    cpu.take_reschedule();
    if cpu.take_flush() {
        crate::mm::flush_here();
    }
}

/// Ends the rank if every thread waits for another one.
fn report_deadlock(deadline: u64) {
    let others_run = cpu::all().filter(|cpu| !cpu.is_idle()).count() > 1;
    if deadline != u64::MAX || others_run {
        return;
    }
    let lists = LISTS.borrow();
    let hopeless = !lists.all.is_empty()
        && lists.all.iter().all(|t| t.state.get() == State::Blocked && !t.on_events.get());
    if !hopeless {
        return;
    }
    let threads = lists.all.len();
    let main = lists.all[0];
    drop(lists);
    crate::fault::deadlock(main, threads);
}

/// Whether the current thread should make way: its time is over and others wait.
fn is_over(cpu: &Cpu, me: &Thread, now: u64) -> bool {
    now >= me.slice_end.get() && !LISTS.borrow().queue(cpu.id()).is_empty()
}

/// What interrupts left to do, on the way back to the program: waits that are due, and the end of the time slice.
pub fn tick() {
    let Some(me) = super::current() else { return };
    wake_due();
    let cpu = me.cpu();
    let now = time::tsc();
    if !me.may_run_on(cpu.id()) {
        leave_forbidden_processor();
    } else if is_over(cpu, me, now) {
        LISTS.borrow().queue(cpu.id()).push_back(me);
        reschedule();
    } else {
        let mut lists = LISTS.borrow();
        let waiting = !lists.queue(cpu.id()).is_empty();
        if waiting && me.slice_end.get() == u64::MAX {
            me.slice_end.set(now + time::ticks(SLICE_NS));
        }
        let next = lists.next_deadline().min(if waiting { me.slice_end.get() } else { u64::MAX });
        drop(lists);
        arm(cpu, next.min(profile::due(cpu.id())));
    }
}

/// Ends the current thread; the others go on.
pub fn end_current() -> ! {
    if let Some(me) = super::current() {
        let mut lists = LISTS.borrow();
        lists.past_ticks += me.ticks();
        lists.all.retain(|&t| !core::ptr::eq(t, me));
        me.state.set(State::Dead);
    }
    loop {
        reschedule();
    }
}

/// Changes the processors a thread may run on; one that runs elsewhere moves soon.
pub fn set_affinity(thread: &'static Thread, mask: u64) {
    thread.affinity.set(mask);
    if super::current().is_some_and(|me| core::ptr::eq(me, thread)) {
        leave_forbidden_processor();
    } else if let Some(cpu) = thread.on_cpu().and_then(|id| cpu::get(id as usize)) {
        if !cpu.is_idle() && !thread.may_run_on(cpu.id()) {
            smp::kick(cpu);
        }
    } else if thread.state.get() == State::Ready {
        smp::kick(place(thread));
    }
}
