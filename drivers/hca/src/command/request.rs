//! Requests.

use crate::access::Access;
use crate::bytes::{Reader, Writer};
use crate::dbrec;
use crate::num::{CqNum, GuestAddr, Lkey, NUM_MASK, PdNum, QpNum, Rank, Service, SrqNum};
use crate::region::CMD_BYTES;
use crate::srq_wqe::{MAX_LOG_STRIDE, MIN_LOG_STRIDE};

use super::kinds::{ModifyMask, Opcode, QpState, Status};

/// A request: what, and a number that its response repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// Chosen by the guest.
    pub id: u32,
    /// What to do.
    pub command: Command,
}

/// The privileged verbs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// First command: the guest's protocol version.
    Handshake {
        /// [`region::VERSION`](crate::region::VERSION) of the guest.
        version: u32,
    },
    /// New protection domain.
    AllocPd,
    /// End of a protection domain.
    DeallocPd(PdNum),
    /// New memory region.
    RegMr {
        /// Its protection domain.
        pd: PdNum,
        /// First byte.
        addr: GuestAddr,
        /// Bytes.
        len: u64,
        /// Rights.
        access: Access,
    },
    /// End of a memory region.
    DeregMr(Lkey),
    /// New completion queue.
    CreateCq(CreateCq),
    /// End of a completion queue.
    DestroyCq(CqNum),
    /// New shared receive queue.
    CreateSrq(CreateSrq),
    /// End of a shared receive queue.
    DestroySrq(SrqNum),
    /// New queue pair, in the state `Init`.
    CreateQp(CreateQp),
    /// Change of a queue pair.
    ModifyQp(ModifyQp),
    /// State of a queue pair.
    QueryQp(QpNum),
    /// End of a queue pair.
    DestroyQp(QpNum),
    /// Connect a queue pair to the one that `peer` connects for the same service.
    Connect {
        /// This side's queue pair.
        qpn: QpNum,
        /// The other rank; never the own.
        peer: Rank,
        /// What for.
        service: Service,
    },
    /// Interrupt another rank of the job. For ranks that have no doorbell of their own.
    WakeRank(Rank),
}

/// Buffers of a completion queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateCq {
    /// `64 << log_cqes` bytes, 64-byte aligned, every `op_own` initialised.
    pub buf: GuestAddr,
    /// log2 of the entries.
    pub log_cqes: u8,
    /// Doorbell record.
    pub dbrec: GuestAddr,
}

/// Buffers of a shared receive queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateSrq {
    /// Protection domain.
    pub pd: PdNum,
    /// `1 << (log_wqes + log_stride)` bytes, 64-byte aligned.
    pub buf: GuestAddr,
    /// log2 of the WQEs.
    pub log_wqes: u8,
    /// log2 of the bytes of a WQE, next-segment included; 5 to 10.
    pub log_stride: u8,
    /// Doorbell record.
    pub dbrec: GuestAddr,
}

/// Buffers and partners of a queue pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CreateQp {
    /// Protection domain.
    pub pd: PdNum,
    /// Completions of the send queue.
    pub send_cqn: CqNum,
    /// Completions of receives.
    pub recv_cqn: CqNum,
    /// Where receives come from; 0 for the queue pair's own receive queue.
    pub srqn: SrqNum,
    /// `64 << log_sq_wqebbs` bytes, 64-byte aligned.
    pub sq_buf: GuestAddr,
    /// log2 of the send queue's blocks.
    pub log_sq_wqebbs: u8,
    /// `1 << (log_rq_wqes + log_rq_stride)` bytes, 64-byte aligned; 0 with an SRQ.
    pub rq_buf: GuestAddr,
    /// log2 of the receive queue's WQEs.
    pub log_rq_wqes: u8,
    /// log2 of the bytes of a receive WQE; 4 to 10.
    pub log_rq_stride: u8,
    /// Doorbell record.
    pub dbrec: GuestAddr,
}

/// Change of a queue pair; fields count if `mask` says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModifyQp {
    /// Which.
    pub qpn: QpNum,
    /// Fields that count.
    pub mask: ModifyMask,
    /// New state.
    pub state: QpState,
    /// Peer.
    pub dest_rank: Rank,
    /// Peer's queue pair.
    pub dest_qpn: QpNum,
    /// What the peer may do to memory regions through this queue pair.
    pub access: Access,
    /// Bytes: 256, 512, 1024, 2048 or 4096.
    pub path_mtu: u32,
    /// Retransmission timeout 4.096 us * 2^timeout; 0 to 31.
    pub timeout: u8,
    /// 0 to 7.
    pub retry_cnt: u8,
    /// 0 to 7; 7 is for ever.
    pub rnr_retry: u8,
    /// 0 to 31.
    pub min_rnr_timer: u8,
}

