//! Ring of send WQEs: writing requests, ringing, retiring.
//!
//! `pi` and `tail` count basic blocks freely. The private slots remember for the first block of each WQE how long it is
//! and whose; blocks inside a WQE have length 0. Nothing is read back from the ring.

use alloc::boxed::Box;
use core::cell::Cell;

use super::dma::DmaBuffer;
use super::error::PostError;
use super::send_request::SendRequest;
use crate::num::QpNum;
use crate::wqe::segment::MAX_SEG_LEN;
use crate::wqe::{BB_BYTES, CtrlSeg, InlineHeader, MAX_DS, Opcode, SEG_BYTES, blocks};

/// What the driver remembers of a posted WQE.
#[derive(Clone, Copy)]
struct Posted {
    wr_id: u64,
    opcode: Opcode,
    blocks: u8,
}

pub(super) struct SendQueue {
    ring: DmaBuffer,
    slots: Box<[Cell<Posted>]>,
    qpn: QpNum,
    max_inline: usize,
    max_sges: usize,
    pi: Cell<u32>,
    tail: Cell<u32>,
    rung: Cell<u32>,
    /// First eight bytes of the last control segment: what the doorbell stores.
    doorbell: Cell<u64>,
}

impl SendQueue {
    /// `ring` holds `64 << log_blocks` bytes.
    pub(super) fn new(
        ring: DmaBuffer,
        log_blocks: u32,
        qpn: QpNum,
        max_inline: usize,
        max_sges: usize,
    ) -> SendQueue {
        let empty = Posted { wr_id: 0, opcode: Opcode::Nop, blocks: 0 };
        SendQueue {
            ring,
            slots: (0..1usize << log_blocks).map(|_| Cell::new(empty)).collect(),
            qpn,
            max_inline,
            max_sges,
            pi: Cell::new(0),
            tail: Cell::new(0),
            rung: Cell::new(0),
            doorbell: Cell::new(0),
        }
    }

    pub(super) fn leak(&self) {
        self.ring.leak();
    }

    /// Free blocks.
    #[inline]
    pub(super) fn space(&self) -> usize {
        self.slots.len() - self.pi.get().wrapping_sub(self.tail.get()) as usize
    }

    /// Writes a request behind the last one. The adapter does not see it before [`SendQueue::ring`].
    #[inline]
    pub(super) fn post(&self, request: &SendRequest<'_>) -> Result<(), PostError> {
        let shape = self.shape(request)?;
        let needed = blocks(shape.ds);
        if needed > self.space() {
            return Err(PostError::QueueFull);
        }
        let pi = self.pi.get();
        let ctrl = CtrlSeg {
            opcode: request.opcode as u8,
            opmod: 0,
            index: pi as u16,
            qpn: self.qpn,
            ds: shape.ds as u8,
            flags: request.flags,
            imm: request.imm,
        }
        .encode();
        let mask = self.slots.len() - 1;
        let ring_bytes = self.slots.len() * BB_BYTES;
        let mut writer =
            WqeWriter { base: self.ring.as_ptr(), ring_bytes, offset: (pi as usize & mask) * BB_BYTES };
        writer.segment(ctrl);
        if request.opcode.has_raddr() {
            writer.segment(request.remote.encode());
        }
        if request.opcode.is_atomic() {
            writer.segment(request.atomic.encode());
        }
        if shape.inline_len != 0 {
            writer.inline(shape.inline_len, request.inline);
        }
        for sge in request.sges.iter().filter(|sge| sge.len != 0) {
            writer.segment(sge.segment().encode());
        }
        self.remember(pi as usize, needed, request);
        self.doorbell.set(u64::from_ne_bytes([
            ctrl[0], ctrl[1], ctrl[2], ctrl[3], ctrl[4], ctrl[5], ctrl[6], ctrl[7],
        ]));
        self.pi.set(pi.wrapping_add(needed as u32));
        Ok(())
    }

    #[inline]
    fn remember(&self, first: usize, blocks: usize, request: &SendRequest<'_>) {
        let mask = self.slots.len() - 1;
        let posted = Posted { wr_id: request.wr_id, opcode: request.opcode, blocks: blocks as u8 };
        self.slots[first & mask].set(posted);
        for inner in 1..blocks {
            self.slots[(first + inner) & mask].set(Posted { wr_id: 0, opcode: Opcode::Nop, blocks: 0 });
        }
    }

