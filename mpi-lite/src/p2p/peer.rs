//! What this rank knows about each other rank: queue, credit, sequence.

use super::engine::share::Helping;
use super::header::{Header, LONG, SHORT};
use crate::transport::Read;
use crate::transport::ivc::OfferId;
use crate::transport::remote::Remote;
use std::collections::{HashMap, VecDeque};

/// Credit which a message takes besides its data: what the receiver's queues need for it.
const OVERHEAD: u32 = 64;

/// Something that waits for room in the channel.
pub enum Outgoing {
    /// A header alone.
    Control(Header),
    /// A header with the data of a request.
    Eager(Header, u32),
    /// A read.
    Read(Read),
    /// The next parts of the data of a send request, one after the other.
    Stream(u32),
    /// A receive request by a copy that both sides work on.
    Share(u32),
    /// Help with such a copy.
    Help(Helping),
    /// A one-sided access.
    Remote(Remote),
}

/// State of one other rank.
pub struct Peer {
    /// Waits for room, in order.
    pub queue: VecDeque<Outgoing>,
    /// Eager bytes that may still be sent to it.
    pub credit: u32,
    /// Eager bytes of it that were consumed here and not yet given back.
    pub owed: u32,
    /// A credit return waits in the queue.
    pub returning: bool,
    /// Number of the next matchable message to it.
    pub next_out: u32,
    /// Number of the next matchable message from it.
    pub next_in: u32,
    /// Matchable messages that overtook others, by number.
    pub early: HashMap<u32, (Header, Box<[u8]>)>,
    /// It reads this rank's memory by load and store.
    pub reads_here: bool,
    /// Sends that make no offer.
    pub no_offers: u32,
    /// Data of offers that were moved, until it is taken.
    pub moved: VecDeque<(OfferId, Box<[u8]>)>,
    /// Sends to it whose data it will read.
    pub offered: u32,
    /// A shared copy from it is under way.
    pub desk_is_open: bool,
    /// Number of the last shared copy from it.
    pub ticket: u32,
    /// Credit that came back through the ring in all, as far as it was added to `credit`.
    pub returned: u64,
    /// It has ended.
    pub gone: bool,
}

impl Peer {
    /// A rank that nothing was exchanged with, with the whole window of credit.
    pub fn new(window: u32) -> Self {
        Self {
            queue: VecDeque::new(),
            credit: window,
            owed: 0,
            returning: false,
            next_out: 0,
            next_in: 0,
            early: HashMap::new(),
            reads_here: false,
            no_offers: 0,
            moved: VecDeque::new(),
            offered: 0,
            desk_is_open: false,
            ticket: 0,
            returned: 0,
            gone: false,
        }
    }
}

/// Credit that an eager message of `len` bytes takes. One that is no longer than the header of a rendezvous takes none: it
/// costs the receiver no more than what would go instead.
pub fn cost(len: usize) -> u32 {
    if len <= LONG - SHORT { 0 } else { len as u32 + OVERHEAD }
}

/// Eager bytes that one rank may have unconsumed at another, in a job of `size` ranks: 128 KiB, less when the sum over all
/// ranks would pass 4 MiB, but never less than two full messages.
pub fn window(size: u32, eager_limit: usize) -> u32 {
    let share = (4 << 20) / size.max(1);
    share.min(128 << 10).max(2 * cost(eager_limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shrinks_with_the_job_but_holds_two_messages() {
        assert_eq!(window(2, 8160), 128 << 10);
        assert_eq!(window(64, 8160), 64 << 10);
        assert_eq!(window(100_000, 8160), 2 * (8160 + 64));
    }

    #[test]
    fn only_data_beyond_a_header_costs_credit() {
        assert_eq!([0, 32, 33, 8160].map(cost), [0, 0, 97, 8224]);
    }
}
