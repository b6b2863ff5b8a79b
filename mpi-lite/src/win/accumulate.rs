//! The accumulate family: combine data with the target's, element by element atomically.
//!
//! Two schemes, one for each window and element type, so that all accumulates on the same elements are atomic with each other. Where
//! all ranks reach the memory directly, elements of up to 8 bytes are changed by atomic operations of the processor (see
//! [`super::atomic`]). For everything else an origin takes the target's lock of accumulates, reads, computes, writes and gives the lock back.

use super::atomic::{self, Way};
use super::control;
use super::flight::Flight;
use super::place::Place;
use super::transfer::{self, Buffer, Remotely};
use super::{Target, Window};
use crate::abi::{MPI_ERR_OP, MPI_ERR_TYPE, MPI_NO_OP, MPI_REPLACE};
use crate::coll::memory::Scratch;
use crate::datatype::basic::Class;
use crate::datatype::{self, Datatype, Element, Packer};
use crate::error::{MpiError, Result, err};
use crate::init;
use crate::op::Op;
use crate::p2p::remote::Tries;
use std::ffi::c_int;

/// Looks at a taken lock before the first pause.
const LOOKS: u32 = 200;
/// The first pause, and the longest.
const PAUSES_NS: (u64, u64) = (10_000, 100_000);

/// The predefined type that all elements of `dt` have.
pub fn element_of(dt: &Datatype) -> Result<Datatype> {
    if dt.element().is_some() {
        return Ok(dt.clone());
    }
    let mut found: Option<Datatype> = None;
    for part in &dt.recipe().types {
        let element = element_of(part)?;
        match &found {
            Some(first) if first.element() != element.element() => {
                return err(
                    MPI_ERR_TYPE,
                    format!("an accumulate on {dt:?}, whose elements are of different types"),
                );
            }
            _ => found = Some(element),
        }
    }
    found
        .ok_or_else(|| MpiError::new(MPI_ERR_TYPE, format!("an accumulate on {dt:?}, which has no elements")))
}

/// `old = operand op old` for packed elements.
fn combine(op: &Op, element: &Datatype, operand: &[u8], old: &mut [u8]) -> Result<()> {
    if op.predefined() == Some(MPI_REPLACE) {
        old.copy_from_slice(operand);
        return Ok(());
    }
    let count = old.len() / element.size().max(1);
    if element.contiguous_bytes(count).is_some() {
        // SAFETY: both have `count` dense elements, and are not the same memory.
        return unsafe { op.apply(operand.as_ptr(), old.as_mut_ptr(), count, element) };
    }
    let (mut input, mut inout) = (Scratch::new(count, element), Scratch::new(count, element));
    // SAFETY: scratch memory for `count` elements each.
    unsafe {
        let packer = |scratch: &mut Scratch<'_>| Packer::new(element, count, scratch.room().at);
        packer(&mut input).unpack(operand);
        packer(&mut inout).unpack(old);
        op.apply(input.data().at, inout.room().at, count, element)?;
        packer(&mut inout).pack(old);
    }
    Ok(())
}

/// Packed bytes of a buffer.
///
/// # Safety
/// The buffer is readable.
unsafe fn pack(buffer: Buffer<'_>) -> Result<Vec<u8>> {
    let mut bytes = vec![0; buffer.dt.packed_size(buffer.count)?];
    // SAFETY: promised by the caller; packing only reads.
    unsafe { Packer::new(buffer.dt, buffer.count, buffer.at) }.pack(&mut bytes);
    Ok(bytes)
}

impl Window {
    /// `MPI_Get_accumulate`, and with no result `MPI_Accumulate`: complete when it returns.
    ///
    /// # Safety
    /// The operand is readable, the result writable.
    pub unsafe fn accumulate(
        &self,
        op: &Op,
        operand: Buffer<'_>,
        result: Option<Buffer<'_>>,
        target: &Target,
        remote: Remotely<'_>,
    ) -> Result<()> {
        self.require_access(target)?;
        let fetch_only = self.check_operation(op, result.is_some())?;
        if !fetch_only {
            self.check_sizes("the origin buffer", operand.dt.packed_size(operand.count)?, target, remote)?;
        }
        if let Some(result) = result {
            self.check_sizes("the result buffer", result.dt.packed_size(result.count)?, target, remote)?;
        }
        let bytes = remote.dt.packed_size(remote.count)?;
        if bytes == 0 {
            return Ok(());
        }
        let element = element_of(remote.dt)?;
        if !fetch_only && op.predefined() != Some(MPI_REPLACE) {
            op.check(&element)?;
        }
        let place = self.locate(target, remote.disp, remote.count, remote.dt)?;
        // SAFETY: promised by the caller.
        let operand = if fetch_only { Vec::new() } else { unsafe { pack(operand)? } };
        let mut old = vec![0; if result.is_some() { bytes } else { 0 }];
        match (place, atomic::size(&element)) {
            (Place::Direct(at), Some(size)) if self.uniform => {
                let way = Way::new(op, &element);
                // Programs replace and read structures as bytes and expect to see all of one or nothing, which is more than the
                // standard promises: what is longer than a word is done under the lock, too.
                let locked = way.moves() && bytes > 8;
                if locked {
                    self.lock_accumulates(target)?;
                }
                // SAFETY: `locate` has found the elements in the target's part.
                let done =
                    unsafe { self.by_elements(target, at, remote, size, way, &operand, &mut old, locked) };
                if locked {
                    self.unlock_accumulates(target)?;
                }
                done?;
            }
            _ => {
                let combine = |there: &mut [u8]| {
                    if !old.is_empty() {
                        old.copy_from_slice(there);
                    }
                    combine(op, &element, &operand, there)
                };
                // SAFETY: as above.
                unsafe { self.exclusively(target, place, remote.count, remote.dt, !fetch_only, combine)? };
            }
        }
        if let Some(result) = result {
            // SAFETY: promised by the caller.
            unsafe { Packer::new(result.dt, result.count, result.at) }.unpack(&old);
        }
        Ok(())
    }

