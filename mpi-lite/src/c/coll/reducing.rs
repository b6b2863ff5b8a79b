//! Collectives that combine data.

use super::buffers::{check, check_distinct, count, in_place};
use super::rooted::Root;
use super::{Call, collectives};
use crate::abi::*;
use crate::c::input::{Wide, array};
use crate::coll::choose::Collective;
use crate::coll::inter::{self, Across};
use crate::coll::reduce::Reduction;
use crate::coll::{self, Receive, Send};
use crate::comm::inter::Role;
use crate::comm::{self, Comm};
use crate::datatype::{self, Datatype};
use crate::error::{Result, err};
use crate::op::{self, Op};
use std::ffi::{c_int, c_void};
use std::rc::Rc;

/// Who gets what.
enum Form {
    /// The root, all.
    Reduce(Root),
    /// All ranks, all.
    Allreduce,
    /// Each rank, what is from the ranks up to it.
    Scan,
    /// Each rank, what is from the ranks before it.
    Exscan,
    /// Each rank, so many elements.
    Scatter(Vec<usize>),
}

struct Reducing {
    comm: Rc<Comm>,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    dt: Datatype,
    op: Op,
    form: Form,
}

impl Reducing {
    /// `n` elements of each rank.
    fn new(
        sendbuf: *const c_void,
        recvbuf: *mut c_void,
        n: impl Wide,
        what: (MPI_Datatype, MPI_Op),
        comm: MPI_Comm,
        form: Form,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        if matches!(form, Form::Scan | Form::Exscan) {
            comm.require_intra()?;
        }
        let n = count(n)?;
        Self::with_result(sendbuf, recvbuf, (n, n), what, comm, form)
    }

    fn to_root(
        sendbuf: *const c_void,
        recvbuf: *mut c_void,
        n: impl Wide,
        what: (MPI_Datatype, MPI_Op),
        root: c_int,
        comm: MPI_Comm,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let root = Root::of(&comm, root)?;
        let (mine, result) = (sendbuf.cast(), recvbuf.cast());
        if let Root::Across(Role::Idle) = root {
            // Nothing that it passes counts, and nothing is combined.
            let (dt, op) = (datatype::byte(), op::get(MPI_SUM)?);
            return Ok(Self { comm, mine, result, count: 0, dt, op, form: Form::Reduce(root) });
        }
        let n = count(n)?;
        let (name, buffer) = match root {
            Root::Rank(rank) if comm.rank() == rank => {
                return Self::with_result(sendbuf, recvbuf, (n, n), what, comm, Form::Reduce(root));
            }
            Root::Across(Role::Root) => ("recvbuf", recvbuf.cast_const()),
            _ => ("sendbuf", sendbuf),
        };
        let (dt, op) = checked(what)?;
        check(name, buffer, n, &dt)?;
        Ok(Self { comm, mine, result, count: n, dt, op, form: Form::Reduce(root) })
    }

    fn scatter(
        sendbuf: *const c_void,
        recvbuf: *mut c_void,
        what: (MPI_Datatype, MPI_Op),
        comm: MPI_Comm,
        counts: impl FnOnce(&Comm) -> Result<Vec<usize>>,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let counts = counts(&comm)?;
        let Some(total) = counts.iter().try_fold(0usize, |sum, n| sum.checked_add(*n)) else {
            return err(MPI_ERR_COUNT, "the sum of the counts is too large");
        };
        let room = counts[comm.rank()];
        Self::with_result(sendbuf, recvbuf, (total, room), what, comm, Form::Scatter(counts))
    }

    /// A call on a rank that gets something: `n` elements are sent, or are in `recvbuf`; there is room for others.
    fn with_result(
        sendbuf: *const c_void,
        recvbuf: *mut c_void,
        (n, room): (usize, usize),
        what: (MPI_Datatype, MPI_Op),
        comm: Rc<Comm>,
        form: Form,
    ) -> Result<Self> {
        let (dt, op) = checked(what)?;
        check("recvbuf", recvbuf, room, &dt)?;
        let result: *mut u8 = recvbuf.cast();
        let mut mine: *const u8 = result;
        if !in_place(sendbuf) || comm.is_inter() {
            check("sendbuf", sendbuf, n, &dt)?;
            mine = sendbuf.cast();
            let send = Send { at: mine, count: n, dt: &dt };
            check_distinct(send, Receive { at: result, count: room, dt: &dt })?;
        }
        Ok(Self { comm, mine, result, count: n, dt, op, form })
    }
}

fn checked((datatype, op): (MPI_Datatype, MPI_Op)) -> Result<(Datatype, Op)> {
    let (dt, op) = (datatype::get(datatype)?, op::get(op)?);
    op.check(&dt)?;
    Ok((dt, op))
}

