//! Byte forms of the segments; names as in `mlx5dv.h`. All fields are big-endian.

use crate::num::{GuestAddr, Lkey, NUM_MASK, QpNum, Rkey};

use super::SEG_BYTES;

/// `MLX5_WQE_CTRL_CQ_UPDATE`: a completion is written when the request is done.
pub const CTRL_CQ_UPDATE: u8 = 2 << 2;
/// `MLX5_WQE_CTRL_SOLICITED`: the receiver's completion raises an event if its CQ is armed for solicited ones.
pub const CTRL_SOLICITED: u8 = 1 << 1;
/// `MLX5_WQE_CTRL_FENCE`: starts when all earlier requests of the queue pair, reads and atomics included, are done.
pub const CTRL_FENCE: u8 = 4 << 5;
/// `MLX5_WQE_CTRL_INITIATOR_SMALL_FENCE`: starts when earlier reads and atomics are done.
pub const CTRL_SMALL_FENCE: u8 = 1 << 5;
/// `MLX5_INLINE_SEG`: marks inline data in the first word of a data segment.
pub const INLINE_SEG: u32 = 0x8000_0000;
/// Longest data segment.
pub const MAX_SEG_LEN: u32 = INLINE_SEG - 1;

#[inline(always)]
fn join(words: [u32; 4]) -> [u8; SEG_BYTES] {
    let mut bytes = [0; SEG_BYTES];
    let mut index = 0;
    while index < 4 {
        let word = words[index].to_be_bytes();
        bytes[4 * index] = word[0];
        bytes[4 * index + 1] = word[1];
        bytes[4 * index + 2] = word[2];
        bytes[4 * index + 3] = word[3];
        index += 1;
    }
    bytes
}

#[inline(always)]
fn split(bytes: &[u8; SEG_BYTES]) -> [u32; 4] {
    let value = u128::from_be_bytes(*bytes);
    [(value >> 96) as u32, (value >> 64) as u32, (value >> 32) as u32, value as u32]
}

const fn high(value: u64) -> u32 {
    (value >> 32) as u32
}

const fn join64(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

/// `struct mlx5_wqe_ctrl_seg`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CtrlSeg {
    /// Raw opcode.
    pub opcode: u8,
    /// Opcode modifier; 0 for all operations here.
    pub opmod: u8,
    /// Index of the WQE's first basic block, modulo 2^16.
    pub index: u16,
    /// The queue pair that owns the queue.
    pub qpn: QpNum,
    /// Segments of the WQE, this one included (6 bits).
    pub ds: u8,
    /// `fm_ce_se`: [`CTRL_CQ_UPDATE`] and others.
    pub flags: u8,
    /// Immediate.
    pub imm: u32,
}

impl CtrlSeg {
    /// The byte form.
    #[inline(always)]
    pub fn encode(&self) -> [u8; SEG_BYTES] {
        join([
            (self.opmod as u32) << 24 | (self.index as u32) << 8 | self.opcode as u32,
            (self.qpn.0 & NUM_MASK) << 8 | (self.ds & 0x3f) as u32,
            self.flags as u32,
            self.imm,
        ])
    }

    /// From bytes; every value decodes.
    #[inline]
    pub fn decode(bytes: &[u8; SEG_BYTES]) -> CtrlSeg {
        let [first, second, third, imm] = split(bytes);
        CtrlSeg {
            opcode: first as u8,
            opmod: (first >> 24) as u8,
            index: (first >> 8) as u16,
            qpn: QpNum(second >> 8),
            ds: (second & 0x3f) as u8,
            flags: third as u8,
            imm,
        }
    }
}

/// `struct mlx5_wqe_raddr_seg`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RaddrSeg {
    /// Remote address.
    pub raddr: GuestAddr,
    /// Key of the remote region.
    pub rkey: Rkey,
}

impl RaddrSeg {
    /// The byte form.
    #[inline(always)]
    pub fn encode(&self) -> [u8; SEG_BYTES] {
        join([high(self.raddr.0), self.raddr.0 as u32, self.rkey.0, 0])
    }

    /// From bytes.
    #[inline]
    pub fn decode(bytes: &[u8; SEG_BYTES]) -> RaddrSeg {
        let [a, b, rkey, _] = split(bytes);
        RaddrSeg { raddr: GuestAddr(join64(a, b)), rkey: Rkey(rkey) }
    }
}

/// `struct mlx5_wqe_atomic_seg`. The values travel as big-endian numbers; the target word is in native order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtomicSeg {
    /// Value to swap in, or to add.
    pub swap_add: u64,
    /// Value to compare with; 0 for fetch and add.
    pub compare: u64,
}

