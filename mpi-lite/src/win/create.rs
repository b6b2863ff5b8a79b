//! How ranks make a window together, and end it.
//!
//! In two exchanges: where everybody's memory and control block are; then, who cannot reach whom directly. If anybody cannot, all
//! register their memory with the adapter and exchange keys.

use super::control;
use super::epoch::{Access, Everyone};
use super::hints::{self, Numbers};
use super::memory::Memory;
use super::place::Place;
use super::{Target, WINDOWS, Window};
use crate::abi::{
    MPI_ERR_BASE, MPI_ERR_DISP, MPI_ERR_NO_MEM, MPI_ERR_RMA_SHARED, MPI_ERR_RMA_SYNC, MPI_ERR_SIZE,
    MPI_ERRORS_ARE_FATAL, MPI_WIN_FLAVOR_ALLOCATE, MPI_WIN_FLAVOR_CREATE, MPI_WIN_FLAVOR_DYNAMIC,
    MPI_WIN_FLAVOR_SHARED, MPI_WIN_NULL, MPI_Win,
};
use crate::attr::Attributes;
use crate::comm::{Comm, create::derive};
use crate::error::{MpiError, Result, err};
use crate::group::Group;
use crate::info::Info;
use crate::p2p::remote;
use crate::{coll, init, node};
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::iter::repeat_n;
use std::rc::Rc;

/// What a rank brings into a window.
pub struct Part {
    /// Bytes.
    pub size: isize,
    /// Bytes of one unit of displacement.
    pub unit: i64,
    /// Hints.
    pub info: Info,
}

impl Part {
    fn check(&self) -> Result<()> {
        if self.size < 0 {
            return err(MPI_ERR_SIZE, format!("negative window size {}", self.size));
        }
        if self.unit <= 0 {
            return err(MPI_ERR_DISP, format!("displacement unit {}", self.unit));
        }
        Ok(())
    }
}

/// Where some memory is, in words that travel: which kind, whose (rank in `MPI_COMM_WORLD`), address or offset.
#[derive(Clone, Copy)]
struct Spot {
    kind: u64,
    owner: u64,
    at: u64,
}

const NOWHERE: u64 = 0;
const OWN: u64 = 1;
const REGION: u64 = 2;

impl Spot {
    const NONE: Self = Self { kind: NOWHERE, owner: 0, at: 0 };

    fn of(memory: &Memory) -> Self {
        let owner = init::world().rank;
        match memory.offset() {
            Some(offset) => Self { kind: REGION, owner: owner.into(), at: offset },
            None => Self { kind: OWN, owner: owner.into(), at: memory.start() as u64 },
        }
    }

    /// Memory of the program: its own, or a part of a shared window, which then belongs to another rank or to the region.
    fn given(start: *mut u8, len: u64, shares: bool) -> Self {
        let mine = Self { kind: OWN, owner: init::world().rank.into(), at: start.expose_provenance() as u64 };
        if let Some(offset) = node::region().filter(|_| shares).and_then(|region| region.offset_of(start)) {
            return Self { kind: REGION, at: offset, ..mine };
        }
        match node::owner(start, len).filter(|_| !node::is_own(start, len as usize)) {
            Some((world, at)) => Self { kind: OWN, owner: world.into(), at },
            None => mine,
        }
    }

    /// Where this rank can load and store it, if at all, and if it may (`shares`) when it is not its own.
    fn direct(self, len: u64, shares: bool) -> Option<*mut u8> {
        let own = self.owner == u64::from(init::world().rank);
        match self.kind {
            REGION if shares || own => Some(node::region()?.bytes(self.at, len)?.as_ptr()),
            OWN if own => Some(std::ptr::with_exposed_provenance_mut(self.at as usize)),
            OWN if shares => node::direct(u32::try_from(self.owner).ok()?, self.at, len, true),
            _ => None,
        }
    }
}

