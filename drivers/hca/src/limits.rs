//! What the adapter can hold, told in the control page and in the answer to the handshake.

use crate::bytes::{Reader, Writer};

/// Limits of one rank's adapter. `log2` values bound the ring sizes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Queue pairs.
    pub max_qp: u32,
    /// Completion queues.
    pub max_cq: u32,
    /// Memory regions.
    pub max_mr: u32,
    /// Shared receive queues.
    pub max_srq: u32,
    /// Protection domains.
    pub max_pd: u32,
    /// log2 of the entries of a completion queue; at most 22.
    pub max_log_cqes: u32,
    /// log2 of the 64-byte blocks of a send queue; at most 15, as WQE indices are 16 bits.
    pub max_log_sq_wqebbs: u32,
    /// log2 of the entries of a receive queue or shared receive queue; at most 15.
    pub max_log_rq_wqes: u32,
    /// Scatter/gather entries of a request.
    pub max_sges: u32,
    /// RDMA reads and atomics that a queue pair keeps in flight.
    pub max_rd_atomic: u32,
}

impl Limits {
    /// Bytes of the wire form: ten u32 in the order of the fields.
    pub const BYTES: usize = 40;

    /// Generous values that every engine supports; an engine may tell less.
    pub const DEFAULT: Limits = Limits {
        max_qp: 65536,
        max_cq: 1024,
        max_mr: 65536,
        max_srq: 256,
        max_pd: 256,
        max_log_cqes: 22,
        max_log_sq_wqebbs: 15,
        max_log_rq_wqes: 15,
        max_sges: 30,
        max_rd_atomic: 16,
    };

    fn fields(&self) -> [u32; 10] {
        [
            self.max_qp,
            self.max_cq,
            self.max_mr,
            self.max_srq,
            self.max_pd,
            self.max_log_cqes,
            self.max_log_sq_wqebbs,
            self.max_log_rq_wqes,
            self.max_sges,
            self.max_rd_atomic,
        ]
    }

    /// The wire form.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let mut writer = Writer::new(&mut bytes);
        for field in self.fields() {
            writer.u32(field);
        }
        bytes
    }

    /// From the wire; values over what the formats can express are cut to that.
    pub fn decode(bytes: &[u8; Self::BYTES]) -> Limits {
        let mut reader = Reader::new(bytes);
        Limits {
            max_qp: reader.u32(),
            max_cq: reader.u32(),
            max_mr: reader.u32(),
            max_srq: reader.u32(),
            max_pd: reader.u32(),
            max_log_cqes: reader.u32().min(22),
            max_log_sq_wqebbs: reader.u32().min(15),
            max_log_rq_wqes: reader.u32().min(15),
            max_sges: reader.u32().min(30),
            max_rd_atomic: reader.u32(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_round_trip_and_are_cut_to_the_format() {
        assert_eq!(Limits::decode(&Limits::DEFAULT.encode()), Limits::DEFAULT);
        let cut = Limits::decode(&[0xff; Limits::BYTES]);
        assert_eq!((cut.max_log_cqes, cut.max_log_sq_wqebbs, cut.max_sges), (22, 15, 30));
    }
}
