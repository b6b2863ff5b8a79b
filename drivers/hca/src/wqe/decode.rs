//! Checked reading of a send WQE, for the adapter: the bytes come from a guest and may be anything.
//!
//! The adapter reads the first segment, takes `ds` from it ([`CtrlSeg::decode`]), copies `16 * ds` bytes out of the
//! ring (they may wrap) into memory of its own, and decodes the copy: what was checked can then not change.

use core::fmt;

use crate::num::{GuestAddr, QpNum, Rkey};

use super::segment::{AtomicSeg, CtrlSeg, DataSeg, InlineHeader, RaddrSeg};
use super::{Opcode, SEG_BYTES};

/// What is wrong with a WQE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WqeError {
    /// `ds` is 0, or the bytes given are not `16 * ds`.
    Size(u8),
    /// An operation this adapter does not have.
    Opcode(u8),
    /// The opcode modifier is not 0.
    Opmod(u8),
    /// The number of the queue pair is not that of the queue's owner.
    QpNum(QpNum),
    /// The index is not where the WQE stands: a doorbell ran ahead of the WQEs.
    Index(u16),
    /// The WQE ends before a segment that its operation needs.
    Truncated,
    /// Inline data is longer than the WQE.
    Inline(u32),
    /// Inline data where an answer has to be written.
    InlineAnswer,
    /// An atomic without exactly one data segment of eight bytes.
    AtomicAnswer,
    /// The lengths add up to 2^31 or more.
    Length(u64),
}

impl fmt::Display for WqeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WqeError::Size(ds) => write!(f, "a WQE of {ds} segments does not fit its bytes"),
            WqeError::Opcode(opcode) => write!(f, "unknown WQE opcode {opcode:#x}"),
            WqeError::Opmod(opmod) => write!(f, "unknown WQE opcode modifier {opmod:#x}"),
            WqeError::QpNum(qpn) => write!(f, "the WQE names {qpn}, which does not own the queue"),
            WqeError::Index(index) => {
                write!(f, "the WQE carries index {index:#x}, which is not where it stands")
            }
            WqeError::Truncated => f.write_str("the WQE ends before a segment that its operation needs"),
            WqeError::Inline(len) => write!(f, "{len} bytes of inline data are longer than the WQE"),
            WqeError::InlineAnswer => f.write_str("a read or atomic cannot have inline data"),
            WqeError::AtomicAnswer => f.write_str("an atomic needs exactly one data segment of 8 bytes"),
            WqeError::Length(len) => write!(f, "a message of {len} bytes is too long"),
        }
    }
}

impl core::error::Error for WqeError {}

/// One piece of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment<'a> {
    /// Bytes in guest memory; length below 2^31, key and range still unchecked.
    Data(DataSeg),
    /// Bytes in the WQE.
    Inline(&'a [u8]),
}

/// A WQE whose shape is checked: segments complete, lengths summed, operation known. Keys and addresses are not checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendWqe<'a> {
    /// The control segment.
    pub ctrl: CtrlSeg,
    /// Its operation.
    pub opcode: Opcode,
    /// Remote side of writes, reads and atomics; zeros otherwise.
    pub remote: RaddrSeg,
    /// Operands of atomics; zeros otherwise.
    pub atomic: AtomicSeg,
    /// Bytes of the message.
    pub len: u32,
    data: &'a [u8],
}

