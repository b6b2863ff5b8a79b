//! Completion queue entries: `struct mlx5_cqe64` and `struct mlx5_err_cqe` of `mlx5dv.h`, 64 bytes, big-endian.
//!
//! An entry is valid for the consumer index `ci` when its opcode is not `MLX5_CQE_INVALID` and its owner bit equals
//! [`owner_of`]`(ci)`. The buffer starts out as [`INITIAL_OP_OWN`] in every `op_own`. The adapter writes the last eight
//! bytes last, with release order ([`store`]).

use core::fmt;

use crate::num::{NUM_MASK, QpNum, SrqNum};

/// Bytes of an entry.
pub const BYTES: usize = 64;
/// `MLX5_CQE_OWNER_MASK`.
pub const OWNER_MASK: u8 = 1;
/// `op_own` of an entry that was never written: `MLX5_CQE_INVALID << 4`.
pub const INITIAL_OP_OWN: u8 = 0xf0;

/// Offsets in an entry.
pub mod offset {
    /// be32.
    pub const SRQN_UIDX: usize = 32;
    /// be32.
    pub const IMM: usize = 36;
    /// be32.
    pub const BYTE_CNT: usize = 44;
    /// be64.
    pub const TIMESTAMP: usize = 48;
    /// u8, error entries.
    pub const VENDOR_SYNDROME: usize = 54;
    /// u8, error entries.
    pub const SYNDROME: usize = 55;
    /// be32: opcode of the send WQE << 24 | qpn.
    pub const SOP_QPN: usize = 56;
    /// be16.
    pub const WQE_COUNTER: usize = 60;
    /// u8: opcode << 4 | format << 2 | solicited << 1 | owner.
    pub const OP_OWN: usize = 63;
}

/// Owner bit of valid entries in the pass of consumer (or producer) index `index`.
#[inline]
pub const fn owner_of(index: u32, log_cqes: u32) -> u8 {
    (index >> log_cqes & 1) as u8
}

/// What completed: `MLX5_CQE_REQ` and following.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CqeOpcode {
    /// A request of the send queue.
    Requester = 0,
    /// A peer's RDMA write with immediate consumed a receive.
    ResponderWriteImm = 1,
    /// A receive took a send.
    ResponderSend = 2,
    /// A receive took a send with immediate.
    ResponderSendImm = 3,
    /// A request of the send queue failed.
    RequesterError = 13,
    /// A receive failed.
    ResponderError = 14,
}

impl CqeOpcode {
    /// From the high nibble of `op_own`.
    #[inline]
    pub const fn from_u8(value: u8) -> Option<CqeOpcode> {
        Some(match value {
            0 => CqeOpcode::Requester,
            1 => CqeOpcode::ResponderWriteImm,
            2 => CqeOpcode::ResponderSend,
            3 => CqeOpcode::ResponderSendImm,
            13 => CqeOpcode::RequesterError,
            14 => CqeOpcode::ResponderError,
            _ => return None,
        })
    }

    /// Whether this is about a receive.
    #[inline]
    pub const fn is_responder(self) -> bool {
        !matches!(self, CqeOpcode::Requester | CqeOpcode::RequesterError)
    }

    /// Whether this is an error entry.
    #[inline]
    pub const fn is_error(self) -> bool {
        matches!(self, CqeOpcode::RequesterError | CqeOpcode::ResponderError)
    }
}

/// Why a request failed: `MLX5_CQE_SYNDROME_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Syndrome {
    /// The message is longer than the receive, or than a queue pair may send.
    LocalLength = 0x01,
    /// The request is malformed or not allowed in the queue pair's state.
    LocalQpOperation = 0x02,
    /// A local key does not cover the buffer.
    LocalProtection = 0x04,
    /// The queue pair was in the error state: the request was not executed.
    Flushed = 0x05,
    /// A memory window could not be bound.
    MwBind = 0x06,
    /// The peer's answer made no sense.
    BadResponse = 0x10,
    /// A local access violation of the responder.
    LocalAccess = 0x11,
    /// The peer refused the request as invalid.
    RemoteInvalidRequest = 0x12,
    /// The remote key does not cover the remote address, or lacks the right.
    RemoteAccess = 0x13,
    /// The peer failed to carry the request out.
    RemoteOperation = 0x14,
    /// The peer did not answer.
    RetryExceeded = 0x15,
    /// The peer kept having no receive posted.
    RnrRetryExceeded = 0x16,
    /// The peer aborted the operation.
    RemoteAborted = 0x22,
    /// None of the above.
    Unknown = 0xff,
}

