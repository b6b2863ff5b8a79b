//! Buffered sends: copies in a buffer that the program attached (MPI 5.0, section 3.6).

use super::api::{self, Req};
use super::buffer::Buffer;
use super::matching::Envelope;
use crate::Result;
use crate::abi::{MPI_BSEND_OVERHEAD, MPI_ERR_BUFFER};
use crate::error::err;
use crate::per_rank::per_rank;
use std::cell::RefCell;

/// Where copies are kept.
enum Store {
    /// The program's buffer.
    Attached {
        /// Its first byte.
        start: *mut u8,
        /// Its length.
        len: usize,
    },
    /// `MPI_BUFFER_AUTOMATIC`: the library's own memory, as much as needed.
    Automatic,
}

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

struct Attached {
    store: Store,
    /// By ascending offset.
    copies: Vec<Copy>,
}

per_rank! { static ATTACHED: RefCell<Option<Attached>> = RefCell::new(None); }

/// What was attached: the program's buffer, or `None` for the automatic one.
pub type Detached = Option<(*mut u8, usize)>;

/// Attaches `memory`, or the automatic buffer.
///
/// # Safety
/// The memory must stay valid and otherwise unused until it is detached.
pub unsafe fn attach(memory: Detached) -> Result<()> {
    ATTACHED.with(|attached| {
        let mut attached = attached.borrow_mut();
        if attached.is_some() {
            return err(MPI_ERR_BUFFER, "a buffer is attached already; detach it first");
        }
        let store = match memory {
            Some((start, len)) => Store::Attached { start, len },
            None => Store::Automatic,
        };
        *attached = Some(Attached { store, copies: Vec::new() });
        Ok(())
    })
}

/// Waits until all copies are delivered and gives the buffer back; `None` when none is attached.
pub fn detach() -> Result<Option<Detached>> {
    flush()?;
    Ok(ATTACHED.with(|attached| attached.borrow_mut().take()).map(|attached| match attached.store {
        Store::Attached { start, len } => Some((start, len)),
        Store::Automatic => None,
    }))
}

/// Waits until all copies are delivered.
pub fn flush() -> Result<()> {
    let copies = ATTACHED.with(|a| a.borrow_mut().as_mut().map(|a| std::mem::take(&mut a.copies)));
    copies.into_iter().flatten().try_for_each(|copy| api::wait_done(&copy.request))
}

/// The start of a gap of `len` bytes between copies that are in ascending order, before `end`.
fn gap(copies: &[Copy], len: usize, end: usize) -> Option<usize> {
    let starts = std::iter::once(0).chain(copies.iter().map(|copy| copy.offset + copy.len));
    let ends = copies.iter().map(|copy| copy.offset).chain(std::iter::once(end));
    starts.zip(ends).find(|(start, end)| end.saturating_sub(*start) >= len).map(|(start, _)| start)
}

/// Copies the data and starts its send; the request given back is complete.
pub fn send(to: u32, envelope: Envelope, mut data: Buffer) -> Result<Req> {
    let size = data.size();
    // What was delivered meanwhile makes room.
    api::progress()?;
    let (at, offset, len, own) = ATTACHED.with(|attached| {
        let mut attached = attached.borrow_mut();
        let Some(attached) = attached.as_mut() else {
            return err(MPI_ERR_BUFFER, format!("no buffer is attached for {size} bytes; call MPI_Buffer_attach"));
        };
        attached.copies.retain(|copy| !api::is_done(&copy.request));
        match attached.store {
            Store::Attached { start, len: capacity } => {
                let len = size.next_multiple_of(16) + MPI_BSEND_OVERHEAD as usize;
                let needed = size + MPI_BSEND_OVERHEAD as usize;
                match gap(&attached.copies, needed, capacity) {
                    Some(offset) => Ok((start.wrapping_add(offset), offset, len.min(capacity - offset), None)),
                    None => {
                        let used: usize = attached.copies.iter().map(|copy| copy.len).sum();
                        err(
                            MPI_ERR_BUFFER,
                            format!("the attached buffer of {capacity} bytes has no room for {size} bytes and MPI_BSEND_OVERHEAD; {used} are in use"),
                        )
                    }
                }
            }
            Store::Automatic => {
                let mut own = vec![0; size].into_boxed_slice();
                Ok((own.as_mut_ptr(), 0, 0, Some(own)))
            }
        }
    })?;
    if size > 0 {
        // SAFETY: `[at, at + size)` is a free part of the attached buffer, or our own.
        data.read(0, unsafe { std::slice::from_raw_parts_mut(at, size) });
    }
    let request = api::isend_buffer(to, envelope, Buffer::Bytes { at, len: size })?;
    if !api::is_done(&request) {
        ATTACHED.with(|attached| {
            if let Some(attached) = attached.borrow_mut().as_mut() {
                let place = attached.copies.partition_point(|copy| copy.offset < offset);
                attached.copies.insert(place, Copy { offset, len, _own: own, request });
            }
        });
    }
    Ok(Req::complete())
}
