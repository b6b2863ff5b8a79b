//! `unirank run --profile`: where the program is, sampled by the timer and counted by call stack in a table
//! ([`unirank_hca::profile`]) that the runner reads when the rank is gone.
//!
//! Whoever returns to the program after a timer interrupt calls [`tick`]: a sample is taken if one is due on this
//! processor. What the kernel does for the program counts where the program called it, at most one sample a call; a rank
//! that halts takes none.

use core::sync::atomic::{AtomicU64, Ordering};

use unirank_hca::profile::{DEEPEST, Table};

use crate::cell::KernelCell;
use crate::fault::unwind;
use crate::regs::Regs;
use crate::{mm, time};

/// Pages of the table.
const PAGES: usize = 256;
/// Processors that are sampled each at its own time.
const PROCESSORS: usize = 64;
/// Most samples a second.
const MOST_HZ: u32 = 10_000;

static TABLE: KernelCell<Option<Table<'static>>> = KernelCell::new(None);
/// TSC ticks between samples; 0 while there are none.
static PERIOD: AtomicU64 = AtomicU64::new(0);
/// TSC value at which each processor's next sample is due.
static DUE: [AtomicU64; PROCESSORS] = [const { AtomicU64::new(0) }; PROCESSORS];

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
    PERIOD.store((time::tsc_hz() / u64::from(hz)).max(1), Ordering::Relaxed);
    ctl!("profile {:#x} {len}", start.as_ptr() as u64);
}

/// TSC value at which the timer should interrupt a processor that runs the program; `u64::MAX` without a profile.
pub fn due(processor: usize) -> u64 {
    match PERIOD.load(Ordering::Relaxed) {
        0 => u64::MAX,
        _ => DUE[processor % PROCESSORS].load(Ordering::Relaxed),
    }
}

/// Takes a sample of a program that is about to go on with these registers on this processor, if one is due.
#[inline]
pub fn tick(processor: usize, regs: &Regs) {
    let period = PERIOD.load(Ordering::Relaxed);
    if period == 0 {
        return;
    }
    let (now, due) = (time::tsc(), &DUE[processor % PROCESSORS]);
    if now >= due.load(Ordering::Relaxed) {
        due.store(now + period, Ordering::Relaxed);
        sample(regs);
    }
}

/// Counts the stack that these registers have.
pub fn sample(regs: &Regs) {
    let (mut stack, mut depth) = ([0; DEEPEST], 0);
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
        tick(0, &regs);
        assert_eq!(due(0), u64::MAX);
        let words: &'static mut [u64] = Vec::leak(vec![0; 4096]);
        let view: &'static [u64] = seen_later(words);
        *TABLE.borrow() = Table::new(words, 99);
        PERIOD.store(u64::MAX / 4, Ordering::Relaxed);
        for _ in 0..3 {
            tick(1, &regs);
        }
        tick(2, &regs);
        assert!(due(1) > time::tsc());
        PERIOD.store(0, Ordering::Relaxed);
        *TABLE.borrow() = None;
        let bytes: Vec<u8> = view.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(Profile::decode(&bytes).unwrap().stacks, [(vec![0x40_1000], 2)]);
    }

    /// The table's memory, read when the table is gone.
    fn seen_later(words: &mut [u64]) -> &'static [u64] {
        // SAFETY: leaked memory; it is read only after the table was dropped.
        unsafe { core::slice::from_raw_parts(words.as_ptr(), words.len()) }
    }
}
