//! Data access: checks, the place, the transfer, the status (MPI 5.0, section 14.4).
//!
//! Operations that do not block are complete when their call returns. They never wait for other ranks, collective or not.

use super::view::View;
use super::{File, convert};
use crate::abi::*;
use crate::datatype::{self, Datatype, Packer};
use crate::error::{MpiError, Result};
use crate::request;
use std::ffi::{c_int, c_void};

/// Bytes of scattered memory that are gathered for one access to the file.
const PIECE: usize = 1 << 20;

/// Which way the data go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the file.
    Read,
    /// To the file.
    Write,
}

/// Where an access starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At an offset in etypes.
    At(MPI_Offset),
    /// At the rank's own file pointer.
    Own,
    /// At the shared file pointer.
    Shared,
    /// At the shared file pointer, behind what lower ranks access. Collective.
    Ordered,
}

/// A split collective operation under way; its data have been moved by its beginning.
#[derive(Clone, Copy)]
pub struct Split {
    /// Name of the function that ends it.
    end: &'static str,
    buf: *const c_void,
    status: MPI_Status,
}

/// Memory of the program, checked.
pub struct Buffer {
    /// Address as the program gave it.
    pub at: *mut u8,
    /// Elements.
    pub count: usize,
    /// Their type.
    pub dt: Datatype,
    /// Bytes in the file.
    pub bytes: u64,
}

/// What an access has moved.
#[derive(Clone, Copy, Default)]
pub struct Moved {
    /// Bytes of the stream.
    pub stream: u64,
    /// Bytes in memory.
    pub memory: u64,
}

/// What the program passes to an access.
#[derive(Clone, Copy)]
pub struct Access {
    /// Which way.
    pub direction: Direction,
    /// Where.
    pub start: Start,
    /// All ranks call, and wait for each other if that helps.
    pub collective: bool,
    /// Address.
    pub buf: *mut c_void,
    /// Elements.
    pub count: i64,
    /// Their type.
    pub datatype: MPI_Datatype,
}

impl File {
    fn check_mode(&self, access: &Access) -> Result<()> {
        let Access { direction, start, .. } = access;
        if *direction == Direction::Read && self.amode & MPI_MODE_WRONLY != 0 {
            return Err(self.error(MPI_ERR_ACCESS, "a read of a file opened with MPI_MODE_WRONLY"));
        }
        if *direction == Direction::Write && self.amode & MPI_MODE_RDONLY != 0 {
            return Err(self.error(MPI_ERR_READ_ONLY, "a write to a file opened with MPI_MODE_RDONLY"));
        }
        if self.amode & MPI_MODE_SEQUENTIAL != 0 && matches!(start, Start::At(_) | Start::Own) {
            let text = "a file opened with MPI_MODE_SEQUENTIAL has a shared file pointer only";
            return Err(self.error(MPI_ERR_UNSUPPORTED_OPERATION, text));
        }
        Ok(())
    }

    fn check(&self, access: &Access, view: &View) -> Result<Buffer> {
        self.check_mode(access)?;
        let named = |error: MpiError| self.error(error.class, &error.text);
        let count = request::count(access.count).map_err(named)?;
        let dt = datatype::get(access.datatype).map_err(named)?;
        dt.packed_size(count).map_err(named)?;
        let at = access.buf.cast::<u8>();
        // A null pointer is MPI_BOTTOM, from which only a derived type leads anywhere.
        if at.is_null() && count > 0 && dt.size() > 0 && dt.predefined_handle().is_some() {
            return Err(self.error(MPI_ERR_BUFFER, "the buffer is a null pointer"));
        }
        let bytes = view.datarep.bytes(&dt)?.checked_mul(count as u64).filter(|n| i64::try_from(*n).is_ok());
        let bytes = bytes.ok_or_else(|| self.error(MPI_ERR_COUNT, "more data than a file can hold"))?;
        if bytes % view.unit != 0 {
            let text = format!("{bytes} bytes are no whole number of etypes of {} bytes", view.unit);
            return Err(self.error(MPI_ERR_IO, &text));
        }
        Ok(Buffer { at, count, dt, bytes })
    }

    /// Reads or writes; the status tells how much.
    ///
    /// # Safety
    /// The buffer is as the program says.
    pub unsafe fn access(&self, access: &Access) -> Result<MPI_Status> {
        let view = self.view();
        let checked = self.check(access, &view);
        let bytes = checked.as_ref().map_or(0, |buffer| buffer.bytes);
        let start = match access.start {
            Start::At(offset) => self.stream_offset(offset),
            Start::Own => Ok(self.position.get()),
            Start::Shared if checked.is_err() => Ok(0),
            Start::Shared => self.take_shared(bytes),
            // A rank whose arguments are wrong takes part, so that the others do not wait for it.
            Start::Ordered => self.take_in_order(bytes),
        };
        let ready = checked.and_then(|buffer| Ok((buffer, start?)));
        // SAFETY: the caller's promise.
        let moved = unsafe {
            if access.collective && matches!(access.start, Start::At(_) | Start::Own) {
                self.transfer_together(access.direction, &view, ready)?
            } else {
                let (buffer, start) = ready?;
                self.transfer(access.direction, &view, start, &buffer)?
            }
        };
        if access.start == Start::Own {
            self.position.set(self.position.get() + moved.stream);
        }
        let mut status = MPI_Status::EMPTY;
        status.set_count_bytes(moved.memory);
        Ok(status)
    }