impl<'a> SendWqe<'a> {
    /// Checks the `16 * ds` bytes of one WQE of `owner`, expected at block index `index`.
    pub fn decode(bytes: &'a [u8], owner: QpNum, index: u16) -> Result<SendWqe<'a>, WqeError> {
        let (first, mut rest) = bytes.split_first_chunk::<SEG_BYTES>().ok_or(WqeError::Size(0))?;
        let ctrl = CtrlSeg::decode(first);
        if ctrl.ds == 0 || bytes.len() != ctrl.ds as usize * SEG_BYTES {
            return Err(WqeError::Size(ctrl.ds));
        }
        let opcode = Opcode::from_u8(ctrl.opcode).ok_or(WqeError::Opcode(ctrl.opcode))?;
        if ctrl.opmod != 0 {
            return Err(WqeError::Opmod(ctrl.opmod));
        }
        if ctrl.qpn != owner {
            return Err(WqeError::QpNum(ctrl.qpn));
        }
        if ctrl.index != index {
            return Err(WqeError::Index(ctrl.index));
        }
        let mut remote = RaddrSeg { raddr: GuestAddr(0), rkey: Rkey(0) };
        if opcode.has_raddr() {
            remote = RaddrSeg::decode(take(&mut rest)?);
        }
        let mut atomic = AtomicSeg { swap_add: 0, compare: 0 };
        if opcode.is_atomic() {
            atomic = AtomicSeg::decode(take(&mut rest)?);
        }
        if opcode == Opcode::Nop {
            rest = &[];
        }
        let mut wqe = SendWqe { ctrl, opcode, remote, atomic, len: 0, data: rest };
        wqe.len = wqe.check_data()?;
        Ok(wqe)
    }

    /// Pieces of the message, in order.
    pub fn segments(&self) -> Segments<'a> {
        Segments { rest: self.data }
    }

    /// Whether a completion is wanted.
    pub fn signalled(&self) -> bool {
        self.ctrl.flags & super::segment::CTRL_CQ_UPDATE != 0
    }

    /// Whether the receiver shall get an event.
    pub fn solicited(&self) -> bool {
        self.ctrl.flags & super::segment::CTRL_SOLICITED != 0
    }

    /// Whether earlier reads and atomics have to be done first (either kind of fence).
    pub fn fenced(&self) -> bool {
        self.ctrl.flags & (super::segment::CTRL_FENCE | super::segment::CTRL_SMALL_FENCE) != 0
    }

    /// Immediate of the operations that have one.
    pub fn imm(&self) -> Option<u32> {
        matches!(self.opcode, Opcode::SendImm | Opcode::RdmaWriteImm).then_some(self.ctrl.imm)
    }

    fn check_data(&self) -> Result<u32, WqeError> {
        let mut total = 0u64;
        let mut rest = self.data;
        while !rest.is_empty() {
            match next_segment(&mut rest)? {
                Segment::Inline(_) if self.opcode.writes_local() => return Err(WqeError::InlineAnswer),
                Segment::Inline(data) => total += data.len() as u64,
                Segment::Data(data) => total += u64::from(data.len),
            }
        }
        if self.opcode.is_atomic() && (total != 8 || self.data.len() != SEG_BYTES) {
            return Err(WqeError::AtomicAnswer);
        }
        u32::try_from(total).ok().filter(|len| len >> 31 == 0).ok_or(WqeError::Length(total))
    }
}

/// Iterator over the pieces of a checked WQE.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        // `decode` went through the same bytes, so no error comes here; were there one, the list would end.
        next_segment(&mut self.rest).ok()
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8; SEG_BYTES], WqeError> {
    let (segment, tail) = rest.split_first_chunk::<SEG_BYTES>().ok_or(WqeError::Truncated)?;
    *rest = tail;
    Ok(segment)
}

fn next_segment<'a>(rest: &mut &'a [u8]) -> Result<Segment<'a>, WqeError> {
    let bytes = *rest;
    let (head, _) = bytes.split_first_chunk::<{ InlineHeader::BYTES }>().ok_or(WqeError::Truncated)?;
    let Some(inline) = InlineHeader::decode(*head) else {
        return Ok(Segment::Data(DataSeg::decode(take(rest)?)));
    };
    let len = inline.len as usize;
    let data =
        bytes.get(InlineHeader::BYTES..InlineHeader::BYTES + len).ok_or(WqeError::Inline(inline.len))?;
    *rest = bytes.get(InlineHeader::segments(len) * SEG_BYTES..).ok_or(WqeError::Inline(inline.len))?;
    Ok(Segment::Inline(data))
}
