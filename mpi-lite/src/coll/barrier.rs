//! Barrier.

use super::Link;
use super::choose::{Algorithm, Case, Collective, choose};
use crate::comm::Comm;
use crate::error::Result;

/// Returns when all ranks have called it.
pub fn barrier(comm: &Comm) -> Result<()> {
    let link = Link::new(comm, Collective::Barrier);
    match choose(Collective::Barrier, &Case::new(link.size, 0))? {
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
