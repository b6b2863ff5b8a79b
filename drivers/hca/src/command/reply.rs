//! Responses.

use crate::bytes::{Reader, Writer};
use crate::limits::Limits;
use crate::num::{CqNum, Lkey, NUM_MASK, PdNum, QpNum, Rank, Rkey, SrqNum};
use crate::region::CMD_BYTES;

use super::kinds::{Opcode, QpState, Status};

/// Answer to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Response {
    /// The request's id.
    pub id: u32,
    /// What came of it.
    pub result: Result<Reply, Status>,
}

/// Body of a successful response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Nothing to tell.
    Done,
    /// Answer to the handshake.
    Handshake {
        /// The host's version.
        version: u32,
        /// Key that covers all of the rank's memory for local access.
        reserved_lkey: Lkey,
        /// What the adapter can hold.
        limits: Limits,
    },
    /// New protection domain.
    Pd(PdNum),
    /// New memory region.
    Mr {
        /// For local use.
        lkey: Lkey,
        /// For peers.
        rkey: Rkey,
    },
    /// New completion queue.
    Cq(CqNum),
    /// New shared receive queue.
    Srq(SrqNum),
    /// New queue pair.
    Qp(QpNum),
    /// State of a queue pair.
    QpInfo(QpInfo),
}

/// State of a queue pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QpInfo {
    /// State.
    pub state: QpState,
    /// Peer, if connected.
    pub dest_rank: Rank,
    /// Peer's queue pair, if connected; else 0.
    pub dest_qpn: QpNum,
    /// Send blocks the adapter has finished, modulo 2^16.
    pub sq_consumer: u16,
    /// Receives the adapter has consumed, modulo 2^16.
    pub rq_consumer: u16,
}

impl Response {
    /// The wire form.
    pub fn encode(&self) -> [u8; CMD_BYTES] {
        let mut bytes = [0; CMD_BYTES];
        let mut w = Writer::new(&mut bytes);
        let status = self.result.err().unwrap_or(Status::Ok);
        w.u32(status as u32).u32(self.id);
        match self.result {
            Err(_) | Ok(Reply::Done) => {}
            Ok(Reply::Handshake { version, reserved_lkey, limits }) => {
                w.u32(version).u32(reserved_lkey.0);
                limits.encode().into_iter().for_each(|byte| _ = w.u8(byte));
            }
            Ok(Reply::Pd(pd)) => _ = w.u32(pd.0),
            Ok(Reply::Mr { lkey, rkey }) => _ = w.u32(lkey.0).u32(rkey.0),
            Ok(Reply::Cq(cqn)) => _ = w.u32(cqn.0),
            Ok(Reply::Srq(srqn)) => _ = w.u32(srqn.0),
            Ok(Reply::Qp(qpn)) => _ = w.u32(qpn.0),
            Ok(Reply::QpInfo(info)) => {
                w.u32(info.state as u32).u32(info.dest_rank.0).u32(info.dest_qpn.0);
                w.u32(u32::from(info.sq_consumer)).u32(u32::from(info.rq_consumer));
            }
        }
        bytes
    }

    /// From bytes that answer a request of `opcode`. An answer that makes no sense becomes [`Status::Invalid`].
    pub fn decode(bytes: &[u8; CMD_BYTES], opcode: Opcode) -> Response {
        let mut r = Reader::new(bytes);
        let (status, id) = (Status::from_u32(r.u32()), r.u32());
        let result = if status == Status::Ok { decode_body(opcode, &mut r) } else { Err(status) };
        Response { id, result }
    }
}

fn decode_body(opcode: Opcode, r: &mut Reader<'_>) -> Result<Reply, Status> {
    Ok(match opcode {
        Opcode::Handshake => {
            let (version, reserved_lkey) = (r.u32(), Lkey(r.u32()));
            let mut limits = [0; Limits::BYTES];
            limits.iter_mut().for_each(|byte| *byte = r.u8());
            Reply::Handshake { version, reserved_lkey, limits: Limits::decode(&limits) }
        }
        Opcode::AllocPd => Reply::Pd(PdNum(r.u32())),
        Opcode::RegMr => Reply::Mr { lkey: Lkey(r.u32()), rkey: Rkey(r.u32()) },
        Opcode::CreateCq => Reply::Cq(CqNum(number(r)?)),
        Opcode::CreateSrq => Reply::Srq(SrqNum(number(r)?)),
        Opcode::CreateQp => Reply::Qp(QpNum(number(r)?)),
        Opcode::QueryQp => Reply::QpInfo(QpInfo {
            state: QpState::from_u32(r.u32()).ok_or(Status::Invalid)?,
            dest_rank: Rank(r.u32()),
            dest_qpn: QpNum(number(r)?),
            sq_consumer: r.u32() as u16,
            rq_consumer: r.u32() as u16,
        }),
        _ => Reply::Done,
    })
}

fn number(r: &mut Reader<'_>) -> Result<u32, Status> {
    let value = r.u32();
    if value > NUM_MASK { Err(Status::Invalid) } else { Ok(value) }
}
