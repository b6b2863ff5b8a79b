//! Collective access to interleaved data: ranks exchange data so that each reads or writes dense regions.
//!
//! The part of the file that all ranks together access is dealt out to *collectors* in regions of fixed size, one each per round.
//! In a round every rank tells each collector which pieces of its region it wants to have or to give; a collector then needs few
//! calls for its region. As offsets ascend in a stream, rounds take it from the beginning to the end.
//!
//! Only what ranks give is written: holes belong to whoever else has the file open.

use super::access::{Buffer, Direction, Moved};
use super::view::{Run, View};
use super::{File, convert};
use crate::coll::alltoall::{Blocks, alltoall};
use crate::coll::{Receive, Send};
use crate::comm::Comm;
use crate::datatype::{self, Packer};
use crate::error::Result;
use crate::win::create::exchange;

/// Bytes of the file that a collector has in a round.
const REGION: u64 = 1 << 20;
/// Of so many bytes of the file one must be wanted, else ranks do better alone.
const SPARSE: u64 = 8;

/// Who collects what.
struct Plan {
    low: u64,
    high: u64,
    collectors: usize,
    ranks: usize,
}

impl Plan {
    fn rounds(&self) -> u64 {
        (self.high - self.low).div_ceil(REGION * self.collectors as u64)
    }

    /// Start and end of a collector's region.
    fn region(&self, round: u64, collector: usize) -> (u64, u64) {
        let start = self.low + (round * self.collectors as u64 + collector as u64) * REGION;
        (start, start + REGION)
    }

    /// Collectors are spread over the ranks.
    fn rank(&self, collector: usize) -> usize {
        collector * self.ranks / self.collectors
    }

    /// The collector that a rank is.
    fn collector(&self, rank: usize) -> Option<usize> {
        (0..self.collectors).find(|c| self.rank(*c) == rank)
    }
}

/// Takes from `runs` what lies before `end`; what reaches beyond stays in `rest`.
fn before(runs: &mut impl Iterator<Item = Run>, rest: &mut Option<Run>, end: u64) -> Vec<Run> {
    let mut pieces = Vec::new();
    while let Some(run) = rest.take().or_else(|| runs.next()) {
        if run.offset >= end {
            *rest = Some(run);
            break;
        }
        let len = run.len.min(end - run.offset);
        pieces.push(Run { len, ..run });
        if len < run.len {
            *rest = Some(Run { offset: end, len: run.len - len });
            break;
        }
    }
    pieces
}

/// A list of pieces in front of a message.
fn list(pieces: &[Run], message: &mut Vec<u8>) {
    message.extend((pieces.len() as u64).to_ne_bytes());
    pieces.iter().flat_map(|run| [run.offset, run.len]).for_each(|word| message.extend(word.to_ne_bytes()));
}

/// The pieces in front of a message, and what follows them.
fn listed(message: &[u8]) -> (Vec<Run>, &[u8]) {
    let word = |at: usize| {
        message
            .get(8 * at..8 * at + 8)
            .map_or(0, |bytes| bytes.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte)))
    };
    let n = word(0) as usize;
    let pieces = (0..n).map(|i| Run { offset: word(1 + 2 * i), len: word(2 + 2 * i) }).collect();
    (pieces, message.get(8 + 16 * n..).unwrap_or(&[]))
}

/// Sends `messages[r]` to rank r; gives what each rank sent.
fn swap(comm: &Comm, messages: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let byte = datatype::byte();
    let send = |bytes: &[u8]| (bytes.as_ptr(), bytes.len());
    let sends = |parts: Vec<(*const u8, usize)>| -> Vec<Send<'_>> {
        parts.into_iter().map(|(at, count)| Send { at, count, dt: &byte }).collect()
    };
    let lengths: Vec<[u8; 8]> = messages.iter().map(|message| (message.len() as u64).to_ne_bytes()).collect();
    let mut theirs = vec![[0u8; 8]; messages.len()];
    let rooms: Vec<_> =
        theirs.iter_mut().map(|room| Receive { at: room.as_mut_ptr(), count: 8, dt: &byte }).collect();
    let outgoing = sends(lengths.iter().map(|length| send(length)).collect());
    // SAFETY: all memory is of this function and lives until the call is over.
    unsafe { alltoall(comm, Some(&outgoing), &rooms, Blocks::Equal)? };
    let mut got: Vec<Vec<u8>> =
        theirs.iter().map(|length| vec![0; u64::from_ne_bytes(*length) as usize]).collect();
    let rooms: Vec<_> =
        got.iter_mut().map(|room| Receive { at: room.as_mut_ptr(), count: room.len(), dt: &byte }).collect();
    let outgoing = sends(messages.iter().map(|message| send(message)).collect());
    // SAFETY: as above.
    unsafe { alltoall(comm, Some(&outgoing), &rooms, Blocks::Any)? };
    Ok(got)
}

