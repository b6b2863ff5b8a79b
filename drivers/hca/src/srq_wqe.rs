//! Receive WQEs: data segments in a fixed stride, and in a shared receive queue a `struct mlx5_wqe_srq_next_seg` before
//! them.
//!
//! An SRQ is a linked list. The adapter starts at slot 0; after slot `i` it goes on with the `next_wqe_index` of `i`.
//! Doorbell record word 0 counts the receives posted so far, modulo 2^16 (the adapter may use the lower 16 bits only).
//! The guest never posts the last free slot, so the link of every posted slot is final. A consumed slot is told by
//! `wqe_counter` of its completion and goes to the end of the free list.
//!
//! The stride is a power of two; segments that a receive does not use are ended by [`DataSeg::END`].

use crate::wqe::DataSeg;

/// `struct mlx5_wqe_srq_next_seg`: bytes before the data segments of an SRQ WQE.
pub const NEXT_SEG_BYTES: usize = 16;
/// Offset of the be16 `next_wqe_index`.
pub const NEXT_INDEX_OFFSET: usize = 2;
/// Smallest log2 of a stride: one segment in an RQ.
pub const MIN_LOG_STRIDE: u32 = 4;
/// Largest log2 of a stride: 1 KiB.
pub const MAX_LOG_STRIDE: u32 = 10;

/// The next-segment of an SRQ WQE.
pub fn encode_next(next: u16) -> [u8; NEXT_SEG_BYTES] {
    let mut bytes = [0; NEXT_SEG_BYTES];
    bytes[NEXT_INDEX_OFFSET..NEXT_INDEX_OFFSET + 2].copy_from_slice(&next.to_be_bytes());
    bytes
}

/// Adapter side: next slot told by a WQE, cut to the ring so that it cannot lead outside.
pub fn decode_next(wqe: &[u8], log_wqes: u32) -> Option<u16> {
    let bytes = wqe.get(NEXT_INDEX_OFFSET..NEXT_INDEX_OFFSET + 2)?;
    let mask = (1u32 << log_wqes.min(16)) - 1;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]) & mask as u16)
}

/// Adapter side: data segments of a receive WQE, up to the end of the stride or [`DataSeg::END`]. `segments` starts after
/// the next-segment. Inline markers mean nothing here: such a segment is yielded with its length of 2^31 or more, and the
/// adapter refuses it.
pub fn data_segments(segments: &[u8]) -> impl Iterator<Item = DataSeg> + '_ {
    segments
        .chunks_exact(16)
        .map(|chunk| DataSeg::decode(chunk.first_chunk().unwrap_or(&[0; 16])))
        .take_while(|segment| !segment.is_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::{GuestAddr, Lkey};
    use std::vec::Vec;

    #[test]
    fn links_stay_in_the_ring() {
        assert_eq!(decode_next(&encode_next(5), 4), Some(5));
        assert_eq!(decode_next(&[0xff; 16], 4), Some(15));
        assert_eq!(decode_next(&[0xff; 16], 16), Some(0xffff));
        assert_eq!(decode_next(&[0xff; 3], 4), None);
    }

    #[test]
    fn segments_end_at_the_end_mark_or_the_stride() {
        let data = DataSeg { len: 9, lkey: Lkey(3), addr: GuestAddr(0x1000) };
        let mut wqe = [data.encode(), data.encode(), DataSeg::END.encode(), data.encode()].concat();
        assert_eq!(data_segments(&wqe).collect::<Vec<_>>(), [data, data]);
        wqe.truncate(32);
        assert_eq!(data_segments(&wqe).count(), 2);
    }
}
