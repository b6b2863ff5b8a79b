//! `unirank run --profile`: where the program is, sampled by the timer and counted by call stack in a table
//! ([`unirank_hca::profile`]) that the runner reads when the rank is gone.
//!
//! Each processor samples on its own: [`due`] is part of what the scheduler arms the timer for while a thread of the
//! program runs there, and [`tick`] takes the sample before the program goes on. Time that a processor halts does not
//! count ([`halted`]): samples are of time used, not of time that goes by.
//!
//! An interrupt that meets the kernel cannot see the program's stack. The sample is taken on the way back from the system
//! call, below a frame that stands for the library OS; one call has at most one sample each time it is interrupted.

use core::sync::atomic::{AtomicU64, Ordering};

use unirank_hca::profile::{DEEPEST, LIBRARY_OS, MOST_HZ, Table};

use crate::cell::KernelCell;
use crate::fault::unwind;
use crate::regs::Regs;
use crate::{cpu, mm, time};

/// Pages of the table.
const PAGES: usize = 256;

static TABLE: KernelCell<Option<Table<'static>>> = KernelCell::new(None);
/// TSC ticks between samples; 0 while there are none.
static PERIOD: AtomicU64 = AtomicU64::new(0);
/// TSC value at which each processor's next sample is due.
static DUE: [AtomicU64; cpu::MAX] = [const { AtomicU64::new(0) }; cpu::MAX];

/// Takes so many samples a second from here on, and tells the runner where they are.
pub fn start(hz: u32) {
    let hz = hz.clamp(1, MOST_HZ);
    let Some(start) = mm::kernel_pages(PAGES) else {
        note!("there is no memory for a profile's samples");
        return;
    };
    let len = PAGES * mm::PAGE as usize;
    // SAFETY: pages of the pool, ours from here on, page-aligned; any bytes are words.
    let words = unsafe { core::slice::from_raw_parts_mut(start.as_ptr().cast::<u64>(), len / 8) };
    *TABLE.borrow() = Table::new(words, hz);
    let period = (time::tsc_hz() / u64::from(hz)).max(1);
    let first = time::tsc() + period;
    DUE.iter().for_each(|due| due.store(first, Ordering::Relaxed));
    PERIOD.store(period, Ordering::Relaxed);
    ctl!("profile {:#x} {len}", start.as_ptr() as u64);
}

fn next(processor: u32) -> &'static AtomicU64 {
    &DUE[processor as usize % cpu::MAX]
}

/// TSC value at which the timer should interrupt a processor that runs the program; `u64::MAX` without a profile.
pub fn due(processor: u32) -> u64 {
    match PERIOD.load(Ordering::Relaxed) {
        0 => u64::MAX,
        _ => next(processor).load(Ordering::Relaxed),
    }
}

/// This processor halted for so many ticks: its next sample is due later by that.
pub fn halted(processor: u32, ticks: u64) {
    if PERIOD.load(Ordering::Relaxed) != 0 {
        next(processor).fetch_add(ticks, Ordering::Relaxed);
    }
}

/// What an interrupt met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// The program.
    Program,
    /// The kernel, in a system call of the program.
    LibraryOs,
}

/// Takes a sample of a program that goes on with these registers on this processor later, if one is due.
#[inline]
pub fn tick(processor: u32, met: Met, regs: &Regs) {
    let period = PERIOD.load(Ordering::Relaxed);
    if period == 0 {
        return;
    }
    let (now, due) = (time::tsc(), next(processor));
    if now >= due.load(Ordering::Relaxed) {
        due.store(now + period, Ordering::Relaxed);
        sample(met, regs);
    }
}

/// Counts the stack that these registers have.
fn sample(met: Met, regs: &Regs) {
    let (mut stack, mut depth) = ([LIBRARY_OS; DEEPEST], usize::from(met == Met::LibraryOs));
    unwind::walk(regs, |address| {
        stack[depth] = address;
        depth += 1;
        depth < DEEPEST
    });
    if let Some(Some(table)) = TABLE.try_borrow().as_deref_mut() {
        table.add(&stack[..depth]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unirank_hca::profile::Profile;

    #[test]
    fn samples_are_counted_when_they_are_due() {
        let regs = Regs { rip: 0x40_1000, ..Regs::default() };
        tick(0, Met::Program, &regs);
        halted(0, 1);
        assert_eq!(due(0), u64::MAX);
        let words: &'static mut [u64] = Vec::leak(vec![0; 4096]);
        let view: &'static [u64] = seen_later(words);
        *TABLE.borrow() = Table::new(words, 99);
        PERIOD.store(u64::MAX / 4, Ordering::Relaxed);
        for _ in 0..3 {
            tick(1, Met::Program, &regs);
        }
        tick(2, Met::Program, &regs);
        tick(3, Met::LibraryOs, &regs);
        let (before, now) = (due(1), time::tsc());
        halted(1, 17);
        assert!(before > now && due(1) == before + 17);
        PERIOD.store(0, Ordering::Relaxed);
        *TABLE.borrow() = None;
        let bytes: Vec<u8> = view.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut stacks = Profile::decode(&bytes).unwrap().stacks;
        stacks.sort();
        assert_eq!(stacks, [(vec![0x40_1000], 2), (vec![LIBRARY_OS, 0x40_1000], 1)]);
    }

    /// The table's memory, read when the table is gone.
    fn seen_later(words: &mut [u64]) -> &'static [u64] {
        // SAFETY: leaked memory; it is read only after the table was dropped.
        unsafe { core::slice::from_raw_parts(words.as_ptr(), words.len()) }
    }
}