/// Joins pieces that touch or overlap.
fn joined(mut pieces: Vec<Run>, hole: u64) -> Vec<Run> {
    pieces.sort_by_key(|run| run.offset);
    let mut all: Vec<Run> = Vec::new();
    for run in pieces {
        match all.last_mut() {
            Some(last) if run.offset <= last.offset + last.len + hole => {
                last.len = last.len.max(run.offset + run.len - last.offset);
            }
            _ => all.push(run),
        }
    }
    all
}

impl File {
    /// Moves the data of all ranks. One whose arguments are wrong takes part, so that the others do not wait for it.
    ///
    /// # Safety
    /// The buffer is as the program says.
    pub unsafe fn transfer_together(
        &self,
        direction: Direction,
        view: &View,
        ready: Result<(Buffer, u64)>,
    ) -> Result<Moved> {
        let plan = if self.comm.size() == 1 || self.is_atomic() { None } else { self.plan(view, &ready)? };
        let Some(plan) = plan else {
            let (buffer, start) = ready?;
            // SAFETY: the caller's promise.
            return unsafe { self.transfer(direction, view, start, &buffer) };
        };
        let mut nothing = [];
        let byte = datatype::byte();
        let Ok((buffer, start)) = &ready else {
            // SAFETY: no bytes at all.
            let mut packer = unsafe { Packer::new(&byte, 0, nothing.as_mut_ptr()) };
            self.rounds(direction, &plan, view, 0, &mut packer)?;
            return ready.map(|_| Moved::default());
        };
        let (count, dt, native) = (buffer.count, &buffer.dt, view.datarep.is_native());
        let mut data = Vec::new();
        let mut failed = Ok(());
        if !native && direction == Direction::Write {
            // SAFETY: the caller's promise; writing only reads.
            match unsafe { convert::to_file(&view.datarep, dt, count, buffer.at) } {
                Ok(converted) => data = converted,
                Err(error) => failed = Err(error),
            }
        } else if !native {
            data = vec![0; buffer.bytes as usize];
        }
        // SAFETY: the caller's promise, or this function's memory.
        let mut packer = unsafe {
            if native {
                Packer::new(dt, count, buffer.at)
            } else {
                Packer::new(&byte, data.len(), data.as_mut_ptr())
            }
        };
        let moved = self.rounds(direction, &plan, view, *start, &mut packer)?;
        failed?;
        let memory = match (native, direction) {
            (true, _) => moved,
            (false, Direction::Write) => (count * dt.size()) as u64,
            // SAFETY: the caller's promise.
            (false, Direction::Read) => unsafe {
                convert::from_file(&view.datarep, dt, count, &mut data[..moved as usize], buffer.at)?
            },
        };
        Ok(Moved { stream: moved, memory })
    }

    /// Whether and how ranks work together: if their parts are scattered and lie between each other. Collective.
    fn plan(&self, view: &View, ready: &Result<(Buffer, u64)>) -> Result<Option<Plan>> {
        let hints = self.hints.borrow().clone();
        let mut mine = [u64::from(hints.collective), hints.collectors as u64, u64::MAX, 0, 0, 0];
        if let Ok((Buffer { bytes, .. }, start)) = ready
            && *bytes > 0
        {
            let mut runs = view.runs(*start, *bytes);
            if let (Some(first), Ok(last)) = (runs.next(), view.offset(start + bytes - 1)) {
                mine[2..].copy_from_slice(&[
                    first.offset,
                    last + 1,
                    *bytes,
                    u64::from(runs.next().is_some()),
                ]);
            }
        }
        let mut all = exchange(&self.comm, mine)?;
        let wanted = all.iter().all(|words| words[0] != 0) && all.iter().any(|words| words[5] != 0);
        let collectors = all.iter().map(|words| words[1] as usize).min().unwrap_or(1).max(1);
        all.retain(|words| words[4] > 0);
        all.sort_unstable_by_key(|words| words[2]);
        let interleaved = all.windows(2).any(|pair| pair[1][2] < pair[0][3]);
        let (low, high) =
            (all.first().map_or(0, |words| words[2]), all.iter().map(|words| words[3]).max().unwrap_or(0));
        let bytes = all.iter().fold(0u64, |sum, words| sum.saturating_add(words[4]));
        let dense = bytes.saturating_mul(SPARSE) >= high - low;
        let plan = Plan { low, high, collectors, ranks: self.comm.size() };
        Ok((wanted && interleaved && dense).then_some(plan))
    }

