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

/// Arm word of a CQ: `sequence << 28 | command | consumer index`.
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

/// Adapter side: remembers which arm word was answered, so that each arming raises one interrupt.
///
/// After it stored a completion, the adapter does a full fence, reads record word 1 and asks [`ArmState::fires`]. The
/// guest stores the word, does a full fence and polls once more: one of the two sees the other.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ArmState {
    answered: u32,
}

impl ArmState {
    /// Whether the interrupt is to be raised. `word` is record word 1 in native order, `producer` the adapter's index
    /// after the completion, `solicited` whether that was solicited or an error.
    pub fn fires(&mut self, word: u32, producer: u32, solicited: bool) -> bool {
        let arm = ArmWord::decode(word);
        let pending = producer.wrapping_sub(arm.consumer) & NUM_MASK;
        if word == self.answered || pending == 0 || (arm.solicited_only && !solicited) {
            return false;
        }
        self.answered = word;
        true
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

    #[test]
    fn each_arming_fires_once_and_only_for_unseen_completions() {
        let mut state = ArmState::default();
        let first = ArmWord { sequence: 1, solicited_only: false, consumer: 5 }.encode();
        assert!(!state.fires(0, 6, false), "never armed");
        assert!(!state.fires(first, 5, false), "the guest has seen all");
        assert!(state.fires(first, 6, false));
        assert!(!state.fires(first, 7, false), "answered already");
        let solicited = ArmWord { sequence: 2, solicited_only: true, consumer: 6 }.encode();
        assert!(!state.fires(solicited, 7, false));
        assert!(state.fires(solicited, 8, true));
        let wrapped = ArmWord { sequence: 3, solicited_only: false, consumer: 0xffffff }.encode();
        assert!(state.fires(wrapped, 0x100_0000, false));
    }
}
