//! Bytes or messages that go from one end to another in memory: pipes, and each direction of a socket pair.

use super::attr::S_IFIFO;
use super::like::{FileLike, event};
use crate::errno::{Errno, Result};
use crate::irq;
use crate::mm::room::room;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;

/// Bytes a pipe holds, as on Linux.
pub const CAPACITY: usize = 64 << 10;
/// A write up to this length is not mixed with others (PIPE_BUF).
const ATOMIC: usize = 4096;

/// How writes become reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes; short writes are atomic.
    Pipe,
    /// Bytes.
    Stream,
    /// Each write is one read.
    Messages,
}

struct Queue {
    kind: Kind,
    bytes: VecDeque<u8>,
    /// Lengths of the messages in `bytes`.
    lengths: VecDeque<usize>,
    reader: bool,
    writer: bool,
    /// Writes so far, and reads.
    written: u64,
    taken: u64,
}

/// The end that gives.
pub struct Reader(Rc<RefCell<Queue>>);
/// The end that takes.
pub struct Writer(Rc<RefCell<Queue>>);

/// A new queue's two ends.
pub fn new(kind: Kind) -> (Reader, Writer) {
    let queue = Rc::new(RefCell::new(Queue {
        kind,
        bytes: VecDeque::new(),
        lengths: VecDeque::new(),
        reader: true,
        writer: true,
        written: 0,
        taken: 0,
    }));
    (Reader(queue.clone()), Writer(queue))
}

impl Reader {
    /// Takes what is there, or looks at it: the bytes copied and, of a message, its whole length.
    pub fn take(&self, buf: &mut [u8], peek: bool) -> Result<(usize, usize)> {
        let queue = &mut *self.0.borrow_mut();
        let ahead = match queue.kind {
            Kind::Messages => queue.lengths.front().copied(),
            _ => Some(queue.bytes.len()).filter(|&n| n > 0),
        };
        let Some(ahead) = ahead else {
            return if queue.writer && !buf.is_empty() { Err(Errno::EAGAIN) } else { Ok((0, 0)) };
        };
        let n = ahead.min(buf.len());
        let (front, back) = queue.bytes.as_slices();
        let split = n.min(front.len());
        buf[..split].copy_from_slice(&front[..split]);
        buf[split..n].copy_from_slice(&back[..n - split]);
        if !peek {
            let whole = if queue.kind == Kind::Messages { ahead } else { n };
            queue.bytes.drain(..whole);
            queue.lengths.pop_front();
            queue.taken += 1;
            irq::notify();
        }
        Ok((n, if queue.kind == Kind::Messages { ahead } else { n }))
    }

    /// Bytes of the next read.
    pub fn ahead(&self) -> usize {
        let queue = self.0.borrow();
        queue.lengths.front().copied().unwrap_or(queue.bytes.len())
    }

    /// Something can be read, and: nobody can write any more.
    pub fn state(&self) -> (bool, bool) {
        let queue = self.0.borrow();
        (!queue.bytes.is_empty() || !queue.lengths.is_empty(), !queue.writer)
    }

    /// Changes with each write, and with the writer's end.
    pub fn activity(&self) -> u64 {
        let queue = self.0.borrow();
        queue.written + u64::from(!queue.writer)
    }

    /// What is there can be read, more does not come.
    pub fn end(&self) {
        self.0.borrow_mut().writer = false;
        irq::notify();
    }

    /// No more is read.
    pub fn close(&self) {
        let mut queue = self.0.borrow_mut();
        queue.reader = false;
        queue.bytes = VecDeque::new();
        queue.lengths = VecDeque::new();
        irq::notify();
    }
}

impl Writer {
    /// Adds what there is room for.
    pub fn put(&self, data: &[u8]) -> Result<usize> {
        let queue = &mut *self.0.borrow_mut();
        if !queue.reader || !queue.writer {
            return Err(Errno::EPIPE);
        }
        let free = CAPACITY.saturating_sub(queue.bytes.len());
        // Into a queue that is not full, a message goes as a whole. The queue of empty ones has an end as well.
        let takes_message = queue.kind == Kind::Messages && free > 0 && queue.lengths.len() < ATOMIC;
        let n = match queue.kind {
            Kind::Messages if data.len() > CAPACITY => return Err(Errno::EMSGSIZE),
            Kind::Messages if takes_message => data.len(),
            Kind::Stream => free.min(data.len()),
            Kind::Pipe if data.len() > ATOMIC || data.len() <= free => free.min(data.len()),
            _ => 0,
        };
        if n == 0 && !(data.is_empty() && free > 0) {
            return Err(Errno::EAGAIN);
        }
        let needed = queue.bytes.len() + n;
        if needed > queue.bytes.capacity() {
            room(needed.next_power_of_two())?;
            queue.bytes.try_reserve(n).map_err(|_| Errno::ENOMEM)?;
        }
        if takes_message {
            queue.lengths.push_back(n);
        }
        queue.bytes.extend(&data[..n]);
        queue.written += 1;
        irq::notify();
        Ok(n)
    }