impl Syndrome {
    /// From the entry's byte.
    pub const fn from_u8(value: u8) -> Syndrome {
        match value {
            0x01 => Syndrome::LocalLength,
            0x02 => Syndrome::LocalQpOperation,
            0x04 => Syndrome::LocalProtection,
            0x05 => Syndrome::Flushed,
            0x06 => Syndrome::MwBind,
            0x10 => Syndrome::BadResponse,
            0x11 => Syndrome::LocalAccess,
            0x12 => Syndrome::RemoteInvalidRequest,
            0x13 => Syndrome::RemoteAccess,
            0x14 => Syndrome::RemoteOperation,
            0x15 => Syndrome::RetryExceeded,
            0x16 => Syndrome::RnrRetryExceeded,
            0x22 => Syndrome::RemoteAborted,
            _ => Syndrome::Unknown,
        }
    }
}

impl fmt::Display for Syndrome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Syndrome::LocalLength => "local length error (message longer than the receive buffer)",
            Syndrome::LocalQpOperation => "local queue pair operation error (malformed request)",
            Syndrome::LocalProtection => "local protection error (lkey does not cover the buffer)",
            Syndrome::Flushed => "flushed (queue pair in error state)",
            Syndrome::MwBind => "memory window bind error",
            Syndrome::BadResponse => "bad response from the peer",
            Syndrome::LocalAccess => "local access error",
            Syndrome::RemoteInvalidRequest => "remote invalid request",
            Syndrome::RemoteAccess => "remote access error (rkey, range or right)",
            Syndrome::RemoteOperation => "remote operation error",
            Syndrome::RetryExceeded => "retries exceeded (the peer does not answer)",
            Syndrome::RnrRetryExceeded => "receiver-not-ready retries exceeded (the peer posts no receives)",
            Syndrome::RemoteAborted => "aborted by the peer",
            Syndrome::Unknown => "unknown error",
        })
    }
}

/// Checked representation of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cqe {
    /// What completed.
    pub opcode: CqeOpcode,
    /// Whose.
    pub qpn: QpNum,
    /// The queue pair's SRQ if the entry is of a receive that came from one, else 0.
    pub srqn: SrqNum,
    /// Index of the WQE: first basic block of a send WQE, slot of an SRQ WQE, counter of an RQ WQE.
    pub wqe_counter: u16,
    /// Opcode of the send WQE (requester entries).
    pub send_opcode: u8,
    /// Bytes received, read or fetched.
    pub byte_len: u32,
    /// Immediate of the sender, in the sender's native order.
    pub imm: u32,
    /// The sender asked for an event.
    pub solicited: bool,
    /// Cause of an error entry; ignored otherwise.
    pub syndrome: Syndrome,
    /// The engine's finer cause of an error entry.
    pub vendor_syndrome: u8,
}

impl Cqe {
    /// A successful completion of the send WQE at `wqe_counter`.
    pub const fn requester(qpn: QpNum, wqe_counter: u16, send_opcode: u8, byte_len: u32) -> Cqe {
        Cqe {
            opcode: CqeOpcode::Requester,
            qpn,
            srqn: SrqNum(0),
            wqe_counter,
            send_opcode,
            byte_len,
            imm: 0,
            solicited: false,
            syndrome: Syndrome::Unknown,
            vendor_syndrome: 0,
        }
    }

    /// An error completion; `opcode` is one of the two error opcodes.
    pub const fn error(
        opcode: CqeOpcode,
        qpn: QpNum,
        wqe_counter: u16,
        send_opcode: u8,
        syndrome: Syndrome,
    ) -> Cqe {
        let mut cqe = Cqe::requester(qpn, wqe_counter, send_opcode, 0);
        cqe.opcode = opcode;
        cqe.syndrome = syndrome;
        cqe
    }