    /// Whether `op` may accumulate; says whether it only fetches.
    fn check_operation(&self, op: &Op, fetches: bool) -> Result<bool> {
        match op.predefined() {
            None => err(
                MPI_ERR_OP,
                "an accumulate with a user-defined operation: only predefined ones are allowed",
            ),
            Some(MPI_NO_OP) if !fetches => {
                err(MPI_ERR_OP, "MPI_NO_OP is for MPI_Get_accumulate and MPI_Fetch_and_op only")
            }
            other => Ok(other == Some(MPI_NO_OP)),
        }
    }

    /// Changes element by element. `operand` is empty for loads, `old` if it is not wanted; `locked`: the caller holds the lock.
    ///
    /// # Safety
    /// The elements are in the target's part, at `at`.
    unsafe fn by_elements(
        &self,
        target: &Target,
        at: *mut u8,
        remote: Remotely<'_>,
        size: usize,
        way: Way<'_>,
        operand: &[u8],
        old: &mut [u8],
        locked: bool,
    ) -> Result<()> {
        // SAFETY: promised by the caller; the packer only gives addresses.
        let mut runs = unsafe { Packer::new(remote.dt, remote.count, at) };
        let mut done = 0;
        while let Some((run, len)) = runs.next_run(usize::MAX) {
            let mut offset = 0;
            while offset < len {
                let at = run.wrapping_add(offset);
                let size = way.step(at, size, len - offset);
                let value = operand.get(done..).map_or(std::ptr::null(), <[u8]>::as_ptr);
                let was = if old.is_empty() { std::ptr::null_mut() } else { old[done..].as_mut_ptr() };
                if at as usize % size == 0 {
                    // SAFETY: aligned, in the target's part; both lists have an element of that size here.
                    unsafe { atomic::update(at, size, way, value, was)? };
                } else {
                    // Elements at such an address are always changed under the lock.
                    if !locked {
                        self.lock_accumulates(target)?;
                    }
                    // SAFETY: as above; the copy is aligned.
                    let outcome = unsafe { update_unaligned(at, size, way, value, was) };
                    if !locked {
                        self.unlock_accumulates(target)?;
                    }
                    outcome?;
                }
                (done, offset) = (done + size, offset + size);
            }
        }
        Ok(())
    }

    /// Reads the elements at `place`, has them changed and writes them, while no other such access to the target's part happens.
    ///
    /// # Safety
    /// The elements are in the target's part.
    unsafe fn exclusively(
        &self,
        target: &Target,
        place: Place,
        count: usize,
        dt: &Datatype,
        write: bool,
        change: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let (byte, mut bytes) = (datatype::byte(), vec![0; dt.packed_size(count)?]);
        let copy = |write, bytes: &mut [u8]| {
            let local = Buffer { at: bytes.as_mut_ptr(), count: bytes.len(), dt: &byte };
            let mut flight = Flight::new();
            // SAFETY: the bytes outlive the flight, which lands here; else promised by the caller.
            let started = unsafe { transfer::start(write, local, place, count, dt, &mut flight) };
            flight.land().and(started)
        };
        // A put of this rank on its way would land in between.
        target.flights.land()?;
        self.lock_accumulates(target)?;
        let outcome = copy(false, &mut bytes).and_then(|()| change(&mut bytes)).and_then(|()| match write {
            true => copy(true, &mut bytes),
            false => Ok(()),
        });
        self.unlock_accumulates(target)?;
        outcome
    }

