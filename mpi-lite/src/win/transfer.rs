//! Put and get.

use super::flight::Flight;
use super::place::Place;
use super::{Target, Window};
use crate::abi::{MPI_ERR_BUFFER, MPI_ERR_TRUNCATE};
use crate::datatype::{Datatype, Packer};
use crate::error::{Result, err};
use crate::node;
use std::cell::Cell;
use std::rc::Rc;

/// A typed buffer of the program.
#[derive(Clone, Copy)]
pub struct Buffer<'a> {
    /// Address.
    pub at: *mut u8,
    /// Elements.
    pub count: usize,
    /// Their type.
    pub dt: &'a Datatype,
}

/// A typed place at a target.
#[derive(Clone, Copy)]
pub struct Remotely<'a> {
    /// Displacement in the target's units.
    pub disp: isize,
    /// Elements.
    pub count: usize,
    /// Their type.
    pub dt: &'a Datatype,
}

impl Window {
    /// Copies from the program's buffer to the target (`write`) or back. Gives what is left to be done, or none if it is complete;
    /// a flush waits for it, too. With `request` the program may use its buffer again as soon as nothing is left.
    ///
    /// # Safety
    /// The buffer is valid for the access until it is complete.
    pub unsafe fn transfer(
        &self,
        write: bool,
        local: Buffer<'_>,
        target: &Target,
        remote: Remotely<'_>,
        request: bool,
    ) -> Result<Option<Rc<Cell<u32>>>> {
        self.require_access(target)?;
        let bytes = local.dt.packed_size(local.count)?;
        self.check_sizes("the origin buffer", bytes, target, remote)?;
        if bytes == 0 {
            return Ok(None);
        }
        let place = self.locate(target, remote.disp, remote.count, remote.dt)?;
        let mut flight = Flight::new();
        // SAFETY: the caller's promise, and `locate`.
        unsafe { start(write, local, place, remote.count, remote.dt, &mut flight)? };
        // What was brought by copies is put in place by a flush only: a request waits for it here.
        if flight.left.get() == 0 || request && flight.unpack.is_some() {
            return flight.land().map(|()| None);
        }
        let left = flight.left.clone();
        target.flights.add(flight)?;
        Ok(Some(left))
    }

    /// Fails unless as many bytes are at the target as at the origin.
    pub(super) fn check_sizes(
        &self,
        what: &str,
        bytes: usize,
        target: &Target,
        remote: Remotely<'_>,
    ) -> Result<()> {
        let there = remote.dt.packed_size(remote.count)?;
        if bytes == there {
            return Ok(());
        }
        let rank = self.rank_of(target);
        err(MPI_ERR_TRUNCATE, format!("{what} has {bytes} bytes of data, the place at rank {rank} {there}"))
    }
}

/// Starts to copy between a buffer and `count` elements of `dt` at a place, which have as many bytes.
///
/// # Safety
/// The buffer is valid for the access until the flight has landed; the place is in the target's part.
pub unsafe fn start(
    write: bool,
    local: Buffer<'_>,
    place: Place,
    count: usize,
    dt: &Datatype,
    flight: &mut Flight,
) -> Result<()> {
    let adapter = matches!(place, Place::Remote { .. });
    // The adapter reads and writes this rank's own memory only.
    let usable = |at: isize, len| !adapter || node::is_own(local.at.wrapping_offset(at), len);
    let here = local.dt.contiguous_bytes(local.count).filter(|&(at, len)| usable(at, len));
    let there = dt.contiguous_bytes(count);
    match (here, there) {
        (Some((offset, len)), Some((there, _))) => {
            let at = local.at.wrapping_offset(offset);
            if at.is_null() && len > 0 {
                return err(MPI_ERR_BUFFER, format!("null buffer for {len} bytes"));
            }
            // SAFETY: promised by the caller.
            unsafe { place.at(there as i64).start_copy(write, at, len, &flight.left) }
        }
        (None, Some((offset, len))) if adapter => {
            flight.bytes = vec![0; len].into_boxed_slice();
            // SAFETY: promised by the caller.
            let mut packer = unsafe { Packer::new(local.dt, local.count, local.at) };
            if write {
                packer.pack(&mut flight.bytes);
            } else {
                flight.unpack = Some(packer);
            }
            // SAFETY: the flight keeps the bytes until it has landed.
            unsafe { place.at(offset as i64).start_copy(write, flight.bytes.as_mut_ptr(), len, &flight.left) }
        }
        // SAFETY: promised by the caller.
        _ => unsafe { by_runs(write, local, place, count, dt, flight) },
    }
}

/// As [`start`], run by run of both layouts.
///
/// # Safety
/// As [`start`].
unsafe fn by_runs(
    write: bool,
    local: Buffer<'_>,
    place: Place,
    count: usize,
    dt: &Datatype,
    flight: &Flight,
) -> Result<()> {
    // SAFETY: promised by the caller; the packers only give addresses.
    let (mut here, mut there) =
        unsafe { (Packer::new(local.dt, local.count, local.at), Packer::new(dt, count, place.address())) };
    while let Some((mut at, mut len)) = here.next_run(usize::MAX) {
        while len > 0 {
            let Some((run, n)) = there.next_run(len) else { return Ok(()) };
            // SAFETY: both runs are parts of what the caller promised.
            unsafe { place.to(run).start_copy(write, at, n, &flight.left)? };
            at = at.wrapping_add(n);
            len -= n;
        }
    }
    Ok(())
}
