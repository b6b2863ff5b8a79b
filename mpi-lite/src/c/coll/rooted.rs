//! Collectives with a root that gives to all or gets from all.

use super::buffers::{Block, Blocks, check_distinct, in_place};
use super::{Call, collectives};
use crate::abi::*;
use crate::c::input::Wide;
use crate::coll;
use crate::coll::choose::Collective;
use crate::coll::inter::{self, Across};
use crate::comm::inter::Role;
use crate::comm::{self, Comm};
use crate::error::Result;
use std::ffi::{c_int, c_void};
use std::rc::Rc;

/// Who the root is.
#[derive(Clone, Copy)]
pub(super) enum Root {
    /// A rank of an intra-communicator.
    Rank(usize),
    /// On an inter-communicator: what this process is to it.
    Across(Role),
}

impl Root {
    pub fn of(comm: &Comm, root: c_int) -> Result<Self> {
        if comm.is_inter() { comm.role(root).map(Self::Across) } else { comm.root(root).map(Self::Rank) }
    }
}

struct Bcast {
    comm: Rc<Comm>,
    root: Root,
    buffer: Block,
}

impl Bcast {
    fn new(
        buffer: *mut c_void,
        n: impl Wide,
        datatype: MPI_Datatype,
        root: c_int,
        comm: MPI_Comm,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let root = Root::of(&comm, root)?;
        let buffer = match root {
            Root::Across(Role::Idle) => Block::none(),
            _ => Block::new("buffer", buffer, n, datatype)?,
        };
        Ok(Self { comm, root, buffer })
    }
}

impl Call for Bcast {
    fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let (comm, buffer) = (&self.comm, self.buffer.receive());
        // SAFETY: the caller's promise; so in all calls.
        unsafe {
            match self.root {
                Root::Rank(root) => coll::bcast::bcast(comm, buffer, root),
                Root::Across(role) => inter::bcast(&Across::new(comm, Collective::Bcast), buffer, role),
            }
        }
    }
}

/// All blocks: of the same size, or of any.
enum All {
    /// The first.
    Equal(Block),
    Any(Blocks),
}

impl All {
    fn get(&self, rank: usize) -> coll::Receive<'_> {
        match self {
            Self::Equal(first) => first.of_rank(rank),
            Self::Any(blocks) => blocks.get(rank),
        }
    }

    /// Those of all ranks of the other group.
    fn across(&self, comm: &Comm) -> Vec<coll::Receive<'_>> {
        (0..comm.peers().size()).map(|rank| self.get(rank)).collect()
    }
}

/// The blocks of all ranks at the root, and that of this rank elsewhere.
struct Rooted {
    comm: Rc<Comm>,
    root: Root,
    /// None at a root where it is in its place already.
    mine: Option<Block>,
    /// At the root only.
    all: Option<All>,
    /// Whether sizes differ, as far as ranks know.
    any: bool,
}

impl Rooted {
    /// `name` is what the program calls this rank's own buffer; `all` makes the root's.
    fn new(
        (name, buffer, n, datatype): (&str, *const c_void, impl Wide, MPI_Datatype),
        root: c_int,
        comm: MPI_Comm,
        any: bool,
        all: impl FnOnce(&Comm) -> Result<All>,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let rank = match Root::of(&comm, root)? {
            Root::Rank(rank) => rank,
            root @ Root::Across(role) => {
                let gives_or_gets = matches!(role, Role::Under(_));
                let mine = gives_or_gets.then(|| Block::new(name, buffer, n, datatype)).transpose()?;
                let all = (role == Role::Root).then(|| all(&comm)).transpose()?;
                return Ok(Self { comm, root, mine, all, any });
            }
        };
        let root = Root::Rank(rank);
        if comm.rank() != rank {
            let mine = Some(Block::new(name, buffer, n, datatype)?);
            return Ok(Self { comm, root, mine, all: None, any });
        }
        let all = all(&comm)?;
        let mut mine = None;
        if !in_place(buffer) {
            let own = mine.insert(Block::new(name, buffer, n, datatype)?);
            check_distinct(own.send(), all.get(rank))?;
        }
        Ok(Self { comm, root, mine, all: Some(all), any })
    }

    fn first(&self) -> Option<&Block> {
        match &self.all {
            Some(All::Equal(first)) => Some(first),
            _ => None,
        }
    }

    fn blocks(&self) -> Option<&Blocks> {
        match &self.all {
            Some(All::Any(blocks)) => Some(blocks),
            _ => None,
        }
    }
}

