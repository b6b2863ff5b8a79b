//! Exchange with the neighbours in a topology (MPI 5.0, section 8.7).
//!
//! A neighbour may be there several times: in a grid whose dimension wraps around after one or two processes, or in a
//! graph with several edges between two processes. Messages between two ranks arrive in order, so it is enough that both
//! sides start them in the same order ([`Neighbors::arrivals`]).

use super::Link;
use super::choose::Collective;
use super::memory::{Receive, Send};
use crate::comm::{Comm, wire};
use crate::error::Result;
use crate::topo::Neighbors;

/// Sends `sends[i]` to destination i, and receives from source i into `rooms[i]`. Nothing happens where there is no process.
///
/// # Safety
/// The sends are readable, the rooms writable memory of the program; they do not overlap.
pub unsafe fn exchange(
    comm: &Comm,
    neighbors: &Neighbors,
    sends: &[Send<'_>],
    rooms: &[Receive<'_>],
) -> Result<()> {
    let link = Link::new(comm, Collective::Neighbor);
    let mut pending = Vec::with_capacity(sends.len() + rooms.len());
    for place in neighbors.arrivals() {
        if let Some(from) = neighbors.sources[place] {
            // SAFETY: the caller's promise; all operations end below.
            pending.push(unsafe { link.start_receive(from, rooms[place])? });
        }
    }
    for (to, send) in neighbors.destinations.iter().zip(sends) {
        if let Some(to) = *to {
            // SAFETY: as above.
            pending.push(unsafe { link.start_send(to, *send)? });
        }
    }
    wire::finish_all(pending)
}