impl AtomicSeg {
    /// The byte form.
    #[inline(always)]
    pub fn encode(&self) -> [u8; SEG_BYTES] {
        join([high(self.swap_add), self.swap_add as u32, high(self.compare), self.compare as u32])
    }

    /// From bytes.
    #[inline]
    pub fn decode(bytes: &[u8; SEG_BYTES]) -> AtomicSeg {
        let [a, b, c, d] = split(bytes);
        AtomicSeg { swap_add: join64(a, b), compare: join64(c, d) }
    }
}

/// `struct mlx5_wqe_data_seg`: one piece of a scatter/gather list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataSeg {
    /// Bytes; below 2^31 ([`MAX_SEG_LEN`]). 0 is 0 here, not 2^31 as on the adapter; the driver never writes it.
    pub len: u32,
    /// Key that covers the bytes.
    pub lkey: Lkey,
    /// Where they are.
    pub addr: GuestAddr,
}

impl DataSeg {
    /// Ends the list of a receive WQE.
    pub const END: DataSeg = DataSeg { len: 0, lkey: Lkey::INVALID, addr: GuestAddr(0) };

    /// Whether this is [`DataSeg::END`].
    #[inline]
    pub fn is_end(&self) -> bool {
        self.len == 0 && self.lkey == Lkey::INVALID
    }

    /// The byte form.
    #[inline(always)]
    pub fn encode(&self) -> [u8; SEG_BYTES] {
        join([self.len, self.lkey.0, high(self.addr.0), self.addr.0 as u32])
    }

    /// From bytes.
    #[inline]
    pub fn decode(bytes: &[u8; SEG_BYTES]) -> DataSeg {
        let [len, lkey, a, b] = split(bytes);
        DataSeg { len, lkey: Lkey(lkey), addr: GuestAddr(join64(a, b)) }
    }
}

/// `struct mlx5_wqe_inl_data_seg`: four bytes before inline data, which is padded to a whole segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InlineHeader {
    /// Bytes of data that follow.
    pub len: u32,
}

impl InlineHeader {
    /// Bytes of the header.
    pub const BYTES: usize = 4;

    /// Segments that `len` bytes inline take.
    #[inline]
    pub const fn segments(len: usize) -> usize {
        (Self::BYTES + len).div_ceil(SEG_BYTES)
    }

    /// The byte form.
    #[inline(always)]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        (self.len | INLINE_SEG).to_be_bytes()
    }

    /// From the first word of a segment; `None` when that is a plain data segment.
    #[inline]
    pub fn decode(bytes: [u8; Self::BYTES]) -> Option<InlineHeader> {
        let word = u32::from_be_bytes(bytes);
        (word & INLINE_SEG != 0).then_some(InlineHeader { len: word & !INLINE_SEG })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_have_the_adapter_s_bytes() {
        let ctrl = CtrlSeg {
            opcode: 0x0a,
            opmod: 0,
            index: 0x1234,
            qpn: QpNum(0xabcdef),
            ds: 3,
            flags: CTRL_CQ_UPDATE | CTRL_FENCE,
            imm: 0x01020304,
        };
        assert_eq!(ctrl.encode(), [0, 0x12, 0x34, 0x0a, 0xab, 0xcd, 0xef, 3, 0, 0, 0, 0x88, 1, 2, 3, 4]);
        assert_eq!(CtrlSeg::decode(&ctrl.encode()), ctrl);

        let raddr = RaddrSeg { raddr: GuestAddr(0x0102_0304_0506_0708), rkey: Rkey(0x0a0b0c0d) };
        assert_eq!(raddr.encode(), [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 0, 0, 0, 0]);
        assert_eq!(RaddrSeg::decode(&raddr.encode()), raddr);

        let data = DataSeg { len: 0x11223344, lkey: Lkey(0x55667788), addr: GuestAddr(0x99aabbcc_ddeeff00) };
        assert_eq!(data.encode()[..4], [0x11, 0x22, 0x33, 0x44]);
        assert_eq!(data.encode()[8..], [0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0]);
        assert_eq!(DataSeg::decode(&data.encode()), data);
        assert!(DataSeg::decode(&DataSeg::END.encode()).is_end());

        let atomic = AtomicSeg { swap_add: 0x0102_0304_0506_0708, compare: 9 };
        assert_eq!(atomic.encode(), [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(AtomicSeg::decode(&atomic.encode()), atomic);

        assert_eq!(InlineHeader { len: 0x20 }.encode(), [0x80, 0, 0, 0x20]);
        assert_eq!(InlineHeader::decode([0x80, 0, 0, 0x20]), Some(InlineHeader { len: 0x20 }));
        assert_eq!(InlineHeader::decode([0, 0, 0, 0x20]), None);
        assert_eq!([0, 12, 13, 28, 29].map(InlineHeader::segments), [1, 1, 2, 2, 3]);
    }
}