struct Gather(Rooted);

impl Call for Gather {
    fn comm(&self) -> &Rc<Comm> {
        &self.0.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let of = &self.0;
        let mine = of.mine.as_ref().map(Block::send);
        // SAFETY: the caller's promise.
        unsafe {
            match of.root {
                Root::Across(role) => {
                    let blocks = of.all.as_ref().map(|all| all.across(&of.comm)).unwrap_or_default();
                    inter::gather(&Across::new(&of.comm, Collective::Gather), mine, &blocks, role)
                }
                Root::Rank(root) if of.any => {
                    let blocks = of.blocks().map(Blocks::receives).unwrap_or_default();
                    coll::gather::gatherv(&of.comm, mine, &blocks, root)
                }
                Root::Rank(root) => {
                    coll::gather::gather(&of.comm, mine, of.first().map(Block::receive), root)
                }
            }
        }
    }
}

struct Scatter(Rooted);

impl Call for Scatter {
    fn comm(&self) -> &Rc<Comm> {
        &self.0.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let of = &self.0;
        let room = of.mine.as_ref().map(Block::receive);
        // SAFETY: the caller's promise.
        unsafe {
            match of.root {
                Root::Across(role) => {
                    let blocks = of.all.as_ref().map(|all| all.across(&of.comm)).unwrap_or_default();
                    let blocks: Vec<_> = blocks.iter().map(coll::Receive::as_send).collect();
                    inter::scatter(&Across::new(&of.comm, Collective::Scatter), &blocks, room, role)
                }
                Root::Rank(root) if of.any => {
                    let blocks = of.blocks().map(Blocks::sends).unwrap_or_default();
                    coll::gather::scatterv(&of.comm, &blocks, room, root)
                }
                Root::Rank(root) => coll::gather::scatter(&of.comm, of.first().map(Block::send), room, root),
            }
        }
    }
}

collectives! {
    /// Copies the root's buffer to all.
    MPI_Bcast, MPI_Bcast_c; MPI_Ibcast, MPI_Ibcast_c; MPI_Bcast_init, MPI_Bcast_init_c
    (buffer: *mut c_void, n: Count, datatype: MPI_Datatype, root: c_int, comm: MPI_Comm) on comm =>
        Bcast::new(buffer, n, datatype, root, comm);

    /// Collects a block of each rank at the root.
    MPI_Gather, MPI_Gather_c; MPI_Igather, MPI_Igather_c; MPI_Gather_init, MPI_Gather_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm =>
        Rooted::new(("sendbuf", sendbuf, sendcount, sendtype), root, comm, false, |_| {
            Block::new("recvbuf", recvbuf, recvcount, recvtype).map(All::Equal)
        }).map(Gather);

    /// Collects blocks of any size at the root.
    MPI_Gatherv, MPI_Gatherv_c; MPI_Igatherv, MPI_Igatherv_c; MPI_Gatherv_init, MPI_Gatherv_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, displs: *const Displ, recvtype: MPI_Datatype,
        root: c_int, comm: MPI_Comm
    ) on comm =>
        Rooted::new(("sendbuf", sendbuf, sendcount, sendtype), root, comm, true, |of| {
            // SAFETY: the program's array.
            unsafe { Blocks::any(of.peers().size(), recvbuf, recvcounts, displs, recvtype).map(All::Any) }
        }).map(Gather);

    /// Gives each rank a block from the root.
    MPI_Scatter, MPI_Scatter_c; MPI_Iscatter, MPI_Iscatter_c; MPI_Scatter_init, MPI_Scatter_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm =>
        Rooted::new(("recvbuf", recvbuf, recvcount, recvtype), root, comm, false, |_| {
            Block::new("sendbuf", sendbuf, sendcount, sendtype).map(All::Equal)
        }).map(Scatter);

    /// Gives each rank a block of any size from the root.
    MPI_Scatterv, MPI_Scatterv_c; MPI_Iscatterv, MPI_Iscatterv_c; MPI_Scatterv_init, MPI_Scatterv_init_c
    (
        sendbuf: *const c_void, sendcounts: *const Count, displs: *const Displ, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm =>
        Rooted::new(("recvbuf", recvbuf, recvcount, recvtype), root, comm, true, |of| {
            // SAFETY: the program's array.
            unsafe { Blocks::any(of.peers().size(), sendbuf, sendcounts, displs, sendtype).map(All::Any) }
        }).map(Scatter);
}
