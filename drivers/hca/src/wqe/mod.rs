//! Send queue entries (WQEs) in the format of mlx5: 16-byte segments in rings of 64-byte basic blocks (WQEBBs).
//!
//! | operation | segments |
//! |---|---|
//! | send | ctrl, data or inline ... |
//! | RDMA write | ctrl, raddr, data or inline ... |
//! | RDMA read | ctrl, raddr, data ... |
//! | atomic | ctrl, raddr, atomic, one data of 8 bytes |
//!
//! A WQE takes the next `ceil(ds / 4)` blocks; it wraps at the end of the ring at any segment, and inline data at any
//! byte. [`segment`] has the byte forms for both sides, [`decode`] the checked reading for the adapter.

pub mod decode;
pub mod segment;

pub use decode::{Segment, SendWqe, WqeError};
pub use segment::{AtomicSeg, CtrlSeg, DataSeg, InlineHeader, RaddrSeg};

/// `MLX5_SEND_WQE_BB`: bytes of a basic block.
pub const BB_BYTES: usize = 64;
/// Bytes of a segment.
pub const SEG_BYTES: usize = 16;
/// Most segments of a WQE: `ds` has six bits.
pub const MAX_DS: usize = 63;
/// Bytes of the largest WQE, and of a buffer that takes any.
pub const MAX_WQE_BYTES: usize = MAX_DS * SEG_BYTES;

/// Basic blocks of a WQE of `ds` segments.
#[inline]
pub const fn blocks(ds: usize) -> usize {
    ds.div_ceil(BB_BYTES / SEG_BYTES)
}

/// `MLX5_OPCODE_*`: the operations this adapter has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Opcode {
    /// Nothing, but completes in order.
    Nop = 0x00,
    /// RDMA write.
    RdmaWrite = 0x08,
    /// RDMA write that consumes a receive and tells an immediate.
    RdmaWriteImm = 0x09,
    /// Send.
    Send = 0x0a,
    /// Send with immediate.
    SendImm = 0x0b,
    /// RDMA read.
    RdmaRead = 0x10,
    /// Compare and swap of 8 bytes.
    AtomicCs = 0x11,
    /// Fetch and add of 8 bytes.
    AtomicFa = 0x12,
}

impl Opcode {
    /// From the low byte of the control segment.
    #[inline]
    pub const fn from_u8(value: u8) -> Option<Opcode> {
        Some(match value {
            0x00 => Opcode::Nop,
            0x08 => Opcode::RdmaWrite,
            0x09 => Opcode::RdmaWriteImm,
            0x0a => Opcode::Send,
            0x0b => Opcode::SendImm,
            0x10 => Opcode::RdmaRead,
            0x11 => Opcode::AtomicCs,
            0x12 => Opcode::AtomicFa,
            _ => return None,
        })
    }

    /// Whether a remote address segment follows the control segment.
    #[inline]
    pub const fn has_raddr(self) -> bool {
        matches!(
            self,
            Opcode::RdmaWrite | Opcode::RdmaWriteImm | Opcode::RdmaRead | Opcode::AtomicCs | Opcode::AtomicFa
        )
    }

    /// Whether this is one of the two atomics.
    #[inline]
    pub const fn is_atomic(self) -> bool {
        matches!(self, Opcode::AtomicCs | Opcode::AtomicFa)
    }

    /// Whether the answer is written to local memory (reads and atomics), so that inline data makes no sense.
    #[inline]
    pub const fn writes_local(self) -> bool {
        matches!(self, Opcode::RdmaRead | Opcode::AtomicCs | Opcode::AtomicFa)
    }
}
