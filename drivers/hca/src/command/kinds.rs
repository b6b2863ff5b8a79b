//! Enumerations of the command ring.

use core::fmt;

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
#[allow(missing_docs, reason = "the names are the verbs; the fields are documented at `Command`")]
pub enum Opcode {
    Handshake = 1,
    AllocPd = 2,
    DeallocPd = 3,
    RegMr = 4,
    DeregMr = 5,
    CreateCq = 6,
    DestroyCq = 7,
    CreateSrq = 8,
    DestroySrq = 9,
    CreateQp = 10,
    ModifyQp = 11,
    QueryQp = 12,
    DestroyQp = 13,
    Connect = 14,
    WakeRank = 15,
}

impl Opcode {
    /// From the wire.
    pub const fn from_u32(value: u32) -> Option<Opcode> {
        Some(match value {
            1 => Opcode::Handshake,
            2 => Opcode::AllocPd,
            3 => Opcode::DeallocPd,
            4 => Opcode::RegMr,
            5 => Opcode::DeregMr,
            6 => Opcode::CreateCq,
            7 => Opcode::DestroyCq,
            8 => Opcode::CreateSrq,
            9 => Opcode::DestroySrq,
            10 => Opcode::CreateQp,
            11 => Opcode::ModifyQp,
            12 => Opcode::QueryQp,
            13 => Opcode::DestroyQp,
            14 => Opcode::Connect,
            15 => Opcode::WakeRank,
            _ => return None,
        })
    }
}

/// Outcome of a command; the numbers are those of Linux' errno of the same meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Not allowed for this rank or in this state.
    NotPermitted = 1,
    /// No such object.
    NotFound = 2,
    /// The host is out of memory.
    NoMemory = 12,
    /// An address or length lies outside the rank's memory, or is misaligned.
    BadAddress = 14,
    /// Still used by another object.
    Busy = 16,
    /// Exists already.
    Exists = 17,
    /// A field is out of range.
    Invalid = 22,
    /// A limit of the adapter is reached.
    LimitReached = 28,
    /// An opcode this host does not know.
    UnknownOpcode = 38,
    /// Other protocol version; the answer carries the host's.
    BadVersion = 71,
    /// The peer rank is not (or no longer) there.
    Unreachable = 113,
}

impl Status {
    /// From the wire; an unknown error is [`Status::Invalid`].
    pub const fn from_u32(value: u32) -> Status {
        match value {
            0 => Status::Ok,
            1 => Status::NotPermitted,
            2 => Status::NotFound,
            12 => Status::NoMemory,
            14 => Status::BadAddress,
            16 => Status::Busy,
            17 => Status::Exists,
            28 => Status::LimitReached,
            38 => Status::UnknownOpcode,
            71 => Status::BadVersion,
            113 => Status::Unreachable,
            _ => Status::Invalid,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Ok => "done",
            Status::NotPermitted => "not permitted in this state",
            Status::NotFound => "no such object",
            Status::NoMemory => "the host is out of memory",
            Status::BadAddress => "address outside the rank's memory or misaligned",
            Status::Busy => "still in use by another object",
            Status::Exists => "exists already",
            Status::Invalid => "invalid argument",
            Status::LimitReached => "a limit of the adapter is reached",
            Status::UnknownOpcode => "the host does not know this command",
            Status::BadVersion => "the host speaks another protocol version",
            Status::Unreachable => "the peer rank is not reachable",
        })
    }
}

/// State of a queue pair, numbered as `enum ibv_qp_state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum QpState {
    /// Fresh.
    Reset = 0,
    /// Receives may be posted.
    Init = 1,
    /// Ready to receive.
    Rtr = 2,
    /// Ready to send.
    Rts = 3,
    /// All requests are flushed.
    Error = 6,
}

impl QpState {
    /// From the wire.
    pub const fn from_u32(value: u32) -> Option<QpState> {
        Some(match value {
            0 => QpState::Reset,
            1 => QpState::Init,
            2 => QpState::Rtr,
            3 => QpState::Rts,
            6 => QpState::Error,
            _ => return None,
        })
    }
}

/// Which fields of a [`ModifyQp`](super::ModifyQp) count: bits of `enum ibv_qp_attr_mask`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ModifyMask(u32);

impl ModifyMask {
    /// `state`.
    pub const STATE: ModifyMask = ModifyMask(1 << 0);
    /// `access`.
    pub const ACCESS: ModifyMask = ModifyMask(1 << 3);
    /// `dest_rank` (`IBV_QP_AV`).
    pub const DEST_RANK: ModifyMask = ModifyMask(1 << 7);
    /// `path_mtu`.
    pub const PATH_MTU: ModifyMask = ModifyMask(1 << 8);
    /// `timeout`.
    pub const TIMEOUT: ModifyMask = ModifyMask(1 << 9);
    /// `retry_cnt`.
    pub const RETRY_CNT: ModifyMask = ModifyMask(1 << 10);
    /// `rnr_retry`.
    pub const RNR_RETRY: ModifyMask = ModifyMask(1 << 11);
    /// `min_rnr_timer`.
    pub const MIN_RNR_TIMER: ModifyMask = ModifyMask(1 << 15);
    /// `dest_qpn`.
    pub const DEST_QPN: ModifyMask = ModifyMask(1 << 20);
    const ALL: u32 = 1 | 1 << 3 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 20;

    /// The wire form.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From the wire; `None` for unknown bits.
    pub const fn from_bits(bits: u32) -> Option<ModifyMask> {
        if bits & !Self::ALL != 0 { None } else { Some(ModifyMask(bits)) }
    }

    /// Whether every bit of `other` is in this mask.
    pub const fn contains(self, other: ModifyMask) -> bool {
        self.0 & other.0 == other.0
    }
}

impl core::ops::BitOr for ModifyMask {
    type Output = ModifyMask;
    fn bitor(self, other: ModifyMask) -> ModifyMask {
        ModifyMask(self.0 | other.0)
    }
}