    /// All rounds; says how many bytes of this rank's stream were moved.
    fn rounds(
        &self,
        direction: Direction,
        plan: &Plan,
        view: &View,
        start: u64,
        packer: &mut Packer,
    ) -> Result<u64> {
        let mut runs = view.runs(start, packer.len() as u64);
        let (mut rest, mut outcome, mut moved, mut ended) = (None, Ok(()), 0, false);
        let role = plan.collector(self.comm.rank());
        let mut bytes = vec![0; if role.is_some() { REGION as usize } else { 0 }];
        for round in 0..plan.rounds() {
            let mut messages = vec![Vec::new(); plan.ranks];
            let mut wanted = vec![0; plan.collectors];
            for collector in 0..plan.collectors {
                let pieces = before(&mut runs, &mut rest, plan.region(round, collector).1);
                if pieces.is_empty() {
                    continue;
                }
                let message = &mut messages[plan.rank(collector)];
                list(&pieces, message);
                wanted[collector] = pieces.iter().map(|run| run.len as usize).sum::<usize>();
                if direction == Direction::Write {
                    let from = message.len();
                    message.resize(from + wanted[collector], 0);
                    moved += packer.pack(&mut message[from..]) as u64;
                }
            }
            let got = swap(&self.comm, &messages)?;
            let region = role.map(|collector| plan.region(round, collector).0);
            if direction == Direction::Write {
                if let Some(start) = region {
                    outcome = outcome.and(self.write_region(start, &got, &mut bytes));
                }
                continue;
            }
            let mut replies = vec![Vec::new(); plan.ranks];
            if let Some(start) = region {
                outcome = outcome.and(self.read_region(start, &got, &mut bytes, &mut replies));
            }
            let back = swap(&self.comm, &replies)?;
            for (collector, wanted) in wanted.into_iter().enumerate() {
                let reply = &back[plan.rank(collector)];
                if !ended {
                    moved += packer.unpack(reply) as u64;
                }
                // What follows the end of the file is not there either.
                ended |= reply.len() < wanted;
            }
        }
        self.agree([], outcome)?;
        Ok(moved)
    }

    /// Writes what ranks gave for the region from `start` on.
    fn write_region(&self, start: u64, messages: &[Vec<u8>], region: &mut [u8]) -> Result<()> {
        let mut pieces = Vec::new();
        for (list, mut data) in messages.iter().map(|message| listed(message)) {
            for run in list {
                let (now, later) = data.split_at(run.len as usize);
                let at = (run.offset - start) as usize;
                region[at..at + now.len()].copy_from_slice(now);
                data = later;
                pieces.push(run);
            }
        }
        joined(pieces, 0).into_iter().try_for_each(|run| {
            let at = (run.offset - start) as usize;
            self.write_at(run.offset, &region[at..at + run.len as usize])
        })
    }

    /// Reads what ranks want of the region from `start` on; a reply is short where the file ends.
    fn read_region(
        &self,
        start: u64,
        messages: &[Vec<u8>],
        region: &mut [u8],
        replies: &mut [Vec<u8>],
    ) -> Result<()> {
        let lists: Vec<Vec<Run>> = messages.iter().map(|message| listed(message).0).collect();
        let mut end = u64::MAX;
        for run in joined(lists.concat(), super::runs::HOLE) {
            let at = (run.offset - start) as usize;
            let got = self.read_at(run.offset, &mut region[at..at + run.len as usize])?;
            if got < run.len as usize {
                end = run.offset + got as u64;
                break;
            }
        }
        for (list, reply) in lists.iter().zip(replies) {
            for run in list {
                let at = (run.offset - start) as usize;
                let len = run.len.min(end.saturating_sub(run.offset)) as usize;
                reply.extend_from_slice(&region[at..at + len]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(offset: u64, len: u64) -> Run {
        Run { offset, len }
    }

    #[test]
    fn runs_are_cut_where_regions_end() {
        let mut runs = [run(0, 10), run(20, 100), run(200, 5)].into_iter();
        let mut rest = None;
        assert_eq!(before(&mut runs, &mut rest, 15), [run(0, 10)]);
        assert_eq!(before(&mut runs, &mut rest, 50), [run(20, 30)]);
        assert_eq!(before(&mut runs, &mut rest, 60), [run(50, 10)]);
        assert_eq!(before(&mut runs, &mut rest, 300), [run(60, 60), run(200, 5)]);
        assert_eq!(before(&mut runs, &mut rest, 400), []);
    }

    #[test]
    fn lists_come_back_as_they_were_sent() {
        let pieces = [run(7, 1), run(1 << 40, 3)];
        let mut message = Vec::new();
        list(&pieces, &mut message);
        message.extend(b"abc");
        assert_eq!(listed(&message), (pieces.to_vec(), &b"abc"[..]));
        assert_eq!(listed(&[]), (Vec::new(), &[][..]));
    }

    #[test]
    fn pieces_that_touch_or_overlap_become_one() {
        let pieces = vec![run(50, 5), run(0, 10), run(5, 20), run(25, 1), run(100, 1)];
        assert_eq!(joined(pieces.clone(), 0), [run(0, 26), run(50, 5), run(100, 1)]);
        assert_eq!(joined(pieces, 30), [run(0, 55), run(100, 1)]);
    }

    #[test]
    fn every_byte_has_one_collector() {
        let plan = Plan { low: 5, high: 5 + 7 * REGION, collectors: 3, ranks: 8 };
        assert_eq!(plan.rounds(), 3);
        let mut next = 5;
        for (round, collector) in (0..3).flat_map(|round| (0..3).map(move |c| (round, c))) {
            assert_eq!(plan.region(round, collector), (next, next + REGION));
            next += REGION;
        }
        let ranks: Vec<usize> = (0..3).map(|c| plan.rank(c)).collect();
        assert_eq!(
            (ranks.clone(), plan.collector(ranks[2]), plan.collector(1)),
            (vec![0, 2, 5], Some(2), None)
        );
    }
}