    /// Something can be written, and: nobody reads any more.
    pub fn state(&self) -> (bool, bool) {
        let queue = self.0.borrow();
        let least = if queue.kind == Kind::Messages { 1 } else { ATOMIC };
        (CAPACITY.saturating_sub(queue.bytes.len()) >= least && queue.lengths.len() < ATOMIC, !queue.reader)
    }

    /// Changes with each read, and with the reader's end.
    pub fn activity(&self) -> u64 {
        let queue = self.0.borrow();
        queue.taken + u64::from(!queue.reader)
    }

    /// No more is written.
    pub fn close(&self) {
        self.0.borrow_mut().writer = false;
        irq::notify();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

impl FileLike for Reader {
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        self.take(buf, false).map(|(n, _)| n)
    }

    fn write(&self, _: &[u8]) -> Result<usize> {
        Err(Errno::EBADF)
    }

    fn events(&self) -> u32 {
        let (ready, ended) = self.state();
        event::when(ready, event::READ) | event::when(ended, event::HUP)
    }

    fn activity(&self) -> u64 {
        Reader::activity(self)
    }

    fn bytes_ahead(&self) -> Result<u32> {
        Ok(self.ahead() as u32)
    }

    fn mode(&self) -> u32 {
        S_IFIFO | 0o600
    }
}

impl FileLike for Writer {
    fn read(&self, _: &mut [u8]) -> Result<usize> {
        Err(Errno::EBADF)
    }

    fn write(&self, data: &[u8]) -> Result<usize> {
        self.put(data)
    }

    fn events(&self) -> u32 {
        let (room, ended) = self.state();
        event::when(room, event::WRITE) | event::when(ended, event::ERR)
    }

    fn activity(&self) -> u64 {
        Writer::activity(self)
    }

    fn bytes_ahead(&self) -> Result<u32> {
        Ok(self.0.borrow().bytes.len() as u32)
    }

    fn mode(&self) -> u32 {
        S_IFIFO | 0o600
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_through_in_order() {
        let (reader, writer) = new(Kind::Pipe);
        let mut buf = [0; 100];
        assert_eq!(FileLike::read(&reader, &mut buf), Err(Errno::EAGAIN));
        assert_eq!(writer.put(&[1, 2, 3]), Ok(3));
        assert_eq!(writer.put(&[4]), Ok(1));
        assert_eq!(reader.take(&mut buf[..2], true), Ok((2, 2)));
        assert_eq!(reader.take(&mut buf, false), Ok((4, 4)));
        assert_eq!(buf[..4], [1, 2, 3, 4]);
        drop(writer);
        assert_eq!(FileLike::read(&reader, &mut buf), Ok(0));
        assert_eq!(reader.events(), event::HUP);
    }

    #[test]
    fn a_full_pipe_takes_short_writes_whole_or_not() {
        let (reader, writer) = new(Kind::Pipe);
        assert_eq!(writer.put(&[7; CAPACITY - 10]), Ok(CAPACITY - 10));
        assert_eq!(writer.events() & event::OUT, 0);
        assert_eq!(writer.put(&[8; 11]), Err(Errno::EAGAIN));
        assert_eq!(writer.put(&[8; 5000]), Ok(10));
        assert_eq!(writer.put(&[8]), Err(Errno::EAGAIN));
        assert_eq!(reader.take(&mut [0; CAPACITY], false), Ok((CAPACITY, CAPACITY)));
        drop(reader);
        assert_eq!(writer.put(&[8]), Err(Errno::EPIPE));
        assert_ne!(writer.events() & event::ERR, 0);
    }

    #[test]
    fn messages_keep_their_lengths() {
        let (reader, writer) = new(Kind::Messages);
        for message in [&[1u8, 2][..], &[], &[3; 30]] {
            assert_eq!(writer.put(message), Ok(message.len()));
        }
        assert_eq!(writer.put(&[0; CAPACITY + 1]), Err(Errno::EMSGSIZE));
        let mut buf = [0; 10];
        assert_eq!(reader.take(&mut buf, false), Ok((2, 2)));
        assert_eq!(reader.take(&mut buf, false), Ok((0, 0)));
        assert_eq!(reader.take(&mut buf, false), Ok((10, 30)));
        assert_eq!(reader.take(&mut buf, false), Err(Errno::EAGAIN));
    }
}