    /// Checks a request and counts its segments.
    #[inline]
    fn shape(&self, request: &SendRequest<'_>) -> Result<Shape, PostError> {
        let inline_len: usize = request.inline.iter().map(|part| part.len()).sum();
        if inline_len > self.max_inline {
            return Err(PostError::InlineTooLong { len: inline_len, most: self.max_inline });
        }
        let (mut count, mut total) = (0, inline_len as u64);
        for sge in request.sges {
            count += usize::from(sge.len != 0);
            total += u64::from(sge.len);
        }
        if count > self.max_sges {
            return Err(PostError::TooManySges { count, most: self.max_sges });
        }
        if total > u64::from(MAX_SEG_LEN) {
            return Err(PostError::TooLong(total));
        }
        let inline = if inline_len == 0 { 0 } else { InlineHeader::segments(inline_len) };
        if request.opcode.writes_local()
            && (inline != 0 || (request.opcode.is_atomic() && (count, total) != (1, 8)))
        {
            return Err(PostError::Shape);
        }
        let fixed = 1 + usize::from(request.opcode.has_raddr()) + usize::from(request.opcode.is_atomic());
        let ds = fixed + inline + count;
        if ds > MAX_DS {
            return Err(PostError::TooManySges { count, most: MAX_DS - fixed - inline });
        }
        Ok(Shape { ds, inline_len })
    }

    /// Send counter and doorbell word if anything was posted since the last call.
    #[inline]
    pub(super) fn take_doorbell(&self) -> Option<(u16, u64)> {
        let pi = self.pi.get();
        if self.rung.replace(pi) == pi {
            return None;
        }
        Some((pi as u16, self.doorbell.get()))
    }

    /// Retires the WQE at block index `counter` and all before it; `None` if there is no such WQE.
    #[inline]
    pub(super) fn retire(&self, counter: u16) -> Option<(u64, Opcode)> {
        let (pi, tail) = (self.pi.get(), self.tail.get());
        let ahead = counter.wrapping_sub(tail as u16) as u32;
        if ahead >= pi.wrapping_sub(tail) {
            return None;
        }
        let posted = self.slots[counter as usize & (self.slots.len() - 1)].get();
        if posted.blocks == 0 {
            return None;
        }
        self.tail.set(tail.wrapping_add(ahead + u32::from(posted.blocks)));
        Some((posted.wr_id, posted.opcode))
    }
}

struct Shape {
    ds: usize,
    inline_len: usize,
}

/// Writes segments into the ring, around its end. The caller made sure that the WQE fits.
struct WqeWriter {
    base: *mut u8,
    ring_bytes: usize,
    offset: usize,
}

impl WqeWriter {
    #[inline(always)]
    fn advance(&mut self, bytes: usize) {
        self.offset += bytes;
        if self.offset >= self.ring_bytes {
            self.offset -= self.ring_bytes;
        }
    }

    #[inline(always)]
    fn segment(&mut self, bytes: [u8; SEG_BYTES]) {
        // SAFETY: `offset` is below `ring_bytes` and both are multiples of 16, so the segment lies in the ring, in blocks
        // that the adapter has given back.
        unsafe { self.base.add(self.offset).cast::<[u8; SEG_BYTES]>().write(bytes) };
        self.advance(SEG_BYTES);
    }

    #[inline]
    fn inline(&mut self, len: usize, parts: &[&[u8]]) {
        self.bytes(&InlineHeader { len: len as u32 }.encode());
        for part in parts {
            self.bytes(part);
        }
        let past = self.offset % SEG_BYTES;
        if past != 0 {
            self.advance(SEG_BYTES - past);
        }
    }

    #[inline]
    fn bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let now = bytes.len().min(self.ring_bytes - self.offset);
            // SAFETY: `now` bytes from `offset` lie in the ring, in blocks that the adapter has given back; the source is
            // the caller's, not the ring.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.add(self.offset), now) };
            bytes = &bytes[now..];
            self.advance(now);
        }
    }
}
