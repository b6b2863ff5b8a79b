//! Broadcast.

use super::allgather;
use super::choose::{Algorithm, Case, Collective, choose};
use super::memory::{self, Receive, starts};
use super::{Link, memory::shares, node};
use crate::comm::{Comm, wire};
use crate::error::Result;

/// Bytes that a pipeline forwards at a time.
const SEGMENT: usize = 64 << 10;

/// Copies the root's buffer to all.
///
/// # Safety
/// `buffer` is writable (at the root: readable) memory of the program.
pub unsafe fn bcast(comm: &Comm, buffer: Receive<'_>, root: usize) -> Result<()> {
    let link = Link::new(comm, Collective::Bcast);
    if link.size == 1 {
        return Ok(());
    }
    if let Some(node) = node::ready(comm) {
        // SAFETY: the caller's promise.
        return unsafe { node.bcast(buffer, root) };
    }
    let node = node::of(comm, Collective::Bcast)?;
    let case = Case::new(link.size, buffer.bytes()).shared(node.is_some());
    let algorithm = choose(Collective::Bcast, &case)?;
    // SAFETY: the caller's promise.
    unsafe {
        match algorithm {
            Algorithm::Node => node.map_or(Ok(()), |node| node.bcast(buffer, root)),
            Algorithm::Linear => linear(&link, buffer, root),
            Algorithm::ScatterRing | Algorithm::Pipeline => as_bytes(&link, buffer, root, algorithm),
            _ => binomial(&link, buffer, root),
        }
    }
}

/// # Safety
/// As [`bcast`].
unsafe fn linear(link: &Link<'_>, buffer: Receive<'_>, root: usize) -> Result<()> {
    if link.rank != root {
        // SAFETY: the caller's promise.
        return unsafe { link.receive(root, buffer) }.map(|_| ());
    }
    let others = (0..link.size).filter(|rank| *rank != root);
    // SAFETY: the caller's promise; all sends end below.
    let sends: Result<Vec<_>> =
        others.map(|rank| unsafe { link.start_send(rank, buffer.as_send()) }).collect();
    wire::finish_all(sends?)
}

/// Rank numbers relative to the root: `v` receives from `v` without its lowest bit, and serves the bits below that.
///
/// # Safety
/// As [`bcast`].
unsafe fn binomial(link: &Link<'_>, buffer: Receive<'_>, root: usize) -> Result<()> {
    let relative = link.before(root);
    let mut bit = 1;
    while bit < link.size && relative & bit == 0 {
        bit <<= 1;
    }
    let mut outcome = Ok(());
    if relative != 0 {
        // SAFETY: the caller's promise. After an error the children are served nevertheless.
        outcome = unsafe { link.receive(link.before(bit), buffer) }.map(|_| ());
    }
    let mut sends = Vec::new();
    while bit > 1 {
        bit >>= 1;
        if relative + bit < link.size {
            // SAFETY: the caller's promise; all sends end below.
            sends.push(unsafe { link.start_send(link.after(bit), buffer.as_send())? });
        }
    }
    outcome.and(wire::finish_all(sends))
}

/// Runs an algorithm that cuts the buffer by bytes; data that are not dense are packed first.
///
/// # Safety
/// As [`bcast`].
unsafe fn as_bytes(link: &Link<'_>, buffer: Receive<'_>, root: usize, algorithm: Algorithm) -> Result<()> {
    let run = |bytes: &mut [u8]| match algorithm {
        Algorithm::Pipeline => pipeline(link, bytes, root),
        _ => scatter_ring(link, bytes, root),
    };
    // SAFETY: the caller's promise.
    if let Some(bytes) = unsafe { memory::dense(buffer) } {
        return run(bytes);
    }
    let mut bytes = vec![0; buffer.bytes()];
    if link.rank == root {
        // SAFETY: the caller's promise.
        unsafe { memory::pack(buffer.as_send(), &mut bytes)? };
        return run(&mut bytes);
    }
    let outcome = run(&mut bytes);
    // SAFETY: the caller's promise.
    outcome.and(unsafe { memory::unpack(&bytes, buffer) })
}

/// A binomial scatter, so that rank `v` after the root has block `v`; then the blocks go around.
fn scatter_ring(link: &Link<'_>, bytes: &mut [u8], root: usize) -> Result<()> {
    let relative = link.before(root);
    let starts = starts(shares(bytes.len(), link.size));
    let mut bit = 1;
    while bit < link.size && relative & bit == 0 {
        bit <<= 1;
    }
    if relative != 0 {
        let end = (relative + bit).min(link.size);
        link.receive_bytes(link.before(bit), &mut bytes[starts[relative]..starts[end]])?;
    }
    while bit > 1 {
        bit >>= 1;
        let child = relative + bit;
        if child < link.size {
            let end = (child + bit).min(link.size);
            link.send_bytes(link.after(bit), &bytes[starts[child]..starts[end]])?;
        }
    }
    allgather::ring(link, bytes, &starts, relative)
}

/// A chain from the root on; each rank forwards a segment while the next one arrives.
fn pipeline(link: &Link<'_>, bytes: &mut [u8], root: usize) -> Result<()> {
    let relative = link.before(root);
    let (first, last) = (relative == 0, relative + 1 == link.size);
    let mut arrived = if first { bytes.len() } else { 0 };
    let mut sent = 0;
    // An empty buffer needs no messages: all know its length.
    while sent < bytes.len() {
        if last {
            let end = (sent + SEGMENT).min(bytes.len());
            link.receive_bytes(link.before(1), &mut bytes[sent..end])?;
            sent = end;
            continue;
        }
        if arrived == 0 {
            arrived = SEGMENT.min(bytes.len());
            link.receive_bytes(link.before(1), &mut bytes[..arrived])?;
        }
        let end = (sent + SEGMENT).min(bytes.len());
        let (done, rest) = bytes.split_at_mut(end);
        if arrived < end + rest.len() && !first {
            let next = SEGMENT.min(rest.len());
            link.exchange_bytes(link.after(1), &done[sent..], link.before(1), &mut rest[..next])?;
            arrived = end + next;
        } else {
            link.send_bytes(link.after(1), &done[sent..])?;
        }
        sent = end;
    }
    Ok(())
}
