//! Buffered sends: copies in a buffer that the program attached (MPI 5.0, section 3.6).
//!
//! A buffer belongs to a communicator, a session or the process; each has an [`Attachment`]. [`crate::request::Send`]
//! chooses: the buffer of the communicator, else that of its session, else that of the process.

use super::api::{self, Req};
use super::buffer::Buffer;
use super::matching::Envelope;
use super::waiting;
use crate::Result;
use crate::abi::{MPI_BSEND_OVERHEAD, MPI_ERR_BUFFER, MPI_Status};
use crate::error::{MpiError, err};
use crate::per_rank::per_rank;
use crate::request::Activity;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// What was attached: the program's buffer, or `None` for `MPI_BUFFER_AUTOMATIC`: the library's own memory, as much as needed.
pub type Memory = Option<(*mut u8, usize)>;

/// A message on its way.
struct Copy {
    /// Place in the attached buffer.
    offset: usize,
    /// Bytes taken there, overhead included.
    len: usize,
    /// Its memory, when it is the library's.
    _own: Option<Box<[u8]>>,
    request: Req,
}

/// Where a copy goes: its first byte, and the fields of [`Copy`].
struct Place {
    at: *mut u8,
    offset: usize,
    len: usize,
    own: Option<Box<[u8]>>,
}

/// A buffer in use.
struct Pool {
    memory: Memory,
    /// By ascending offset. Flushes hold copies, too.
    copies: RefCell<Vec<Rc<Copy>>>,
}

/// Where a buffer may be attached.
#[derive(Default)]
pub struct Attachment(RefCell<Option<Rc<Pool>>>);

per_rank! { static PROCESS: Attachment = Attachment::default(); }
per_rank! {
    /// All buffers that were attached, for the end.
    static POOLS: RefCell<Vec<Weak<Pool>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` on what belongs to the process.
pub fn with_process<T>(f: impl FnOnce(&Attachment) -> T) -> T {
    PROCESS.with(f)
}

/// Waits until all copies in all buffers are delivered.
pub fn flush_all() -> Result<()> {
    let pools = POOLS.with(|pools| std::mem::take(&mut *pools.borrow_mut()));
    pools.iter().filter_map(Weak::upgrade).try_for_each(|pool| pool.flush())
}

impl Attachment {
    /// Attaches a buffer.
    ///
    /// # Safety
    /// The memory must stay valid and otherwise unused until it is detached.
    pub unsafe fn attach(&self, memory: Memory) -> Result<()> {
        let mut attached = self.0.borrow_mut();
        if attached.is_some() {
            return err(MPI_ERR_BUFFER, "a buffer is attached already; detach it first");
        }
        let pool = Rc::new(Pool { memory, copies: RefCell::default() });
        POOLS.with(|pools| {
            let mut pools = pools.borrow_mut();
            pools.retain(|pool| pool.strong_count() > 0);
            pools.push(Rc::downgrade(&pool));
        });
        *attached = Some(pool);
        Ok(())
    }

    fn pool(&self) -> Option<Rc<Pool>> {
        self.0.borrow().clone()
    }

    /// Whether a buffer is attached.
    pub fn is_attached(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until all copies are delivered and gives the buffer back; `None` when none is attached.
    pub fn detach(&self) -> Result<Option<Memory>> {
        self.flush()?;
        Ok(self.0.borrow_mut().take().map(|pool| pool.memory))
    }

    /// Waits until all copies are delivered.
    pub fn flush(&self) -> Result<()> {
        self.pool().map_or(Ok(()), |pool| pool.flush())
    }

    /// The delivery of all copies that are there now, to be waited for.
    pub fn start_flush(&self) -> Rc<dyn Activity> {
        Rc::new(Flush(self.pool().map_or_else(Vec::new, |pool| pool.copies.borrow().clone())))
    }

    /// Copies the data and starts its send; the request given back is complete.
    pub fn send(&self, to: u32, envelope: Envelope, data: Buffer) -> Result<Req> {
        // What was delivered meanwhile makes room.
        waiting::progress()?;
        match self.pool() {
            Some(pool) => pool.send(to, envelope, data),
            None => {
                let size = data.size();
                err(MPI_ERR_BUFFER, format!("no buffer is attached for {size} bytes; call MPI_Buffer_attach"))
            }
        }
    }
}

/// The start of a gap of `len` bytes between copies that are in ascending order, before `end`.
fn gap(copies: &[Rc<Copy>], len: usize, end: usize) -> Option<usize> {
    let starts = std::iter::once(0).chain(copies.iter().map(|copy| copy.offset + copy.len));
    let ends = copies.iter().map(|copy| copy.offset).chain(std::iter::once(end));
    starts.zip(ends).find(|(start, end)| end.saturating_sub(*start) >= len).map(|(start, _)| start)
}

impl Pool {
    fn flush(&self) -> Result<()> {
        let copies = self.copies.borrow().clone();
        copies.iter().try_for_each(|copy| waiting::wait_done(&copy.request))?;
        self.forget_delivered();
        Ok(())
    }

    fn forget_delivered(&self) {
        self.copies.borrow_mut().retain(|copy| !api::is_done(&copy.request));
    }

    /// A place for so many bytes.
    fn place(&self, size: usize) -> Result<Place> {
        let Some((start, capacity)) = self.memory else {
            let mut own = vec![0; size].into_boxed_slice();
            return Ok(Place { at: own.as_mut_ptr(), offset: 0, len: 0, own: Some(own) });
        };
        let copies = self.copies.borrow();
        let len = size.next_multiple_of(16) + MPI_BSEND_OVERHEAD as usize;
        let needed = size + MPI_BSEND_OVERHEAD as usize;
        if let Some(offset) = gap(&copies, needed, capacity) {
            let at = start.wrapping_add(offset);
            return Ok(Place { at, offset, len: len.min(capacity - offset), own: None });
        }
        let used: usize = copies.iter().map(|copy| copy.len).sum();
        err(
            MPI_ERR_BUFFER,
            format!(
                "the attached buffer of {capacity} bytes has no room for {size} bytes and MPI_BSEND_OVERHEAD; {used} are in use"
            ),
        )
    }

    fn send(&self, to: u32, envelope: Envelope, mut data: Buffer) -> Result<Req> {
        self.forget_delivered();
        let size = data.size();
        let Place { at, offset, len, own } = self.place(size)?;
        if size > 0 {
            // SAFETY: `[at, at + size)` is a free part of the attached buffer, or our own.
            data.read(0, unsafe { std::slice::from_raw_parts_mut(at, size) });
        }
        let request = api::isend_buffer(to, envelope, Buffer::Bytes { at, len: size })?;
        if !api::is_done(&request) {
            let mut copies = self.copies.borrow_mut();
            let place = copies.partition_point(|copy| copy.offset < offset);
            copies.insert(place, Rc::new(Copy { offset, len, _own: own, request }));
        }
        Ok(Req::complete())
    }
}

/// The delivery of copies.
struct Flush(Vec<Rc<Copy>>);

impl Activity for Flush {
    fn is_done(&self, is_done: &dyn Fn(&Req) -> bool) -> bool {
        self.0.iter().all(|copy| is_done(&copy.request))
    }

    fn look(&self) -> Result<MPI_Status> {
        Ok(MPI_Status::EMPTY)
    }

    fn end(&self) -> (MPI_Status, Option<MpiError>) {
        (MPI_Status::EMPTY, None)
    }

    fn free(&self) -> Result<bool> {
        Ok(true)
    }
}