/// Everybody's words, by rank.
pub(crate) fn exchange<const N: usize>(comm: &Comm, mine: [u64; N]) -> Result<Vec<[u64; N]>> {
    let len = 8 * N;
    let mut bytes = vec![0; len * comm.size()];
    for (chunk, word) in bytes[comm.rank() * len..].chunks_exact_mut(8).zip(mine) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    coll::allgather::packed(comm, &mut bytes, &coll::memory::starts(repeat_n(len, comm.size())))?;
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    Ok(bytes.chunks_exact(len).map(|all| std::array::from_fn(|i| word(&all[8 * i..8 * i + 8]))).collect())
}

/// Says once why windows are slower than they could be.
fn announce(reason: &str) {
    node::announce(&format!(
        "rank {}: a window's memory is not shared, others reach it by copies: {reason}",
        init::world().rank
    ));
}

/// The region, if all ranks of `comm` are in it and may use it (`shares`).
fn common_region(comm: &Comm, shares: bool) -> Option<unirank_ivc::JobRegion> {
    let all = shares && comm.group().members().iter().all(|&world| node::local(world).is_some());
    node::region().filter(|_| all && comm.size() > 1)
}

/// Whether this rank maps the memory of all others.
fn maps_all(comm: &Comm, shares: bool) -> bool {
    let me = init::world().rank;
    comm.size() == 1
        || shares
            && comm
                .group()
                .members()
                .iter()
                .all(|&world| world == me || node::direct(world, 0, 0, true).is_some())
}

/// Memory that others reach as well as may be: mapped windows serve the rank's own, where also the adapter gets at it;
/// without them the job region does.
fn allocate(comm: &Comm, len: usize, shares: bool) -> Result<Memory> {
    if maps_all(comm, shares) {
        return Memory::own(len);
    }
    match common_region(comm, shares).map(|region| Memory::shared(region, len as u64)) {
        Some(Ok(memory)) => return Ok(memory),
        Some(Err(reason)) => announce(&reason),
        None => {}
    }
    Memory::own(len)
}

fn control_block(comm: &Comm, shares: bool) -> Result<Memory> {
    if comm.size() == 1 {
        return Memory::own(control::BYTES);
    }
    match common_region(comm, shares).map(|region| Memory::shared(region, control::BYTES as u64)) {
        Some(Ok(memory)) => return Ok(memory),
        Some(Err(reason)) => announce(&reason),
        None => {}
    }
    Memory::adapter(control::BYTES)
}

fn private(comm: &Comm) -> Result<Rc<Comm>> {
    comm.require_intra()?;
    match derive(comm, Some(Group::clone(comm.group())))? {
        Some(comm) => Ok(Rc::new(comm)),
        None => err(crate::abi::MPI_ERR_COMM, "this process is not in its own communicator"),
    }
}

/// `MPI_Win_create`.
pub fn create(comm: &Comm, base: *mut u8, part: &Part) -> Result<MPI_Win> {
    part.check()?;
    if base.is_null() && part.size > 0 {
        return err(MPI_ERR_BASE, format!("null base of a window of {} bytes", part.size));
    }
    let comm = private(comm)?;
    let spot = Spot::given(base, part.size as u64, remote::shares_memory());
    build(comm, MPI_WIN_FLAVOR_CREATE, base, spot, Ok(Vec::new()), part)
}

/// `MPI_Win_create_dynamic`.
pub fn create_dynamic(comm: &Comm, info: Info) -> Result<MPI_Win> {
    let part = Part { size: 0, unit: 1, info };
    let comm = private(comm)?;
    build(comm, MPI_WIN_FLAVOR_DYNAMIC, std::ptr::null_mut(), Spot::NONE, Ok(Vec::new()), &part)
}

/// `MPI_Win_allocate`: the window and its memory here.
pub fn allocate_window(comm: &Comm, part: &Part) -> Result<(MPI_Win, *mut u8)> {
    part.check()?;
    let comm = private(comm)?;
    let memory = allocate(&comm, part.size as usize, remote::shares_memory());
    let (base, spot) = match &memory {
        Ok(memory) => (memory.start(), Spot::of(memory)),
        Err(_) => (std::ptr::null_mut(), Spot::NONE),
    };
    let win = build(comm, MPI_WIN_FLAVOR_ALLOCATE, base, spot, memory.map(|m| vec![m]), part)?;
    Ok((win, base))
}