impl ModifyQp {
    /// Only a change of state.
    pub fn to_state(qpn: QpNum, state: QpState) -> ModifyQp {
        ModifyQp {
            qpn,
            mask: ModifyMask::STATE,
            state,
            dest_rank: Rank(0),
            dest_qpn: QpNum(0),
            access: Access::NONE,
            path_mtu: 4096,
            timeout: 14,
            retry_cnt: 7,
            rnr_retry: 7,
            min_rnr_timer: 12,
        }
    }
}

impl Command {
    /// Its opcode.
    pub const fn opcode(&self) -> Opcode {
        match self {
            Command::Handshake { .. } => Opcode::Handshake,
            Command::AllocPd => Opcode::AllocPd,
            Command::DeallocPd(_) => Opcode::DeallocPd,
            Command::RegMr { .. } => Opcode::RegMr,
            Command::DeregMr(_) => Opcode::DeregMr,
            Command::CreateCq(_) => Opcode::CreateCq,
            Command::DestroyCq(_) => Opcode::DestroyCq,
            Command::CreateSrq(_) => Opcode::CreateSrq,
            Command::DestroySrq(_) => Opcode::DestroySrq,
            Command::CreateQp(_) => Opcode::CreateQp,
            Command::ModifyQp(_) => Opcode::ModifyQp,
            Command::QueryQp(_) => Opcode::QueryQp,
            Command::DestroyQp(_) => Opcode::DestroyQp,
            Command::Connect { .. } => Opcode::Connect,
            Command::WakeRank(_) => Opcode::WakeRank,
        }
    }
}

impl Request {
    /// The wire form.
    pub fn encode(&self) -> [u8; CMD_BYTES] {
        let mut bytes = [0; CMD_BYTES];
        let mut w = Writer::new(&mut bytes);
        w.u32(self.command.opcode() as u32).u32(self.id);
        match self.command {
            Command::Handshake { version } => _ = w.u32(version),
            Command::AllocPd => {}
            Command::DeallocPd(pd) => _ = w.u32(pd.0),
            Command::RegMr { pd, addr, len, access } => {
                _ = w.u32(pd.0).u32(access.bits()).u64(addr.0).u64(len)
            }
            Command::DeregMr(lkey) => _ = w.u32(lkey.0),
            Command::CreateCq(cq) => _ = w.u64(cq.buf.0).u64(cq.dbrec.0).u8(cq.log_cqes),
            Command::DestroyCq(cqn) => _ = w.u32(cqn.0),
            Command::CreateSrq(srq) => {
                w.u64(srq.buf.0).u64(srq.dbrec.0).u32(srq.pd.0).u8(srq.log_wqes).u8(srq.log_stride);
            }
            Command::DestroySrq(srqn) => _ = w.u32(srqn.0),
            Command::CreateQp(qp) => {
                w.u32(qp.pd.0).u32(qp.send_cqn.0).u32(qp.recv_cqn.0).u32(qp.srqn.0);
                w.u64(qp.sq_buf.0).u64(qp.rq_buf.0).u64(qp.dbrec.0);
                w.u8(qp.log_sq_wqebbs).u8(qp.log_rq_wqes).u8(qp.log_rq_stride);
            }
            Command::ModifyQp(qp) => {
                w.u32(qp.qpn.0)
                    .u32(qp.mask.bits())
                    .u32(qp.state as u32)
                    .u32(qp.dest_rank.0)
                    .u32(qp.dest_qpn.0);
                w.u32(qp.access.bits()).u32(qp.path_mtu);
                w.u8(qp.timeout).u8(qp.retry_cnt).u8(qp.rnr_retry).u8(qp.min_rnr_timer);
            }
            Command::QueryQp(qpn) | Command::DestroyQp(qpn) => _ = w.u32(qpn.0),
            Command::Connect { qpn, peer, service } => _ = w.u32(qpn.0).u32(peer.0).u32(service.0),
            Command::WakeRank(rank) => _ = w.u32(rank.0),
        }
        bytes
    }

    /// From hostile bytes. On failure, the id and the status to answer with.
    ///
    /// Checked here: opcode, enumerations, bits, 24-bit numbers, alignment of buffers and records, log2 values within
    /// what the formats can express. Left to the adapter: limits, existence of objects, whether addresses are in memory.
    pub fn decode(bytes: &[u8; CMD_BYTES]) -> Result<Request, (u32, Status)> {
        let mut r = Reader::new(bytes);
        let (opcode, id) = (r.u32(), r.u32());
        let opcode = Opcode::from_u32(opcode).ok_or((id, Status::UnknownOpcode))?;
        match decode_body(opcode, &mut r) {
            Ok(command) => Ok(Request { id, command }),
            Err(status) => Err((id, status)),
        }
    }
}

