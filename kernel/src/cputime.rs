//! Processor time: how long the program and its threads have run.

use crate::errno::{Errno, Result};
use crate::process::PID;
use crate::thread::{self, sched};
use crate::{cpu, time};

/// Whose processor time a clock counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// All threads together.
    Process,
    /// One thread.
    Thread(u64),
}

/// Number of the current thread.
pub fn own_tid() -> u64 {
    thread::current_tid() as u64
}

/// Processors that can use processor time at once.
pub fn processors() -> u64 {
    cpu::count() as u64
}

/// Processor time of all threads, those that have ended included, nanoseconds.
pub fn process_ns() -> u64 {
    sched::process_cpu_ns()
}

/// Processor time of one thread, nanoseconds; `None` if there is none of this number.
pub fn thread_ns(tid: u64) -> Option<u64> {
    if tid == own_tid() {
        return Some(sched::thread_cpu_ns());
    }
    sched::find(tid).map(|thread| time::duration_ns(thread.ticks()))
}

/// Whose time the clock with a negative number counts, as clock_getcpuclockid(3) and pthread_getcpuclockid(3) make it:
/// the complement of a process or thread number, three bits up, and what it is in these bits.
pub fn of_clock(id: i32) -> Result<Whose> {
    const PER_THREAD: i32 = 4;
    let number = u64::try_from(!(id >> 3)).map_err(|_| Errno::EINVAL)?;
    match (number, id & PER_THREAD != 0) {
        // The three ways to count: user and system time, user time, time on a processor.
        _ if id & 3 > 2 => Err(Errno::EINVAL),
        (0, true) => Ok(Whose::Thread(own_tid())),
        (tid, true) => thread_ns(tid).map(|_| Whose::Thread(tid)).ok_or(Errno::EINVAL),
        (0, false) => Ok(Whose::Process),
        (pid, false) if pid == PID as u64 => Ok(Whose::Process),
        _ => Err(Errno::EINVAL),
    }
}

/// The reading of a clock of processor time.
pub fn read(whose: Whose) -> Result<u64> {
    match whose {
        Whose::Process => Ok(process_ns()),
        Whose::Thread(tid) => thread_ns(tid).ok_or(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_processes_and_threads() {
        // What glibc's MAKE_PROCESS_CPUCLOCK and MAKE_THREAD_CPUCLOCK give.
        let process = |pid: i32| !pid << 3 | 2;
        let thread = |tid: i32| !tid << 3 | 6;
        assert_eq!(of_clock(process(0)), Ok(Whose::Process));
        assert_eq!(of_clock(process(PID as i32)), Ok(Whose::Process));
        assert_eq!(of_clock(thread(PID as i32)), Ok(Whose::Thread(PID as u64)));
        assert_eq!(of_clock(thread(77)), Err(Errno::EINVAL));
        assert_eq!(of_clock(process(77)), Err(Errno::EINVAL));
        assert_eq!(of_clock(!0 << 3 | 3), Err(Errno::EINVAL));
    }
}