    /// The entry with the given owner bit.
    pub fn encode(&self, owner: u8) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        put(&mut bytes, offset::SRQN_UIDX, (self.srqn.0 & NUM_MASK).to_be_bytes());
        if self.opcode.is_error() {
            bytes[offset::VENDOR_SYNDROME] = self.vendor_syndrome;
            bytes[offset::SYNDROME] = self.syndrome as u8;
        } else {
            put(&mut bytes, offset::IMM, self.imm.to_be_bytes());
            put(&mut bytes, offset::BYTE_CNT, self.byte_len.to_be_bytes());
        }
        let sop_qpn = (self.send_opcode as u32) << 24 | (self.qpn.0 & NUM_MASK);
        put(&mut bytes, offset::SOP_QPN, sop_qpn.to_be_bytes());
        put(&mut bytes, offset::WQE_COUNTER, self.wqe_counter.to_be_bytes());
        bytes[offset::OP_OWN] = (self.opcode as u8) << 4 | (self.solicited as u8) << 1 | (owner & OWNER_MASK);
        bytes
    }

    /// From an entry whose validity is already established; the unknown opcode otherwise.
    pub fn decode(bytes: &[u8; BYTES]) -> Result<Cqe, u8> {
        let op_own = bytes[offset::OP_OWN];
        let opcode = CqeOpcode::from_u8(op_own >> 4).ok_or(op_own >> 4)?;
        let sop_qpn = u32::from_be_bytes(get(bytes, offset::SOP_QPN));
        let error = opcode.is_error();
        Ok(Cqe {
            opcode,
            qpn: QpNum(sop_qpn & NUM_MASK),
            srqn: SrqNum(u32::from_be_bytes(get(bytes, offset::SRQN_UIDX)) & NUM_MASK),
            wqe_counter: u16::from_be_bytes(get(bytes, offset::WQE_COUNTER)),
            send_opcode: (sop_qpn >> 24) as u8,
            byte_len: if error { 0 } else { u32::from_be_bytes(get(bytes, offset::BYTE_CNT)) },
            imm: if error { 0 } else { u32::from_be_bytes(get(bytes, offset::IMM)) },
            solicited: op_own & 2 != 0,
            syndrome: if error { Syndrome::from_u8(bytes[offset::SYNDROME]) } else { Syndrome::Unknown },
            vendor_syndrome: if error { bytes[offset::VENDOR_SYNDROME] } else { 0 },
        })
    }
}

/// Adapter side: writes an entry so that a reader who sees its owner bit sees all of it.
///
/// # Safety
/// `entry` is 64-byte aligned and 64 bytes from it are writable; nobody reads it as valid before this returns.
pub unsafe fn store(entry: *mut u8, bytes: &[u8; BYTES]) {
    use core::sync::atomic::{AtomicU64, Ordering};
    for (index, chunk) in bytes.chunks_exact(8).enumerate() {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let order = if index == 7 { Ordering::Release } else { Ordering::Relaxed };
        // SAFETY: the caller promises an aligned, writable entry; the reader uses atomic loads or is another machine.
        unsafe { (*entry.add(8 * index).cast::<AtomicU64>()).store(u64::from_ne_bytes(word), order) };
    }
}

fn put<const N: usize>(bytes: &mut [u8; BYTES], offset: usize, value: [u8; N]) {
    bytes[offset..offset + N].copy_from_slice(&value);
}

fn get<const N: usize>(bytes: &[u8; BYTES], offset: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&bytes[offset..offset + N]);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip() {
        let mut recv = Cqe::requester(QpNum(0x123456), 0xabcd, 0, 77);
        recv.opcode = CqeOpcode::ResponderSendImm;
        recv.srqn = SrqNum(9);
        recv.imm = 0xdead_beef;
        recv.solicited = true;
        let mut error = Cqe::error(CqeOpcode::RequesterError, QpNum(1), 2, 10, Syndrome::RemoteAccess);
        error.vendor_syndrome = 0x42;
        for cqe in [Cqe::requester(QpNum(5), 6, 8, 100), recv, error] {
            for owner in [0, 1] {
                let bytes = cqe.encode(owner);
                assert_eq!(bytes[offset::OP_OWN] & OWNER_MASK, owner);
                assert_eq!(Cqe::decode(&bytes), Ok(cqe));
            }
        }
    }

    #[test]
    fn initial_entries_are_invalid() {
        let mut bytes = [0; BYTES];
        bytes[offset::OP_OWN] = INITIAL_OP_OWN;
        assert_eq!(Cqe::decode(&bytes), Err(15));
    }

    #[test]
    fn owner_flips_with_each_pass() {
        assert_eq!([0, 7, 8, 15, 16].map(|index| owner_of(index, 3)), [0, 0, 1, 1, 0]);
    }
}
