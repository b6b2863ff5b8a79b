//! Large pages for ranks' memory that nobody has reserved.
//!
//! Memory that is shared gets pages of 4 KiB from most systems (`shmem_enabled` is `never`), though a process may ask for its
//! pages to be put together (`MADV_COLLAPSE`), which takes a tenth of the time that a VM needs to touch 512 small pages for the
//! first time. The *collector* does that for the RAM of VMs, beside them:
//!
//! - A rank tells when its program gets memory that was never used, and waits (`kernel/src/mm/large.rs`). The stretches of
//!   2 MiB in it get large pages at once, [`MOST_EARLY`] of them at most.
//! - Now and then the collector looks which other stretches a rank uses half of. A program mostly uses memory in order, so those
//!   that come next get their pages, too, half as many as are large already before them, at most [`MOST_AHEAD`].
//!
//! The first touch of fresh memory costs 0.02 to 0.06 instead of 5.5 us for 4 KiB then (KVM without nested paging; a process
//! pays 1.7), and memory in large pages is faster to use in no order: MG and FT of the NAS benchmarks (class W, two VMs) became
//! 8 and 12 % faster, and the whole run of class A of both 15 and 25 % shorter.
//!
//! Small ranks stay small. A job whose ranks could not all use all their memory twice over has no collector: large pages take
//! more memory than is used.

use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use unirank_host_backend::memory::{LARGE_PAGE, Mapping};

use super::super::answers::Answers;
use super::SIZE;
use crate::failure::{Context, Result};

/// A stretch of which so many bytes exist gets a large page.
const BEGUN: u64 = SIZE / 2;
/// Stretches that get their pages because those before them are in use.
const MOST_AHEAD: usize = 32;
/// Stretches that get their pages when a rank says that it is about to use them, and how long it may take: it waits. The
/// pages come 0.2 to 0.3 ms apart, or 5 ms on a host that is a VM and whose own host has yet to find the memory, which is
/// still no more than 512 small ones take when they are touched.
const MOST_EARLY: usize = 128;
const LONGEST_REQUEST: Duration = Duration::from_millis(40);
/// Shortest and longest time between two looks: it doubles when a look found nothing. What a rank has begun to use is copied
/// while it waits for it, which pays for programs that last only.
const LOOK: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(32);
/// Looks take this part of the time at most, by waiting so many times as long between them.
const REST: u32 = 20;
/// So many times in a row no large page was to be had: there are none.
const MOST_FAILURES: u32 = 3;
/// A page that takes more processor time takes more from a rank that runs than it brings.
const SLOW: Duration = Duration::from_millis(2);
/// Whether ranks with so much memory may have more than they use, where so much is available.
pub fn is_plenty(ranks: u32, memory: u64, available: u64) -> bool {
    u64::from(ranks).saturating_mul(memory).saturating_mul(2) <= available
}

/// Requests of a rank that wait; more are left to the next look.
const MOST_REQUESTS: usize = 16;

/// Part of a rank's RAM that is about to be used.
#[derive(Debug)]
pub struct Request {
    /// Offsets in its RAM.
    pub part: Range<u64>,
    /// The rank is told when that was seen to.
    pub answers: Answers,
}

/// Puts the pages of one rank together until it is dropped.
#[derive(Debug)]
pub struct Collector {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    /// For the RAM of a VM, the first `bytes` of `file`.
    pub fn start(file: &impl AsFd, bytes: u64) -> Result<Self> {
        let what = || "mapping the ranks' memory".to_owned();
        let mapping = Mapping::first(file, bytes, "the RAM of a rank").context(what)?;
        let mut ram = Ram::new(file.as_fd().try_clone_to_owned().context(what)?, mapping);
        let (requests, asked) = sync_channel(MOST_REQUESTS);
        let thread = std::thread::Builder::new().name("large pages".into());
        let thread =
            thread.spawn(move || collect(&mut ram, &asked)).context(|| "starting a thread".into())?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// The rank is about to use a part of its RAM.
    pub fn prepare(&self, request: Request) {
        if let Some(requests) = &self.requests {
            // What does not fit stays small; the rank does not wait for ever.
            let _ = requests.try_send(request);
        }
    }
}

fn collect(ram: &mut Ram, asked: &Receiver<Request>) {
    let (mut pause, mut failures) = (LOOK, 0);
    let mut next = Instant::now() + pause;
    loop {
        let makes = failures < MOST_FAILURES;
        let made = match asked.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Request { part, answers }) => {
                let made = if makes { ram.prepare(&part) } else { Ok(0) };
                answers.prepared();
                made
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                let began = Instant::now();
                let made = if makes { ram.look() } else { Ok(0) };
                pause = if made.is_ok_and(|made| made > 0) { LOOK } else { (2 * pause).min(LONGEST) };
                next = Instant::now() + pause.max(began.elapsed() * REST);
                made
            }
        };
        match made {
            Ok(0) => {}
            Ok(_) => failures = 0,
            // Not supported, or none free.
            Err(_) => failures += 1,
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            crate::complain("the thread that puts pages together has failed");
        }
    }
}