impl Call for Reducing {
    fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let Self { comm, mine, result, count, dt, op, form } = self;
        let what = Reduction { op, dt };
        // SAFETY: the caller's promise.
        unsafe {
            match form {
                Form::Reduce(Root::Rank(root)) => {
                    coll::reduce::reduce(comm, *mine, *result, *count, what, *root)
                }
                Form::Reduce(Root::Across(role)) => {
                    let across = Across::new(comm, Collective::Reduce);
                    inter::reduce(&across, *mine, *result, *count, what, *role)
                }
                Form::Allreduce if comm.is_inter() => {
                    inter::allreduce(&Across::new(comm, Collective::Allreduce), *mine, *result, *count, what)
                }
                Form::Scatter(counts) if comm.is_inter() => {
                    let across = Across::new(comm, Collective::ReduceScatter);
                    inter::reduce_scatter(&across, *mine, *result, counts, what)
                }
                Form::Allreduce => coll::allreduce::allreduce(comm, *mine, *result, *count, what),
                Form::Scan => coll::scan::scan(comm, *mine, *result, *count, what),
                Form::Exscan => coll::scan::exscan(comm, *mine, *result, *count, what),
                Form::Scatter(counts) => {
                    coll::reduce_scatter::reduce_scatter(comm, *mine, *result, counts, what)
                }
            }
        }
    }
}

/// The counts of `MPI_Reduce_scatter`.
///
/// # Safety
/// The array has an element for each rank.
unsafe fn counts_of(comm: &Comm, counts: *const impl Wide) -> Result<Vec<usize>> {
    // SAFETY: the caller's promise.
    unsafe { array("recvcounts", counts, comm.size())? }.iter().map(|n| count(*n)).collect()
}

collectives! {
    /// Combines the elements of all ranks at the root.
    MPI_Reduce, MPI_Reduce_c; MPI_Ireduce, MPI_Ireduce_c; MPI_Reduce_init, MPI_Reduce_init_c
    (
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op,
        root: c_int, comm: MPI_Comm
    ) on comm => Reducing::to_root(sendbuf, recvbuf, n, (datatype, op), root, comm);

    /// Combines the elements of all ranks at all.
    MPI_Allreduce, MPI_Allreduce_c; MPI_Iallreduce, MPI_Iallreduce_c; MPI_Allreduce_init, MPI_Allreduce_init_c
    (
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op, comm: MPI_Comm
    ) on comm => Reducing::new(sendbuf, recvbuf, n, (datatype, op), comm, Form::Allreduce);

    /// Combines the elements of all ranks; each gets a part of any size.
    MPI_Reduce_scatter, MPI_Reduce_scatter_c; MPI_Ireduce_scatter, MPI_Ireduce_scatter_c;
    MPI_Reduce_scatter_init, MPI_Reduce_scatter_init_c
    (
        sendbuf: *const c_void, recvbuf: *mut c_void, recvcounts: *const Count, datatype: MPI_Datatype,
        op: MPI_Op, comm: MPI_Comm
    ) on comm => Reducing::scatter(sendbuf, recvbuf, (datatype, op), comm, |of| {
        // SAFETY: the program's array.
        unsafe { counts_of(of, recvcounts) }
    });

    /// Combines the elements of all ranks; each gets a part of the same size.
    MPI_Reduce_scatter_block, MPI_Reduce_scatter_block_c; MPI_Ireduce_scatter_block, MPI_Ireduce_scatter_block_c;
    MPI_Reduce_scatter_block_init, MPI_Reduce_scatter_block_init_c
    (
        sendbuf: *const c_void, recvbuf: *mut c_void, recvcount: Count, datatype: MPI_Datatype, op: MPI_Op,
        comm: MPI_Comm
    ) on comm =>
        Reducing::scatter(sendbuf, recvbuf, (datatype, op), comm, |of| Ok(vec![count(recvcount)?; of.size()]));

    /// Combines the elements of the ranks up to this one.
    MPI_Scan, MPI_Scan_c; MPI_Iscan, MPI_Iscan_c; MPI_Scan_init, MPI_Scan_init_c
    (
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op, comm: MPI_Comm
    ) on comm => Reducing::new(sendbuf, recvbuf, n, (datatype, op), comm, Form::Scan);

    /// Combines the elements of the ranks before this one.
    MPI_Exscan, MPI_Exscan_c; MPI_Iexscan, MPI_Iexscan_c; MPI_Exscan_init, MPI_Exscan_init_c
    (
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op, comm: MPI_Comm
    ) on comm => Reducing::new(sendbuf, recvbuf, n, (datatype, op), comm, Form::Exscan);
}
