//! Barrier.

use super::choose::{Algorithm, Case, Collective, choose};
use super::node::NodeColl;
use super::{Link, node};
use crate::comm::Comm;
use crate::error::Result;

/// Returns when all ranks have called it.
pub fn barrier(comm: &Comm) -> Result<()> {
    if let Some(node) = node::ready(comm) {
        return node.barrier();
    }
    let link = Link::new(comm, Collective::Barrier);
    let node = node::of(comm, Collective::Barrier)?;
    match choose(Collective::Barrier, &Case::new(link.size, 0).shared(node.is_some()))? {
        Algorithm::Node => node.map_or(Ok(()), NodeColl::barrier),
        Algorithm::Linear => linear(&link),
        _ => dissemination(&link),
    }
}

/// In round k each rank tells the one 2^k further on; after all rounds each has heard of all.
fn dissemination(link: &Link<'_>) -> Result<()> {
    let mut distance = 1;
    while distance < link.size {
        link.exchange_bytes(link.after(distance), &[], link.before(distance), &mut [])?;
        distance *= 2;
    }
    Ok(())
}

fn linear(link: &Link<'_>) -> Result<()> {
    if link.rank != 0 {
        link.send_bytes(0, &[])?;
        return link.receive_bytes(0, &mut []).map(|_| ());
    }
    for rank in 1..link.size {
        link.receive_bytes(rank, &mut [])?;
    }
    (1..link.size).try_for_each(|rank| link.send_bytes(rank, &[]))
}
