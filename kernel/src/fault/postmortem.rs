//! What the runner makes a core file of ([`unirank_hca::postmortem`]): told on the control console as `core ADDRESS BYTES`.
//! The runner reads it, and all other memory, when the VM is gone.

use alloc::vec::Vec;

use unirank_hca::postmortem::{REGISTERS, Record, Region, Thread as Dead};

use crate::arch;
use crate::mm::{self, regions::Kind};
use crate::process;
use crate::regs::Regs;
use crate::signal::{Info, VectorArea};
use crate::thread::{self, Thread, sched};

/// A thread as its core file shows it.
pub struct ThreadState<'a> {
    /// Its number.
    pub tid: u32,
    /// Its name, ended by NUL if shorter.
    pub name: [u8; 16],
    /// The program's registers.
    pub regs: Regs,
    /// Base of its thread-local storage.
    pub fs_base: u64,
    /// Its vector registers as XSAVE stores them; fewer bytes than that if they are not known.
    pub vectors: &'a [u8],
}

/// Tells the runner of all threads, if it wants a core file: the one that died first, with these registers; `vectors` are
/// its vector registers if they were saved.
pub fn send(info: Info, regs: &Regs, vectors: &[u8]) {
    if crate::bootconfig::get().core {
        crate::smp::gather();
        let mut threads = Vec::from([current(regs, vectors)]);
        sched::for_each(|thread| threads.extend(other(thread)));
        match record(info, &threads).and_then(|record| record.encode()) {
            Some(bytes) => {
                // It stays for the runner.
                let bytes = bytes.leak();
                ctl!("core {:#x} {}", bytes.as_ptr() as u64, bytes.len());
            }
            None => note!("no memory is left for what a core file needs"),
        }
    }
}

fn record<'a>(info: Info, threads: &[ThreadState<'a>]) -> Option<Record<'a>> {
    // SAFETY: a value the boot code wrote.
    let xcr0 = unsafe { arch::k_xcr0 };
    let mut record = Record {
        signal: info.signal,
        code: info.code,
        value: info.address(),
        auxv: process::auxv(),
        xcr0: xcr0.into(),
        ..Record::default()
    };
    record.threads.try_reserve_exact(threads.len()).ok()?;
    record.threads.extend(threads.iter().map(|thread| Dead {
        tid: thread.tid,
        name: thread.name,
        registers: registers(&thread.regs, thread.fs_base),
        vectors: &thread.vectors[..vector_bytes(xcr0).min(thread.vectors.len())],
    }));
    record.regions = regions()?;
    Some(record)
}

/// Bytes of the vector state with these components (Intel SDM volume 1, 13.4: the standard format).
fn vector_bytes(xcr0: u32) -> usize {
    match xcr0 {
        0 => 512,
        x if x & 0xe0 != 0 => 2688,
        x if x & 4 != 0 => 832,
        _ => 576,
    }
}

fn registers(r: &Regs, fs_base: u64) -> [u64; REGISTERS] {
    // No system call is to be made again: orig_rax is -1. The data segments are not used.
    [
        r.r15,
        r.r14,
        r.r13,
        r.r12,
        r.rbp,
        r.rbx,
        r.r11,
        r.r10,
        r.r9,
        r.r8,
        r.rax,
        r.rcx,
        r.rdx,
        r.rsi,
        r.rdi,
        u64::MAX,
        r.rip,
        r.cs & 0xffff,
        r.rflags,
        r.rsp,
        r.ss & 0xffff,
        fs_base,
        0,
        0,
        0,
        0,
        0,
    ]
}

/// What a core file shows, the library OS included: its stack may be where things went wrong.
fn regions() -> Option<Vec<Region>> {
    let shown = |kind| matches!(kind, Kind::Image | Kind::Brk | Kind::Mmap | Kind::Stack | Kind::Kernel);
    let (mut count, mut list) = (0, Vec::new());
    mm::for_each_region_now(|_| count += 1);
    // Memory management is not borrowed here: it may have to give memory.
    list.try_reserve_exact(count + mm::regions::SLACK).ok()?;
    mm::for_each_region_now(|region| {
        if shown(region.kind) && list.len() < list.capacity() {
            list.push(Region { start: region.start, end: region.end, rights: region.prot.0 });
        }
    });
    Some(list)
}

/// The state of the thread that is being handled.
fn current<'a>(regs: &Regs, vectors: &'a [u8]) -> ThreadState<'a> {
    let name = thread::current().map_or([0; 16], |me| me.name.get());
    ThreadState {
        tid: thread::current_tid() as u32,
        name,
        regs: *regs,
        fs_base: thread::get_fs_base(),
        vectors,
    }
}

/// The state of another thread, as it entered the kernel: [`crate::smp::gather`] has made those enter it that computed.
fn other(thread: &'static Thread) -> Option<ThreadState<'static>> {
    if thread::current().is_some_and(|me| core::ptr::eq(me, thread)) {
        return None;
    }
    // SAFETY: the top of its kernel stack, which lives for ever.
    let regs = unsafe { thread.registers().read() };
    let name = thread.name.get();
    Some(ThreadState { tid: thread.tid(), name, regs, fs_base: thread.fs_base(), vectors: &[] })
}

/// The vector registers as they are now: the program's, as far as the kernel has not used them since.
pub(crate) fn vectors_now() -> VectorArea {
    let mut area = VectorArea::new();
    area.save();
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_in_the_order_of_linux() {
        let regs = Regs { r15: 1, rip: 2, rsp: 3, rdi: 4, cs: 0x33, ..Regs::default() };
        let list = registers(&regs, 5);
        assert_eq!((list[0], list[16], list[19], list[14], list[17], list[21]), (1, 2, 3, 4, 0x33, 5));
    }

    #[test]
    fn a_record_can_be_read() {
        let info = Info::fault(11, 1, 0x10);
        let thread = ThreadState {
            tid: 7,
            name: [b'n'; 16],
            regs: Regs { rip: 0x40_0000, ..Regs::default() },
            fs_base: 9,
            vectors: &[3; 2752],
        };
        let bytes = record(info, &[thread]).unwrap().encode().unwrap();
        let read = Record::decode(&bytes).unwrap();
        assert_eq!((read.signal, read.value, read.threads[0].tid), (11, 0x10, 7));
        assert_eq!(read.threads[0].vectors, [3; 512]);
    }
}