    fn lock_accumulates(&self, target: &Target) -> Result<()> {
        let (word, mine) = (control::accumulate(target.control), u64::from(init::world().rank) + 1);
        let (mut looks, mut tries) = (0, Tries::new(PAUSES_NS));
        // SAFETY: a word of the control block.
        while unsafe { word.compare_swap(0, mine)? } != 0 {
            looks += 1;
            if looks < LOOKS && matches!(word, Place::Direct(_)) {
                std::hint::spin_loop();
            } else {
                tries.pause()?;
            }
        }
        Ok(())
    }

    fn unlock_accumulates(&self, target: &Target) -> Result<()> {
        let mine = u64::from(init::world().rank) + 1;
        // SAFETY: a word of the control block.
        unsafe { control::accumulate(target.control).fetch_add(mine.wrapping_neg())? };
        Ok(())
    }

    /// `MPI_Fetch_and_op`.
    ///
    /// # Safety
    /// `origin` has an element to read unless the operation is `MPI_NO_OP`, `result` one to write.
    pub unsafe fn fetch_and_op(
        &self,
        op: &Op,
        dt: &Datatype,
        origin: *const u8,
        result: *mut u8,
        rank: c_int,
        disp: isize,
    ) -> Result<()> {
        if let (true, Some(size)) = (self.uniform, atomic::size(dt))
            && let Some(at) = self.quick(rank, disp, size)
            && at as usize % size == 0
        {
            let loads = self.check_operation(op, true)?;
            if !loads && op.predefined() != Some(MPI_REPLACE) {
                op.check(dt)?;
            }
            // SAFETY: aligned, in the target's part; the rest is the caller's promise.
            return unsafe { atomic::update(at, size, Way::new(op, dt), origin, result) };
        }
        if dt.element().is_none() {
            return err(MPI_ERR_TYPE, format!("MPI_Fetch_and_op on {dt:?}: it takes predefined types only"));
        }
        let target = self.target(rank)?;
        let element = |at| Buffer { at, count: 1, dt };
        let there = Remotely { disp, count: 1, dt };
        // SAFETY: promised by the caller.
        unsafe { self.accumulate(op, element(origin.cast_mut()), Some(element(result)), target, there) }
    }

    /// `MPI_Compare_and_swap`.
    ///
    /// # Safety
    /// `origin` and `compare` have an element to read, `result` one to write.
    pub unsafe fn compare_and_swap(
        &self,
        dt: &Datatype,
        origin: *const u8,
        compare: *const u8,
        result: *mut u8,
        target: &Target,
        disp: isize,
    ) -> Result<()> {
        // Characters are not in the standard's list, but other implementations compare their bytes, too.
        use Class::{Byte, FortranInteger, Integer, Logical, MultiLanguage, Text};
        self.require_access(target)?;
        match dt.element() {
            Some(Element::Basic(basic))
                if matches!(
                    basic.class,
                    Byte | FortranInteger | Integer | Logical | MultiLanguage | Text
                ) => {}
            _ => {
                return err(
                    MPI_ERR_TYPE,
                    format!("MPI_Compare_and_swap on {dt:?}: it takes integers, logicals and bytes"),
                );
            }
        }
        let place = self.locate(target, disp, 1, dt)?;
        match (place, atomic::size(dt)) {
            (Place::Direct(at), Some(size)) if self.uniform && at as usize % size == 0 => {
                // SAFETY: aligned, in the target's part; the rest is the caller's promise.
                unsafe { atomic::compare_swap(at, size, compare, origin, result) };
                return Ok(());
            }
            _ => {}
        }
        let size = dt.size();
        // SAFETY: promised by the caller; such types are dense.
        let (origin, compare) =
            unsafe { (std::slice::from_raw_parts(origin, size), std::slice::from_raw_parts(compare, size)) };
        let mut old = Vec::new();
        let swap = |there: &mut [u8]| {
            old = there.to_vec();
            if there == compare {
                there.copy_from_slice(origin);
            }
            Ok(())
        };
        // SAFETY: `locate` has found the element in the target's part.
        unsafe { self.exclusively(target, place, 1, dt, true, swap)? };
        // SAFETY: promised by the caller.
        unsafe { result.copy_from_nonoverlapping(old.as_ptr(), size) };
        Ok(())
    }
}

/// As [`atomic::update`] for an element that the processor cannot change atomically; the caller holds the lock.
///
/// # Safety
/// As [`atomic::update`], but for the alignment.
unsafe fn update_unaligned(
    at: *mut u8,
    size: usize,
    way: Way<'_>,
    operand: *const u8,
    old: *mut u8,
) -> Result<()> {
    let mut copy = 0u64;
    let aligned = (&raw mut copy).cast::<u8>();
    // SAFETY: promised by the caller; `size` is at most 8.
    unsafe {
        aligned.copy_from_nonoverlapping(at, size);
        atomic::update(aligned, size, way, operand, old)?;
        at.copy_from_nonoverlapping(aligned, size);
    }
    Ok(())
}
