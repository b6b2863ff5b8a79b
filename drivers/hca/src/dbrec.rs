//! Doorbell records: two big-endian words in memory, which the adapter reads for the truth behind a doorbell store.
//!
//! | record of | word 0 | word 1 |
//! |---|---|---|
//! | queue pair | receive counter (`MLX5_RCV_DBR`) | send counter in WQEBBs (`MLX5_SND_DBR`) |
//! | shared receive queue | receives posted | unused |
//! | completion queue | consumer index, 24 bits | arm: [`ArmWord`] |
//!
//! Records are 64-byte aligned ([`BYTES`] each), so that two never share a cache line.

use crate::num::NUM_MASK;

/// Bytes that a record occupies; eight are used.
pub const BYTES: usize = 64;
/// `MLX5_RCV_DBR`: index of the receive counter.
pub const RECEIVE: usize = 0;
/// `MLX5_SND_DBR`: index of the send counter.
pub const SEND: usize = 1;
/// Index of a CQ's consumer index.
pub const CQ_CONSUMER: usize = 0;
/// Index of a CQ's arm word.
pub const CQ_ARM: usize = 1;

/// `MLX5_CQ_DB_REQ_NOT_SOL`: arm for solicited completions only.
const SOLICITED_ONLY: u32 = 1 << 24;

/// Arm word of a CQ: `sequence << 28 | command | consumer index`. 0 was never armed.
///
/// The adapter remembers the word that it answered last, so that each arming raises one interrupt. After it stored a
/// completion it does a full fence and reads the word: if that is another one and entries from its consumer index on are
/// there, it raises the interrupt. The guest stores the word, does a full fence and polls once more: one of the two sees
/// the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArmWord {
    /// Two bits that change with every arming, so that the adapter can tell a new request from an old one.
    pub sequence: u8,
    /// Only completions of messages sent as solicited, and errors, raise the interrupt.
    pub solicited_only: bool,
    /// Consumer index, 24 bits: a completion with this index or a later one raises the interrupt.
    pub consumer: u32,
}

impl ArmWord {
    /// The word, not yet big-endian.
    pub const fn encode(self) -> u32 {
        let command = if self.solicited_only { SOLICITED_ONLY } else { 0 };
        ((self.sequence & 3) as u32) << 28 | command | (self.consumer & NUM_MASK)
    }

    /// From the word in native order.
    pub const fn decode(word: u32) -> ArmWord {
        ArmWord {
            sequence: (word >> 28 & 3) as u8,
            solicited_only: word & SOLICITED_ONLY != 0,
            consumer: word & NUM_MASK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm_word_round_trips() {
        let word = ArmWord { sequence: 2, solicited_only: true, consumer: 0xabcdef };
        assert_eq!(word.encode(), 0x21ab_cdef);
        assert_eq!(ArmWord::decode(word.encode()), word);
    }
}
