//! What the engine keeps of queue pairs, completion queues and shared receive queues.

use unirank_hca::Access;
use unirank_hca::command::QpState;

use super::ring::{DoorbellRecord, Ring};
use super::work::Work;

/// A reliable-connected queue pair.
#[derive(Debug)]
pub(super) struct QueuePair {
    pub(super) number: u32,
    /// Rank it belongs to.
    pub(super) rank: u32,
    pub(super) pd: u32,
    pub(super) send_cq: u32,
    pub(super) recv_cq: u32,
    pub(super) state: QpState,
    pub(super) sq: Ring,
    pub(super) log_sq: u32,
    pub(super) source: ReceiveSource,
    pub(super) dbrec: DoorbellRecord,
    /// Send blocks seen in the doorbell record.
    pub(super) sq_producer: u16,
    /// Send blocks finished.
    pub(super) sq_consumer: u16,
    pub(super) attributes: Attributes,
    /// The request at `sq_consumer`, or buffers for the next; taken out during a turn.
    pub(super) work: Option<Box<Work>>,
    /// Whether it is in the job's list of active or waiting queue pairs.
    pub(super) queued: bool,
}

/// What `MODIFY_QP` sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    pub(super) dest_rank: u32,
    /// 0 while not connected.
    pub(super) dest_qpn: u32,
    pub(super) access: Access,
    pub(super) timeout: u8,
    pub(super) retry_cnt: u8,
    pub(super) rnr_retry: u8,
    pub(super) min_rnr_timer: u8,
}

impl Default for Attributes {
    /// What a connection through `CONNECT` uses unless modified before: 0.5 s until an unreachable peer is an
    /// error, a receiver without receives is waited for without end. The regions' rights are what protects.
    fn default() -> Self {
        Self {
            dest_rank: 0,
            dest_qpn: 0,
            access: Access::ALL,
            timeout: 14,
            retry_cnt: 7,
            rnr_retry: 7,
            min_rnr_timer: 12,
        }
    }
}

/// Where a queue pair's receives come from.
#[derive(Debug)]
pub(super) enum ReceiveSource {
    /// Its own receive queue.
    Own(ReceiveQueue),
    /// A shared one.
    Shared(u32),
}

/// A queue pair's own receive queue.
#[derive(Debug)]
pub(super) struct ReceiveQueue {
    pub(super) ring: Ring,
    pub(super) log_wqes: u32,
    pub(super) log_stride: u32,
    /// Receives consumed.
    pub(super) consumer: u16,
}

/// A shared receive queue: a linked list of slots.
#[derive(Debug)]
pub(super) struct SharedReceiveQueue {
    pub(super) rank: u32,
    pub(super) pd: u32,
    pub(super) ring: Ring,
    pub(super) dbrec: DoorbellRecord,
    pub(super) log_wqes: u32,
    pub(super) log_stride: u32,
    /// Slot that the next message takes.
    pub(super) head: u16,
    /// Receives consumed.
    pub(super) consumed: u16,
    /// Queue pairs that use it.
    pub(super) users: u32,
}

/// A completion queue.
#[derive(Debug)]
pub(super) struct CompletionQueue {
    pub(super) rank: u32,
    pub(super) ring: Ring,
    pub(super) dbrec: DoorbellRecord,
    pub(super) log: u32,
    /// Entries written.
    pub(super) producer: u32,
    /// Consumer index as last read.
    pub(super) consumer: u32,
    /// Arm word that has been answered, or that was there at creation.
    pub(super) answered: u32,
    /// `producer` after the last entry that was solicited or an error.
    pub(super) solicited: u32,
    /// Whether it is in the job's list of queues with new entries.
    pub(super) touched: bool,
    /// It ran over.
    pub(super) dead: bool,
    /// Queue pairs that use it, counted per use.
    pub(super) users: u32,
}
