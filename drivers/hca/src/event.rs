//! Asynchronous events, host to guest: 32 bytes `{u32 kind, u32 a, u32 b, u32 c, zeros}`, little-endian.

use core::fmt;

use crate::bytes::{Reader, Writer};
use crate::num::{CqNum, NUM_MASK, QpNum, Rank, Service};
use crate::region::EVT_BYTES;

/// Why a queue pair died.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum FatalReason {
    /// The send queue holds something that is no valid request, or the doorbell record is out of range.
    BadSendQueue = 1,
    /// The receive queue or shared receive queue holds something invalid.
    BadReceiveQueue = 2,
    /// A completion did not fit: its completion queue ran over.
    CqOverrun = 3,
    /// The peer reported an error.
    Remote = 4,
    /// The peer could not be reached.
    Unreachable = 5,
    /// Something else; the host's log tells.
    Other = 6,
}

impl FatalReason {
    fn from_u32(value: u32) -> FatalReason {
        match value {
            1 => FatalReason::BadSendQueue,
            2 => FatalReason::BadReceiveQueue,
            3 => FatalReason::CqOverrun,
            4 => FatalReason::Remote,
            5 => FatalReason::Unreachable,
            _ => FatalReason::Other,
        }
    }
}

impl fmt::Display for FatalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FatalReason::BadSendQueue => "invalid request in the send queue",
            FatalReason::BadReceiveQueue => "invalid request in the receive queue",
            FatalReason::CqOverrun => "completion queue overrun",
            FatalReason::Remote => "the peer reported an error",
            FatalReason::Unreachable => "the peer cannot be reached",
            FatalReason::Other => "unknown cause",
        })
    }
}

/// One event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// `peer` wants a connection for `service`: create a queue pair and connect it.
    ConnectRequest {
        /// Who asks.
        peer: Rank,
        /// What for.
        service: Service,
    },
    /// Both sides have connected: `qpn` may send.
    Connected {
        /// The other side.
        peer: Rank,
        /// This side's queue pair.
        qpn: QpNum,
        /// What for.
        service: Service,
    },
    /// The queue pair is in the error state; its requests are being flushed.
    QpFatal {
        /// This side's queue pair.
        qpn: QpNum,
        /// Cause.
        reason: FatalReason,
    },
    /// The completion queue ran over and is dead.
    CqError {
        /// Which.
        cqn: CqNum,
    },
    /// A rank of the job ended or was lost.
    PeerGone {
        /// Which.
        rank: Rank,
    },
}

/// Kind of event this side does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownEvent(pub u32);

impl Event {
    /// The wire form.
    pub fn encode(&self) -> [u8; EVT_BYTES] {
        let mut bytes = [0; EVT_BYTES];
        let (kind, a, b, c) = match *self {
            Event::ConnectRequest { peer, service } => (1, peer.0, 0, service.0),
            Event::Connected { peer, qpn, service } => (2, peer.0, qpn.0, service.0),
            Event::QpFatal { qpn, reason } => (3, 0, qpn.0, reason as u32),
            Event::CqError { cqn } => (4, 0, cqn.0, 0),
            Event::PeerGone { rank } => (5, rank.0, 0, 0),
        };
        Writer::new(&mut bytes).u32(kind).u32(a).u32(b).u32(c);
        bytes
    }

    /// From the wire. Queue numbers are cut to 24 bits; ranks are not checked here.
    pub fn decode(bytes: &[u8; EVT_BYTES]) -> Result<Event, UnknownEvent> {
        let mut reader = Reader::new(bytes);
        let (kind, a, b, c) = (reader.u32(), reader.u32(), reader.u32(), reader.u32());
        Ok(match kind {
            1 => Event::ConnectRequest { peer: Rank(a), service: Service(c) },
            2 => Event::Connected { peer: Rank(a), qpn: QpNum(b & NUM_MASK), service: Service(c) },
            3 => Event::QpFatal { qpn: QpNum(b & NUM_MASK), reason: FatalReason::from_u32(c) },
            4 => Event::CqError { cqn: CqNum(b & NUM_MASK) },
            5 => Event::PeerGone { rank: Rank(a) },
            other => return Err(UnknownEvent(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_round_trip() {
        for event in [
            Event::ConnectRequest { peer: Rank(3), service: Service(9) },
            Event::Connected { peer: Rank(4), qpn: QpNum(0x123456), service: Service(1) },
            Event::QpFatal { qpn: QpNum(7), reason: FatalReason::CqOverrun },
            Event::CqError { cqn: CqNum(2) },
            Event::PeerGone { rank: Rank(11) },
        ] {
            assert_eq!(Event::decode(&event.encode()), Ok(event));
        }
        assert_eq!(Event::decode(&[0xff; EVT_BYTES]), Err(UnknownEvent(u32::MAX)));
    }
}
