//! Requests for the send queue.

use crate::num::{GuestAddr, Lkey, Rkey};
use crate::wqe::segment::{CTRL_CQ_UPDATE, CTRL_FENCE, CTRL_SOLICITED};
use crate::wqe::{AtomicSeg, DataSeg, Opcode, RaddrSeg};

/// One entry of a scatter/gather list. Entries of length 0 are left out of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sge {
    /// First byte.
    pub addr: GuestAddr,
    /// Bytes; below 2^31.
    pub len: u32,
    /// Key that covers them.
    pub lkey: Lkey,
}

impl Sge {
    /// The bytes at `pointer`.
    #[inline]
    pub fn new(pointer: *const u8, len: u32, lkey: Lkey) -> Sge {
        Sge { addr: GuestAddr::of(pointer), len, lkey }
    }

    #[inline]
    pub(super) fn segment(&self) -> DataSeg {
        DataSeg { len: self.len, lkey: self.lkey, addr: self.addr }
    }
}

/// A request for the send queue, built up by its methods. The message is the inline parts, then the entries of the list.
#[derive(Clone, Copy, Debug)]
pub struct SendRequest<'a> {
    pub(super) wr_id: u64,
    pub(super) opcode: Opcode,
    pub(super) flags: u8,
    pub(super) imm: u32,
    pub(super) remote: RaddrSeg,
    pub(super) atomic: AtomicSeg,
    pub(super) inline: &'a [&'a [u8]],
    pub(super) sges: &'a [Sge],
}

impl<'a> SendRequest<'a> {
    #[inline(always)]
    const fn new(wr_id: u64, opcode: Opcode) -> SendRequest<'a> {
        SendRequest {
            wr_id,
            opcode,
            flags: 0,
            imm: 0,
            remote: RaddrSeg { raddr: GuestAddr(0), rkey: Rkey(0) },
            atomic: AtomicSeg { swap_add: 0, compare: 0 },
            inline: &[],
            sges: &[],
        }
    }

    #[inline(always)]
    const fn remote(wr_id: u64, opcode: Opcode, raddr: GuestAddr, rkey: Rkey) -> SendRequest<'a> {
        let mut request = Self::new(wr_id, opcode);
        request.remote = RaddrSeg { raddr, rkey };
        request
    }

    /// Send: the peer's next receive takes the message.
    #[inline(always)]
    pub const fn send(wr_id: u64) -> Self {
        Self::new(wr_id, Opcode::Send)
    }

    /// Send with immediate.
    #[inline(always)]
    pub const fn send_imm(wr_id: u64, imm: u32) -> Self {
        let mut request = Self::new(wr_id, Opcode::SendImm);
        request.imm = imm;
        request
    }

    /// RDMA write of the message to the peer's memory.
    #[inline(always)]
    pub const fn write(wr_id: u64, raddr: GuestAddr, rkey: Rkey) -> Self {
        Self::remote(wr_id, Opcode::RdmaWrite, raddr, rkey)
    }

    /// RDMA write that also consumes a receive of the peer and tells it `imm`.
    #[inline(always)]
    pub const fn write_imm(wr_id: u64, raddr: GuestAddr, rkey: Rkey, imm: u32) -> Self {
        let mut request = Self::remote(wr_id, Opcode::RdmaWriteImm, raddr, rkey);
        request.imm = imm;
        request
    }

    /// RDMA read of the peer's memory into the list.
    #[inline(always)]
    pub const fn read(wr_id: u64, raddr: GuestAddr, rkey: Rkey) -> Self {
        Self::remote(wr_id, Opcode::RdmaRead, raddr, rkey)
    }

    /// Adds to the peer's 8-byte word; the old value goes to the one entry of the list.
    #[inline(always)]
    pub const fn fetch_add(wr_id: u64, raddr: GuestAddr, rkey: Rkey, add: u64) -> Self {
        let mut request = Self::remote(wr_id, Opcode::AtomicFa, raddr, rkey);
        request.atomic.swap_add = add;
        request
    }

    /// Swaps the peer's 8-byte word if it equals `compare`; the old value goes to the one entry of the list.
    #[inline(always)]
    pub const fn compare_swap(wr_id: u64, raddr: GuestAddr, rkey: Rkey, compare: u64, swap: u64) -> Self {
        let mut request = Self::remote(wr_id, Opcode::AtomicCs, raddr, rkey);
        request.atomic = AtomicSeg { swap_add: swap, compare };
        request
    }

    /// Nothing: completes when all before it have.
    #[inline(always)]
    pub const fn nop(wr_id: u64) -> Self {
        Self::new(wr_id, Opcode::Nop)
    }

    /// Bytes to copy into the request itself; they may change once it is posted.
    #[inline(always)]
    pub const fn inline(mut self, parts: &'a [&'a [u8]]) -> Self {
        self.inline = parts;
        self
    }

    /// Memory that the adapter reads or writes until the request completes.
    #[inline(always)]
    pub const fn sges(mut self, sges: &'a [Sge]) -> Self {
        self.sges = sges;
        self
    }

    /// A completion is wanted. Without, the request is retired by the next completion of its queue pair.
    #[inline(always)]
    pub const fn signalled(mut self) -> Self {
        self.flags |= CTRL_CQ_UPDATE;
        self
    }

    /// The peer's completion counts as solicited.
    #[inline(always)]
    pub const fn solicited(mut self) -> Self {
        self.flags |= CTRL_SOLICITED;
        self
    }

    /// Starts only when earlier reads and atomics of the queue pair are done.
    #[inline(always)]
    pub const fn fence(mut self) -> Self {
        self.flags |= CTRL_FENCE;
        self
    }
}
