//! Collectives over the real protocols (eager, rendezvous, credit) and a simulated network.

use super::*;
use crate::abi::MPI_SUM;
use crate::coll::alltoall::{Blocks, alltoall};
use crate::coll::reduce::Reduction;
use crate::coll::{allgather, allreduce, barrier, bcast, scan};
use crate::{op, p2p};

/// Algorithms that do without shared memory.
const MESSAGES: &str =
    "barrier=dissemination, bcast=binomial, allgather=ring, alltoall=scattered, allreduce=rabenseifner";

/// Ints per block: below and above what is sent eagerly.
const SIZES: [usize; 4] = [0, 1, 1000, 30_000];

/// Room for `n` elements of each rank.
fn blocks(all: &mut Buffer, size: usize, n: usize) -> Vec<Receive<'_>> {
    let first = all.receive(0, n);
    (0..size).map(|rank| first.part((rank * n) as isize, n)).collect()
}

fn move_data(comm: &Comm, n: usize) {
    let (me, size) = (comm.rank(), comm.size());
    let root = size / 2;
    let mut buffer = Buffer::new(Layout::Dense, n);
    if me == root {
        buffer = buffer.fill(0, n, |i| value(root, 0, i));
    }
    // SAFETY: here and below, buffers live, are used by nobody else and are different.
    unsafe { bcast::bcast(comm, buffer.receive(0, n), root) }.expect("bcast");
    assert_eq!(buffer.ints(0, n), values(root, 0, Layout::Dense, n));

    let mine = Buffer::new(Layout::Dense, n).fill(0, n, |i| value(me, 0, i));
    let mut all = Buffer::new(Layout::Dense, n * size);
    // SAFETY: as above.
    unsafe { allgather::allgather(comm, Some(mine.send(0, n)), &blocks(&mut all, size, n)) }
        .expect("allgather");
    for rank in 0..size {
        assert_eq!(all.ints(rank * n, n), values(rank, 0, Layout::Dense, n));
    }

    let mut sent = Buffer::new(Layout::Dense, n * size);
    for rank in 0..size {
        sent = sent.fill(rank * n, n, |i| value(me, rank, i));
    }
    let sends: Vec<Send<'_>> = (0..size).map(|r| sent.send(r * n, n)).collect();
    // SAFETY: as above.
    unsafe { alltoall(comm, Some(&sends), &blocks(&mut all, size, n), Blocks::Equal) }.expect("alltoall");
    for rank in 0..size {
        assert_eq!(all.ints(rank * n, n), values(rank, me, Layout::Dense, n));
    }
}

fn combine_data(comm: &Comm, n: usize) {
    let (me, size) = (comm.rank() as i32, comm.size() as i32);
    let (op, dt) = (op::get(MPI_SUM).expect("predefined"), predefined(MPI_INT));
    let what = Reduction { op: &op, dt: &dt };
    let mine: Vec<i32> = (0..n as i32).map(|i| i + me).collect();
    let mut result = vec![UNTOUCHED; n];
    let (from, to) = (mine.as_ptr().cast(), result.as_mut_ptr().cast());
    // SAFETY: as above.
    unsafe { allreduce::allreduce(comm, from, to, n, what) }.expect("allreduce");
    let sum = |ranks: i32, i: usize| ranks * i as i32 + ranks * (ranks - 1) / 2;
    assert!(result.iter().enumerate().all(|(i, v)| *v == sum(size, i)));
    let to = result.as_mut_ptr().cast();
    // SAFETY: as above.
    unsafe { scan::scan(comm, from, to, n, what) }.expect("scan");
    assert!(result.iter().enumerate().all(|(i, v)| *v == sum(me + 1, i)));
}

#[test]
fn collectives_work_over_eager_and_rendezvous_messages() {
    for size in [1, 2, 5, 8] {
        p2p::testing::run(size, |rank| {
            let world = world();
            let turned = comm::create::split(&world, 0, -(rank as i32)).expect("split").expect("a colour");
            assert_eq!(turned.rank() + world.rank() + 1, world.size());
            let large = if size == 8 { 3 } else { 4 };
            for forced in [MESSAGES, ""] {
                choose::force(forced).expect("names of the table");
                for n in &SIZES[..large] {
                    move_data(&world, *n);
                    combine_data(&turned, *n);
                    barrier::barrier(&turned).expect("barrier");
                }
            }
            let mut handle = turned.handle();
            comm::free(&mut handle).expect("free");
        });
    }
}