/// `MPI_Win_allocate_shared`: the window and this rank's part of it.
pub fn allocate_shared(comm: &Comm, part: &Part) -> Result<(MPI_Win, *mut u8)> {
    part.check()?;
    let comm = private(comm)?;
    let apart = part.info.value("alloc_shared_noncontig")? == Some("true");
    let all = exchange(&comm, [part.size as u64, u64::from(apart)])?;
    // The hint should be the same everywhere; if it is not, parts one behind the other are right for all.
    let apart = all.iter().all(|[_, apart]| *apart != 0);
    let sizes = || all.iter().map(|[size, _]| *size);
    let total = sizes().try_fold(0u64, u64::checked_add).filter(|&n| isize::try_from(n).is_ok());
    let Some(total) = total else { return err(MPI_ERR_SIZE, "a shared window larger than memory can be") };
    let len = match (apart, comm.rank()) {
        (true, _) => Some(part.size as u64),
        (false, 0) => Some(total),
        (false, _) => None,
    };
    // Asked for by the program, memory is shared even where messages are told to go through the adapter.
    let memory = len.map(|len| allocate(&comm, len as usize, true)).transpose();
    let mut spot = match &memory {
        Ok(Some(memory)) => Spot::of(memory),
        _ => Spot::NONE,
    };
    if !apart {
        let [kind, at] = exchange(&comm, [spot.kind, spot.at])?[0];
        let before: u64 = sizes().take(comm.rank()).sum();
        spot = Spot { kind, owner: comm.member(0).world.into(), at: at.wrapping_add(before) };
    }
    let base = spot.direct(part.size as u64, true).unwrap_or(std::ptr::null_mut());
    let win = build(comm, MPI_WIN_FLAVOR_SHARED, base, spot, memory.map(|m| m.into_iter().collect()), part)?;
    Ok((win, base))
}

/// The collective part: finds out who reaches what and how. `memory` is what this rank allocated, or why it could not.
fn build(
    comm: Rc<Comm>,
    flavor: c_int,
    base: *mut u8,
    spot: Spot,
    memory: Result<Vec<Memory>>,
    part: &Part,
) -> Result<MPI_Win> {
    let shares = flavor == MPI_WIN_FLAVOR_SHARED || remote::shares_memory();
    let block = control_block(&comm, shares);
    let control = block.as_ref().map_or(Spot::NONE, Spot::of);
    let failed = u64::from(memory.is_err() || block.is_err());
    let Spot { kind, owner, at } = spot;
    let (size, unit) = (part.size as u64, part.unit as u64);
    let all = exchange(&comm, [failed, size, unit, kind, owner, at, control.kind, control.at])?;
    let (mut memory, block) = (memory?, block?);
    if let Some(rank) = all.iter().position(|words| words[0] != 0) {
        return err(MPI_ERR_NO_MEM, format!("rank {rank} has no memory for its part of the window"));
    }
    memory.push(block);
    let reach = |rank: usize| {
        let [_, size, unit, kind, owner, at, control_kind, control_at] = all[rank];
        let spot = Spot { kind, owner, at };
        let control = Spot { kind: control_kind, owner: comm.member(rank).world.into(), at: control_at };
        Reach {
            size,
            unit: unit as i64,
            spot,
            direct: spot.direct(size, shares),
            control: control.direct(control::BYTES as u64, shares),
            by_process: shares && node::is_written_by_calls(comm.member(rank).world),
            control_at,
        }
    };
    let reach: Vec<Reach> = (0..comm.size()).map(reach).collect();
    let mapped = flavor != MPI_WIN_FLAVOR_DYNAMIC || maps_all(&comm, shares);
    let missing =
        reach.iter().position(|r| r.control.is_none() || r.direct.is_none() && r.spot.kind != NOWHERE);
    let missing = missing.or((!mapped).then_some(0));
    // Copies by the system serve for data, not for the words of a control block.
    let adapter = missing.is_some()
        && !reach.iter().all(|r| r.control.is_some() && (r.by_process || r.direct.is_some()));
    let lacks = exchange(&comm, [missing.map_or(0, |rank| rank as u64 + 1), u64::from(adapter)])?;
    let uniform = lacks.iter().all(|[lack, _]| *lack == 0);
    if !uniform && flavor == MPI_WIN_FLAVOR_SHARED {
        return Err(not_shared(&lacks));
    }
    let keys = match lacks.iter().any(|[_, adapter]| *adapter != 0) {
        true => exchange(&comm, [u64::from(remote::key()?)])?,
        false => vec![[0]; comm.size()],
    };
    let key_of = |owner: u64| comm.group().rank_of(owner as u32).map_or(0, |rank| keys[rank][0] as u32);
    let target = |(rank, reach): (usize, Reach)| {
        let keys = (key_of(reach.spot.owner), keys[rank][0] as u32);
        reach.target(&comm, rank, keys)
    };
    let targets = reach.into_iter().enumerate().map(target).collect();
    publish(Window {
        handle: Cell::new(MPI_WIN_NULL),
        flavor,
        base,
        size: part.size,
        targets,
        uniform,
        everyone: Cell::new(Everyone::None),
        started: RefCell::default(),
        exposed: RefCell::default(),
        locks: Cell::new(0),
        flushes: Cell::new(0),
        attached: RefCell::default(),
        memory: RefCell::new(memory),
        errhandler: Cell::new(MPI_ERRORS_ARE_FATAL),
        attributes: Attributes::default(),
        numbers: Numbers::new(part.size, part.unit, flavor),
        name: RefCell::default(),
        info: RefCell::new(hints::hints(&part.info)?),
        comm,
    })
}