/// What becomes of a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stretch {
    /// It is small, and has been tried so often.
    Small(u8),
    /// It is one page, or will never be.
    Done,
}

/// The RAM of one VM.
struct Ram {
    file: OwnedFd,
    mapping: Mapping,
    stretches: Vec<Stretch>,
    /// A page that took longer ends a look.
    slow: Duration,
}

impl Ram {
    fn new(file: OwnedFd, mapping: Mapping) -> Self {
        let stretches = vec![Stretch::Small(0); mapping.len() / LARGE_PAGE];
        Self { file, mapping, stretches, slow: SLOW }
    }

    /// Makes the whole stretches of a part large that is about to be used; how many pages that were.
    fn prepare(&mut self, part: &Range<u64>) -> std::result::Result<usize, Errno> {
        let first = part.start.div_ceil(SIZE) as usize;
        let end =
            ((part.end / SIZE) as usize).min(self.stretches.len()).min(first.saturating_add(MOST_EARLY));
        let began = Instant::now();
        let mut made = 0;
        for stretch in first..end {
            if self.stretches[stretch] != Stretch::Done {
                made += usize::from(self.make(stretch)?);
            }
            if began.elapsed() > LONGEST_REQUEST {
                break;
            }
        }
        Ok(made)
    }

    /// Makes what is begun large, and what comes next, until that is slow; how many pages that were.
    fn look(&mut self) -> std::result::Result<usize, Errno> {
        let mut made = 0;
        let mut next = 0;
        while let Some(begun) = self.begun_from(next) {
            next = begun + 1;
            let mut stretches = begun..next;
            while let Some(stretch) = stretches.next() {
                let began = processor_time();
                let is_made = self.make(stretch)?;
                made += usize::from(is_made);
                if processor_time().saturating_sub(began) > self.slow {
                    return Ok(made);
                }
                if is_made && stretch == begun {
                    stretches = self.ahead(begun);
                }
            }
        }
        Ok(made)
    }

    /// The first stretch from `first` on that is begun and not large.
    fn begun_from(&self, first: usize) -> Option<usize> {
        let mut stretch = first;
        loop {
            stretch += self.stretches.get(stretch..)?.iter().position(|s| *s != Stretch::Done)?;
            let (start, end) = (stretch as u64 * SIZE, (stretch as u64 + 1) * SIZE);
            let data = seek(&self.file, SeekFrom::Data(start)).ok()?;
            if data >= end {
                stretch = (data / SIZE) as usize;
            } else if self.existing(data..end) >= BEGUN {
                return Some(stretch);
            } else {
                stretch += 1;
            }
        }
    }

    /// Bytes of a range that exist; enough to know whether it is begun.
    fn existing(&self, range: Range<u64>) -> u64 {
        let (mut at, mut bytes) = (range.start, 0);
        while at < range.end && bytes < BEGUN {
            let Ok(hole) = seek(&self.file, SeekFrom::Hole(at)) else { break };
            bytes += hole.min(range.end) - at;
            let Ok(data) = seek(&self.file, SeekFrom::Data(hole)) else { break };
            at = data;
        }
        bytes
    }

    /// The stretches behind `last` that get their pages early: none that has something.
    fn ahead(&self, last: usize) -> Range<usize> {
        let run = self.stretches[..=last].iter().rev().take_while(|s| **s == Stretch::Done).count();
        let most = (last + 1 + (run / 2).min(MOST_AHEAD)).min(self.stretches.len());
        let start = (last as u64 + 1) * SIZE;
        let data = seek(&self.file, SeekFrom::Data(start)).map_or(usize::MAX, |data| (data / SIZE) as usize);
        last + 1..most.min(data).max(last + 1)
    }

    /// Makes a stretch one page; false if it is not for now.
    fn make(&mut self, stretch: usize) -> std::result::Result<bool, Errno> {
        /// After so many tries a stretch stays small: something holds its pages.
        const MOST_TRIES: u8 = 3;
        let is_made = match self.mapping.make_large(stretch as u64 * SIZE) {
            Ok(()) => true,
            Err(Errno::AGAIN | Errno::BUSY) => false,
            Err(error) => return Err(error),
        };
        self.stretches[stretch] = match self.stretches[stretch] {
            Stretch::Small(tries) if !is_made && tries + 1 < MOST_TRIES => Stretch::Small(tries + 1),
            _ => Stretch::Done,
        };
        Ok(is_made)
    }
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::memory;
    use rustix::fs::fstat;

    const STRETCHES: usize = 16;

    fn ram() -> Ram {
        let file = memory::sealed("test", STRETCHES as u64 * SIZE).unwrap();
        let mapping = Mapping::new(&file, "test").unwrap();
        Ram { slow: Duration::MAX, ..Ram::new(file, mapping) }
    }

    fn write(ram: &Ram, stretch: usize, pages: usize) {
        for page in 0..pages {
            // Every other one: pages may lie anywhere.
            let at = stretch as u64 * SIZE + 2 * page as u64 * 4096;
            rustix::io::pwrite(&ram.file, b"x", at).unwrap();
        }
    }