fn decode_body(opcode: Opcode, r: &mut Reader<'_>) -> Result<Command, Status> {
    Ok(match opcode {
        Opcode::Handshake => Command::Handshake { version: r.u32() },
        Opcode::AllocPd => Command::AllocPd,
        Opcode::DeallocPd => Command::DeallocPd(PdNum(r.u32())),
        Opcode::RegMr => {
            let pd = PdNum(r.u32());
            let access = Access::from_bits(r.u32()).ok_or(Status::Invalid)?;
            let (addr, len) = (r.u64(), r.u64());
            addr.checked_add(len).ok_or(Status::BadAddress)?;
            Command::RegMr { pd, addr: GuestAddr(addr), len, access }
        }
        Opcode::DeregMr => Command::DeregMr(Lkey(r.u32())),
        Opcode::CreateCq => {
            let (buf, dbrec) = (buffer(r)?, record(r)?);
            Command::CreateCq(CreateCq { buf, log_cqes: log2(r, 0, 22)?, dbrec })
        }
        Opcode::DestroyCq => Command::DestroyCq(CqNum(number(r)?)),
        Opcode::CreateSrq => {
            let (buf, dbrec, pd) = (buffer(r)?, record(r)?, PdNum(r.u32()));
            let (log_wqes, log_stride) = (log2(r, 0, 15)?, log2(r, MIN_LOG_STRIDE + 1, MAX_LOG_STRIDE)?);
            Command::CreateSrq(CreateSrq { pd, buf, log_wqes, log_stride, dbrec })
        }
        Opcode::DestroySrq => Command::DestroySrq(SrqNum(number(r)?)),
        Opcode::CreateQp => Command::CreateQp(decode_create_qp(r)?),
        Opcode::ModifyQp => Command::ModifyQp(decode_modify_qp(r)?),
        Opcode::QueryQp => Command::QueryQp(QpNum(number(r)?)),
        Opcode::DestroyQp => Command::DestroyQp(QpNum(number(r)?)),
        Opcode::WakeRank => Command::WakeRank(Rank(r.u32())),
        Opcode::Connect => {
            Command::Connect { qpn: QpNum(number(r)?), peer: Rank(r.u32()), service: Service(r.u32()) }
        }
    })
}

fn decode_create_qp(r: &mut Reader<'_>) -> Result<CreateQp, Status> {
    let pd = PdNum(r.u32());
    let (send_cqn, recv_cqn, srqn) = (CqNum(number(r)?), CqNum(number(r)?), SrqNum(number(r)?));
    let (sq_buf, rq_buf, dbrec) = (buffer(r)?, buffer(r)?, record(r)?);
    let (log_sq_wqebbs, log_rq_wqes) = (log2(r, 0, 15)?, log2(r, 0, 15)?);
    let least = if srqn.0 == 0 { MIN_LOG_STRIDE } else { 0 };
    let log_rq_stride = log2(r, least, MAX_LOG_STRIDE)?;
    Ok(CreateQp {
        pd,
        send_cqn,
        recv_cqn,
        srqn,
        sq_buf,
        log_sq_wqebbs,
        rq_buf,
        log_rq_wqes,
        log_rq_stride,
        dbrec,
    })
}

fn decode_modify_qp(r: &mut Reader<'_>) -> Result<ModifyQp, Status> {
    let qpn = QpNum(number(r)?);
    let mask = ModifyMask::from_bits(r.u32()).ok_or(Status::Invalid)?;
    let state = QpState::from_u32(r.u32()).ok_or(Status::Invalid)?;
    let (dest_rank, dest_qpn) = (Rank(r.u32()), QpNum(number(r)?));
    let access = Access::from_bits(r.u32()).ok_or(Status::Invalid)?;
    let path_mtu = r.u32();
    if !(256..=4096).contains(&path_mtu) || !path_mtu.is_power_of_two() {
        return Err(Status::Invalid);
    }
    let (timeout, retry_cnt, rnr_retry, min_rnr_timer) =
        (log2(r, 0, 31)?, log2(r, 0, 7)?, log2(r, 0, 7)?, log2(r, 0, 31)?);
    Ok(ModifyQp {
        qpn,
        mask,
        state,
        dest_rank,
        dest_qpn,
        access,
        path_mtu,
        timeout,
        retry_cnt,
        rnr_retry,
        min_rnr_timer,
    })
}

fn number(r: &mut Reader<'_>) -> Result<u32, Status> {
    let value = r.u32();
    if value > NUM_MASK { Err(Status::Invalid) } else { Ok(value) }
}

/// A small number within bounds.
fn log2(r: &mut Reader<'_>, least: u32, most: u32) -> Result<u8, Status> {
    let value = r.u8();
    if (least..=most).contains(&u32::from(value)) { Ok(value) } else { Err(Status::Invalid) }
}

fn buffer(r: &mut Reader<'_>) -> Result<GuestAddr, Status> {
    let value = r.u64();
    if value % 64 == 0 { Ok(GuestAddr(value)) } else { Err(Status::BadAddress) }
}

fn record(r: &mut Reader<'_>) -> Result<GuestAddr, Status> {
    let value = r.u64();
    if value % dbrec::BYTES as u64 == 0 { Ok(GuestAddr(value)) } else { Err(Status::BadAddress) }
}