    /// Moves the data of one rank.
    ///
    /// # Safety
    /// The buffer is as the program says.
    pub unsafe fn transfer(
        &self,
        direction: Direction,
        view: &View,
        start: u64,
        buffer: &Buffer,
    ) -> Result<Moved> {
        if buffer.bytes == 0 {
            return Ok(Moved::default());
        }
        let Buffer { at, count, ref dt, bytes } = *buffer;
        if view.datarep.is_native() {
            // SAFETY: the caller's promise.
            let moved =
                self.apart(direction, || unsafe { self.transfer_native(direction, view, start, buffer) })?;
            return Ok(Moved { stream: moved, memory: moved });
        }
        if direction == Direction::Write {
            // SAFETY: the caller's promise; writing only reads.
            let data = unsafe { convert::to_file(&view.datarep, dt, count, at)? };
            self.apart(direction, || self.write_stream(view, start, &data))?;
            return Ok(Moved { stream: bytes, memory: (count * dt.size()) as u64 });
        }
        let mut data = vec![0; bytes as usize];
        let got = self.apart(direction, || self.read_stream(view, start, &mut data))?;
        // SAFETY: the caller's promise.
        let memory = unsafe { convert::from_file(&view.datarep, dt, count, &mut data[..got], at)? };
        Ok(Moved { stream: got as u64, memory })
    }

    /// Moves data that are the same in memory and file; dense memory without a copy.
    ///
    /// # Safety
    /// The buffer is as the program says.
    unsafe fn transfer_native(
        &self,
        direction: Direction,
        view: &View,
        start: u64,
        buffer: &Buffer,
    ) -> Result<u64> {
        if let Some((first, len)) = buffer.dt.contiguous_bytes(buffer.count) {
            // SAFETY: the caller's promise, for the dense block that the type describes.
            let memory = unsafe { std::slice::from_raw_parts_mut(buffer.at.wrapping_offset(first), len) };
            return match direction {
                Direction::Read => self.read_stream(view, start, memory).map(|n| n as u64),
                Direction::Write => self.write_stream(view, start, memory).map(|()| len as u64),
            };
        }
        // SAFETY: the caller's promise; the pieces are the library's own memory.
        let mut packer = unsafe { Packer::new(&buffer.dt, buffer.count, buffer.at) };
        let mut piece = vec![0; PIECE.min(packer.len())];
        let mut done = 0;
        while packer.remaining() > 0 {
            let n = packer.remaining().min(PIECE);
            let piece = &mut piece[..n];
            let moved = match direction {
                Direction::Read => {
                    let got = self.read_stream(view, start + done, piece)?;
                    packer.unpack(&piece[..got])
                }
                Direction::Write => {
                    packer.pack(piece);
                    self.write_stream(view, start + done, piece)?;
                    n
                }
            };
            done += moved as u64;
            if moved < n {
                break;
            }
        }
        Ok(done)
    }

    /// Runs an access; in atomic mode no other rank writes meanwhile, nor reads if this one writes.
    fn apart<T>(&self, direction: Direction, body: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.is_atomic() {
            return body();
        }
        let kind = if direction == Direction::Write { MPI_LOCK_EXCLUSIVE } else { MPI_LOCK_SHARED };
        let target = self.window.target(0)?;
        self.window.lock(kind, target, 0)?;
        let outcome = body();
        self.window.unlock(target)?;
        outcome
    }

    /// `MPI_File_set_atomicity`.
    pub fn set_atomicity(&self, flag: c_int) -> Result<()> {
        self.agree([("flag", u64::from(flag != 0))], Ok(()))?;
        self.atomic.set(flag != 0);
        Ok(())
    }

    /// Whether a split collective operation is under way.
    pub fn split_is_active(&self) -> bool {
        self.split.get().is_some()
    }

    /// The beginning of a split collective operation that `end` will end.
    ///
    /// # Safety
    /// The buffer is as the program says.
    pub unsafe fn begin(&self, end: &'static str, access: &Access) -> Result<()> {
        if let Some(split) = self.split.get() {
            let text = format!("another split collective operation is under way, call {} first", split.end);
            return Err(self.error(MPI_ERR_IO, &text));
        }
        // SAFETY: the caller's promise.
        let status = unsafe { self.access(access)? };
        self.split.set(Some(Split { end, buf: access.buf, status }));
        Ok(())
    }

    /// The end of a split collective operation.
    pub fn end(&self, name: &'static str, buf: *const c_void) -> Result<MPI_Status> {
        let Some(split) = self.split.get() else {
            return Err(self.error(MPI_ERR_IO, "no split collective operation has begun"));
        };
        if split.end != name {
            let text = format!("the split collective operation that has begun is ended by {}", split.end);
            return Err(self.error(MPI_ERR_IO, &text));
        }
        if split.buf != buf {
            return Err(self.error(MPI_ERR_BUFFER, "the buffer is not that of the operation's beginning"));
        }
        self.split.set(None);
        Ok(split.status)
    }
}