    /// Does it until pages that were busy for a moment have become large, too; how many that were in all.
    fn again(
        mut f: impl FnMut() -> std::result::Result<usize, Errno>,
        enough: usize,
    ) -> std::result::Result<usize, Errno> {
        let mut made = 0;
        for _ in 0..3 {
            if made < enough {
                made += f()?;
            }
        }
        Ok(made)
    }

    /// Pretends that a look has made these large.
    fn done(ram: &mut Ram, stretches: Range<usize>) {
        stretches.for_each(|stretch| ram.stretches[stretch] = Stretch::Done);
    }

    #[test]
    fn a_stretch_is_begun_when_enough_of_it_is_there() {
        let mut ram = ram();
        assert_eq!(ram.begun_from(0), None);
        write(&ram, 2, 255);
        assert_eq!(ram.begun_from(0), None);
        write(&ram, 5, 256);
        rustix::io::pwrite(&ram.file, &vec![1; LARGE_PAGE], 9 * SIZE).unwrap();
        assert_eq!(ram.begun_from(0), Some(5));
        assert_eq!(ram.begun_from(6), Some(9));
        done(&mut ram, 5..10);
        assert_eq!((ram.begun_from(0), ram.begun_from(99)), (None, None));
    }

    #[test]
    fn half_as_many_come_early_as_are_large_before_them() {
        let mut ram = ram();
        done(&mut ram, 1..2);
        assert!(ram.ahead(1).is_empty());
        done(&mut ram, 2..3);
        assert_eq!(ram.ahead(2), 3..4);
        done(&mut ram, 3..6);
        assert_eq!(ram.ahead(5), 6..8);
        write(&ram, 7, 1);
        assert_eq!(ram.ahead(5), 6..7, "what has something is left to the next look");
        write(&ram, 6, 1);
        assert!(ram.ahead(5).is_empty());
        done(&mut ram, 0..15);
        assert_eq!(ram.ahead(14), 15..16, "not beyond the end");
        done(&mut ram, 15..16);
        assert!(ram.ahead(15).is_empty());
    }

    #[test]
    fn what_is_begun_becomes_large_and_keeps_its_contents() {
        let mut ram = ram();
        write(&ram, 1, 256);
        write(&ram, 2, 256);
        write(&ram, 8, 255);
        match again(|| ram.look(), 3) {
            Ok(made) => {
                assert_eq!((made, &ram.stretches[1..4]), (3, &[Stretch::Done; 3][..]));
                assert_eq!(ram.stretches[8], Stretch::Small(0));
                let bytes = fstat(&ram.file).unwrap().st_blocks as u64 * 512;
                assert_eq!(bytes, 3 * SIZE + 255 * 4096);
                assert_eq!(ram.look(), Ok(0));
            }
            // An older kernel, or none free.
            Err(error) => assert!([Errno::INVAL, Errno::NOMEM].contains(&error), "{error}"),
        }
        let mut byte = [0];
        rustix::io::pread(&ram.file, &mut byte, SIZE + 199 * 8192).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn a_look_ends_when_pages_are_slow() {
        let mut ram = ram();
        ram.slow = Duration::ZERO;
        write(&ram, 1, 256);
        write(&ram, 2, 256);
        for n in 1..=2 {
            match again(|| ram.look(), 1) {
                Ok(made) => {
                    let large = ram.stretches.iter().filter(|s| **s == Stretch::Done).count();
                    assert_eq!((made, large), (1, n));
                }
                // An older kernel, or none free.
                Err(error) => assert!([Errno::INVAL, Errno::NOMEM].contains(&error), "{error}"),
            }
        }
    }

    #[test]
    fn what_is_about_to_be_used_becomes_large() {
        let mut ram = ram();
        let (start, end) = (2 * SIZE + 4096, 5 * SIZE + 4096);
        match again(|| ram.prepare(&(start..end)), 2) {
            Ok(made) => {
                assert_eq!(made, 2);
                assert_eq!(ram.stretches[2..6].iter().filter(|s| **s == Stretch::Done).count(), 2);
                assert_eq!(ram.prepare(&(start..end)), Ok(0), "they are already");
            }
            // An older kernel, or none free.
            Err(error) => assert!([Errno::INVAL, Errno::NOMEM].contains(&error), "{error}"),
        }
        for nothing in [0..SIZE - 1, SIZE + 1..2 * SIZE, 99 * SIZE..u64::MAX] {
            assert_eq!(ram.prepare(&nothing), Ok(0), "{nothing:?}");
        }
    }

    #[test]
    fn it_stops_when_it_is_dropped_and_when_memory_is_scarce_it_never_begins() {
        let file = memory::sealed("test", SIZE).unwrap();
        drop(Collector::start(&file, SIZE).unwrap());
        assert!(is_plenty(2, 1 << 30, 4 << 30));
        assert!(!is_plenty(2, 1 << 30, (4 << 30) - 1));
        assert!(!is_plenty(u32::MAX, u64::MAX, u64::MAX - 1));
    }
}