/// How this rank reaches another's part.
struct Reach {
    size: u64,
    unit: i64,
    spot: Spot,
    direct: Option<*mut u8>,
    by_process: bool,
    control: Option<*mut u8>,
    control_at: u64,
}

impl Reach {
    /// `keys`: of the memory's owner, and of the rank, whose control block it is.
    fn target(self, comm: &Comm, rank: usize, (key, control_key): (u32, u32)) -> Target {
        let world = comm.member(rank).world;
        Target {
            world,
            owner: self.spot.owner as u32,
            direct: self.direct.unwrap_or(std::ptr::null_mut()),
            by_process: self.by_process,
            size: self.size,
            unit: self.unit,
            address: self.spot.at,
            key,
            control: match self.control {
                Some(block) => Place::Direct(block),
                None => Place::Remote { world, address: self.control_at, key: control_key },
            },
            access: Cell::new(Access::None),
            flights: super::flight::Flights::default(),
        }
    }
}

fn not_shared(lacks: &[[u64; 2]]) -> MpiError {
    let pair = lacks.iter().enumerate().find(|(_, [lack, _])| *lack != 0);
    let (rank, other) = pair.map_or((0, 0), |(rank, [lack, _])| (rank as u64, lack - 1));
    let text = format!(
        "rank {rank} cannot load and store the memory of rank {other}: a shared window needs ranks on one host, and a job region \
         with room or windows that may be written (unirank run --shared, --windows rw)"
    );
    MpiError::new(MPI_ERR_RMA_SHARED, text)
}

fn publish(window: Window) -> Result<MPI_Win> {
    let window = Rc::new(window);
    // Nobody uses a lock word, or memory, before all have made their books.
    coll::barrier::barrier(&window.comm)?;
    let handle = WINDOWS.with(|t| t.borrow_mut().insert(window.clone())).map(MPI_Win)?;
    window.handle.set(handle);
    Ok(handle)
}

/// `MPI_Win_free`: when this returns nobody uses the window any more.
pub fn free(handle: &mut MPI_Win) -> Result<()> {
    let window = super::get(*handle)?;
    let open = window.started.borrow().is_some()
        || window.exposed.borrow().is_some()
        || window.locks.get() > 0
        || window.everyone.get().is_lock();
    if open {
        let text = format!("MPI_Win_free of {} while an epoch is open", window.describe());
        return err(MPI_ERR_RMA_SYNC, text);
    }
    window.attributes.delete_all(handle.0)?;
    window.land_all()?;
    coll::barrier::barrier(&window.comm)?;
    super::hot::forget();
    let removed = WINDOWS.with(|t| t.borrow_mut().remove(handle.0));
    drop(removed);
    *handle = MPI_WIN_NULL;
    Ok(())
}
