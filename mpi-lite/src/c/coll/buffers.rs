//! Buffers of collectives: what can be seen to be wrong with them, and what is kept of them until the operation is over.

use crate::abi::*;
use crate::c::input::{Wide, array};
use crate::coll::{ByRank, Receive, Send};
use crate::comm::Comm;
use crate::datatype::{self, Datatype};
use crate::error::{Result, err};
use std::ffi::c_void;

pub(super) fn in_place(buffer: *const c_void) -> bool {
    std::ptr::eq(buffer, MPI_IN_PLACE)
}

pub(super) fn count(n: impl Wide) -> Result<usize> {
    let n = n.wide();
    usize::try_from(n).or_else(|_| err(MPI_ERR_COUNT, format!("invalid count {n}")))
}

/// Checks a buffer of `count` elements, as far as its address shows mistakes.
pub(super) fn check(what: &str, buffer: *const c_void, count: usize, dt: &Datatype) -> Result<()> {
    dt.packed_size(count)?;
    if in_place(buffer) {
        return err(MPI_ERR_BUFFER, format!("MPI_IN_PLACE is not allowed as {what} here"));
    }
    // A null pointer is MPI_BOTTOM, from which only a derived type leads anywhere.
    if buffer.is_null() && count > 0 && dt.size() > 0 && dt.predefined_handle().is_some() {
        return err(MPI_ERR_BUFFER, format!("{what} is a null pointer"));
    }
    Ok(())
}

/// A buffer of the program with its type.
pub(super) struct Block {
    at: *mut u8,
    pub count: usize,
    pub dt: Datatype,
}

impl Block {
    /// The buffer of a rank that neither gives nor gets anything.
    pub fn none() -> Self {
        Self { at: std::ptr::null_mut(), count: 0, dt: datatype::byte() }
    }

    /// A buffer that `what` names in messages.
    pub fn new(what: &str, buffer: *const c_void, n: impl Wide, datatype: MPI_Datatype) -> Result<Self> {
        let (count, dt) = (count(n)?, datatype::get(datatype)?);
        check(what, buffer, count, &dt)?;
        Ok(Self { at: buffer.cast_mut().cast(), count, dt })
    }

    pub fn send(&self) -> Send<'_> {
        Send { at: self.at, count: self.count, dt: &self.dt }
    }

    pub fn receive(&self) -> Receive<'_> {
        Receive { at: self.at, count: self.count, dt: &self.dt }
    }

    /// The `rank`-th of several that follow each other, this being the first.
    pub fn of_rank(&self, rank: usize) -> Receive<'_> {
        self.receive().part((rank * self.count) as isize, self.count)
    }
}

/// A block for each rank, or each neighbour.
pub(super) enum Blocks {
    /// So many of the same size, one behind the other; the first is given.
    Equal(Block, usize),
    /// Of one type: where each is, and how many elements it has.
    Any(Vec<(*mut u8, usize)>, Datatype),
    /// Of a type each.
    Typed(Vec<Block>),
}

impl Blocks {
    /// Blocks by counts, and displacements in elements.
    ///
    /// # Safety
    /// The arrays have `n` elements.
    pub unsafe fn any<C: Wide, D: Wide>(
        n: usize,
        buffer: *const c_void,
        counts: *const C,
        displs: *const D,
        datatype: MPI_Datatype,
    ) -> Result<Self> {
        let dt = datatype::get(datatype)?;
        // SAFETY: the caller's promise.
        let (counts, displs) = unsafe { (array("the counts", counts, n)?, array("displs", displs, n)?) };
        let place = |(n, displ): (&C, &D)| {
            let n = count(*n)?;
            check("the buffer", buffer, n, &dt)?;
            let all = Receive { at: buffer.cast_mut().cast(), count: n, dt: &dt };
            Ok((all.part(displ.wide() as isize, n).at, n))
        };
        let places = counts.iter().zip(displs).map(place).collect::<Result<_>>()?;
        Ok(Self::Any(places, dt))
    }

    /// Blocks by counts, displacements in bytes, and types.
    ///
    /// # Safety
    /// The arrays have `n` elements.
    pub unsafe fn typed<C: Wide, D: Wide>(
        n: usize,
        buffer: *const c_void,
        counts: *const C,
        displs: *const D,
        types: *const MPI_Datatype,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let (types, counts, displs) = unsafe {
            (array("the types", types, n)?, array("the counts", counts, n)?, array("displs", displs, n)?)
        };
        let block = |((n, displ), dt): ((&C, &D), &MPI_Datatype)| {
            // From MPI_BOTTOM the displacement in bytes is the address.
            let start = buffer.cast::<u8>().wrapping_offset(displ.wide() as isize);
            let at = if in_place(buffer) { buffer } else { start.cast() };
            Block::new("the buffer", at, *n, *dt)
        };
        counts.iter().zip(displs).zip(types).map(block).collect::<Result<_>>().map(Self::Typed)
    }

    /// One of them.
    pub fn get(&self, rank: usize) -> Receive<'_> {
        match self {
            Self::Equal(first, _) => first.of_rank(rank),
            Self::Any(places, dt) => Receive { at: places[rank].0, count: places[rank].1, dt },
            Self::Typed(blocks) => blocks[rank].receive(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Equal(_, n) => *n,
            Self::Any(places, _) => places.len(),
            Self::Typed(blocks) => blocks.len(),
        }
    }

    pub fn receives(&self) -> ByRank<Receive<'_>> {
        (0..self.len()).map(|rank| self.get(rank)).collect()
    }

    pub fn sends(&self) -> ByRank<Send<'_>> {
        (0..self.len()).map(|rank| self.get(rank).as_send()).collect()
    }
}

/// The same address twice is a program that should have said `MPI_IN_PLACE`.
pub(super) fn check_distinct(send: Send<'_>, receive: Receive<'_>) -> Result<()> {
    let same = std::ptr::eq(send.at, receive.at) && !send.at.is_null();
    if same && send.bytes() > 0 && receive.bytes() > 0 {
        return err(MPI_ERR_BUFFER, "sendbuf and recvbuf are the same memory; use MPI_IN_PLACE");
    }
    Ok(())
}

/// What this rank contributes to a collective that gives all ranks (or the root) blocks: none if it is in its place already.
pub(super) fn contribution(
    buffer: *const c_void,
    n: impl Wide,
    datatype: MPI_Datatype,
    comm: &Comm,
    places: &Blocks,
) -> Result<Option<Block>> {
    if in_place(buffer) && !comm.is_inter() {
        return Ok(None);
    }
    let mine = Block::new("sendbuf", buffer, n, datatype)?;
    // The other group's blocks have nothing to do with this rank's: the first is as good as any.
    let own = if comm.is_inter() { 0 } else { comm.rank() };
    check_distinct(mine.send(), places.get(own))?;
    Ok(Some(mine))
}
