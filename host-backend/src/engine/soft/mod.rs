//! The soft engine: executes mlx5-format work requests by copying between ranks' memories on this host.
//!
//! Terms: a **rank** is a VM or process with a device region; a **job** holds the ranks that may reach each
//! other; numbers of queue pairs, completion queues and shared receive queues are unique in a job; keys are
//! per rank. The **requester** is the queue pair whose send queue is executed, the **responder** the one it
//! is connected to. A **turn** is what one queue pair may do before the next one's turn: a bounded number of
//! requests or one slice of a large transfer, so that no transfer stalls the others. A **pass** looks at every
//! rank's doorbells and gives every active queue pair a turn.
//!
//! Order: requests of a queue pair are executed strictly one after another, reads and atomics included, so
//! fences hold by themselves. Work requests, receives and commands are copied out of guest memory once and
//! checked in the copy. Keys are looked up again for each slice, so a deregistered region is not touched
//! once the deregistration is answered.

mod commands;
mod completion;
mod connect;
mod create;
mod fetch;
mod flush;
mod job;
mod keys;
mod modify;
mod policy;
mod poll;
mod queue_pair;
mod rank;
mod receive;
mod requester;
mod responder;
mod ring;
mod table;
mod thread;
mod work;

pub use policy::PollPolicy;
pub use thread::SoftEngine;

use std::time::Duration;

use unirank_hca::Limits;

/// Bytes moved in one turn.
const SLICE: u64 = 256 * 1024;
/// Requests executed in one turn.
const TURN_REQUESTS: u32 = 32;
/// Longest wait for a peer that does not answer, whatever the queue pair's timeout says.
const MAX_UNREACHABLE: Duration = Duration::from_secs(10);

/// What this engine can hold per rank.
pub const LIMITS: Limits = Limits {
    max_qp: 65536,
    max_cq: 1024,
    max_mr: keys::MAX_REGIONS,
    max_srq: 256,
    max_pd: 256,
    max_log_cqes: 22,
    max_log_sq_wqebbs: 15,
    max_log_rq_wqes: 15,
    max_sges: 30,
    max_rd_atomic: 16,
};

/// Nanoseconds of the monotonic clock.
fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}
