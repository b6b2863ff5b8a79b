//! Collectives through shared memory: many ranks, many communicators, a full heap, ranks that disagree or die.

use super::*;
use crate::abi::{
    MPI_DOUBLE, MPI_ERR_OTHER, MPI_ERR_PROC_ABORTED, MPI_ERRORS_RETURN, MPI_SUM, MPI_UNDEFINED,
};
use crate::coll::alltoall::{Blocks, alltoall};
use crate::coll::reduce::Reduction;
use crate::coll::{allgather, allreduce, barrier, bcast, reduce};
use crate::error::Result;
use crate::{node, op};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use unirank_ivc::segment::Segment;

fn sum(comm: &Comm, mine: &[f64]) -> Result<Vec<f64>> {
    let mut result = vec![0.0; mine.len()];
    let (op, dt) = (op::get(MPI_SUM)?, predefined(MPI_DOUBLE));
    let (from, to) = (mine.as_ptr().cast(), result.as_mut_ptr().cast());
    // SAFETY: the buffers live and are different.
    unsafe { allreduce::allreduce(comm, from, to, mine.len(), Reduction { op: &op, dt: &dt })? };
    Ok(result)
}

fn bytes_from(comm: &Comm, root: usize, n: usize) -> Result<Vec<u8>> {
    let mut data = vec![if comm.rank() == root { root as u8 + 1 } else { 0 }; n];
    let byte = crate::datatype::byte();
    let room = Receive { at: data.as_mut_ptr(), count: n, dt: &byte };
    // SAFETY: the buffer lives.
    unsafe { bcast::bcast(comm, room, root)? };
    Ok(data)
}

#[test]
fn nobody_leaves_a_barrier_before_all_have_come() {
    for hosts in [&[2][..], &[16], &[20], &[3, 2], &[17, 1]] {
        let come = AtomicU64::new(0);
        let size: u32 = hosts.iter().sum();
        Job { hosts: hosts.to_vec(), ..Job::of(size) }.run(|_| {
            for round in 1..=50 {
                come.fetch_add(1, Ordering::Relaxed);
                barrier::barrier(&world()).expect("barrier");
                assert_eq!(come.load(Ordering::Relaxed), round * u64::from(size), "{hosts:?}");
                barrier::barrier(&world()).expect("barrier");
            }
        });
    }
}

/// Collectives of all kinds and lengths, roots that change: writers may be ahead of readers.
fn mixture(comm: &Comm, rounds: usize, lengths: &[usize]) {
    let (me, size) = (comm.rank(), comm.size());
    let ranks = (size * (size - 1) / 2) as f64;
    for round in 0..rounds {
        for n in lengths {
            let root = (round * 7 + n) % size;
            assert_eq!(bytes_from(comm, root, *n).expect("bcast"), vec![root as u8 + 1; *n]);
            let mine: Vec<f64> = (0..n / 8).map(|i| (me + i + round) as f64).collect();
            let all = sum(comm, &mine).expect("allreduce");
            assert!(all.iter().enumerate().all(|(i, v)| *v == ranks + (size * (i + round)) as f64), "{n}");
            let mut result = vec![0.0; mine.len()];
            let (op, dt) = (op::get(MPI_SUM).expect("predefined"), predefined(MPI_DOUBLE));
            let what = Reduction { op: &op, dt: &dt };
            // SAFETY: the buffers live and are different.
            unsafe {
                let (from, to) = (mine.as_ptr().cast(), result.as_mut_ptr().cast());
                reduce::reduce(comm, from, to, mine.len(), what, root).expect("reduce");
            }
            assert!(me != root || result == all, "reduce of {n} bytes");
        }
        barrier::barrier(comm).expect("barrier");
    }
}

#[test]
fn sixteen_ranks_on_few_processors() {
    for windows in [true, false] {
        Job { windows, ..Job::of(16) }.run(|_| mixture(&world(), 3, &[0, 8, 48, 64, 4096, 40_000, 200_000]));
    }
}

#[test]
fn long_vectors_on_two_ranks() {
    for windows in [true, false] {
        Job { windows, ..Job::of(2) }.run(|_| mixture(&world(), 20, &[8, 1 << 20, 56, 300_000, 2048]));
    }
}

fn blocks_arrive(comm: &Comm, n: usize) {
    let (me, size) = (comm.rank(), comm.size());
    for layout in LAYOUTS {
        let mut all = Buffer::new(layout, n * size);
        let mut sent = Buffer::new(layout, n * size);
        for rank in 0..size {
            sent = sent.fill(rank * n, n, |i| value(me, rank, i));
        }
        let sends: Vec<Send<'_>> = (0..size).map(|r| sent.send(r * n, n)).collect();
        let first = all.receive(0, n);
        let rooms: Vec<_> = (0..size).map(|rank| first.part((rank * n) as isize, n)).collect();
        // SAFETY: the buffers live and are different.
        unsafe { alltoall(comm, Some(&sends), &rooms, Blocks::Equal) }.expect("alltoall");
        for rank in 0..size {
            assert_eq!(all.ints(rank * n, n), values(rank, me, layout, n), "{layout:?}");
        }
        all.check_gaps();
        let mine = Buffer::new(layout, n).fill(0, n, |i| value(me, 0, i));
        let mut all = Buffer::new(layout, n * size);
        let first = all.receive(0, n);
        let rooms: Vec<_> = (0..size).map(|rank| first.part((rank * n) as isize, n)).collect();
        // SAFETY: the buffers live and are different.
        unsafe { allgather::allgather(comm, Some(mine.send(0, n)), &rooms) }.expect("allgather");
        for rank in 0..size {
            assert_eq!(all.ints(rank * n, n), values(rank, 0, layout, n), "{layout:?}");
        }
        all.check_gaps();
    }
}

#[test]
fn blocks_go_inline_in_slices_and_directly() {
    for (size, windows) in [(2, true), (2, false), (5, true), (5, false)] {
        Job { windows, ..Job::of(size) }.run(|_| {
            for n in [0, 1, 3, 14, 1000, 9000, 30_000] {
                blocks_arrive(&world(), n);
            }
        });
    }
}

#[test]
fn hundreds_of_communicators_come_and_go() {
    Job { shared: 1 << 20, ..Job::of(4) }.run(|rank| {
        for round in 0..150 {
            let copy = comm::create::dup(&world(), None).expect("dup");
            let color = if round % 5 == 4 && rank == 3 { MPI_UNDEFINED } else { (rank as i32 + round) % 2 };
            let part = comm::create::split(&copy, color, -(rank as i32)).expect("split");
            mixture(&copy, 1, &[8, 200]);
            if let Some(part) = part {
                assert!(part.size() == 1 || part.node.get().is_none());
                mixture(&part, 1, &[8, 200]);
                assert!(part.size() == 1 || matches!(part.node.get(), Some(Some(_))), "a segment");
                comm::free(&mut part.handle()).expect("free");
            }
            comm::free(&mut copy.handle()).expect("free");
        }
        barrier::barrier(&world()).expect("barrier");
    });
}

#[test]
fn a_full_heap_means_messages_and_room_means_segments_again() {
    Job { shared: 0, ..Job::of(3) }.run(|rank| {
        let region = node::region().expect("a region");
        let mut taken = Vec::new();
        if rank == 0 {
            for bytes in [Segment::bytes(3), 4096] {
                while let Ok(block) = region.allocate(0, bytes) {
                    taken.push((block, bytes));
                }
            }
        }
        // Rank 0 is the last to agree on a duplicate, so all find the heap full.
        let copy = comm::create::dup(&world(), None).expect("dup");
        mixture(&copy, 2, &[8, 10_000]);
        assert!(matches!(copy.node.get(), Some(None)), "messages");
        for (block, bytes) in taken {
            region.release(0, block, bytes).expect("a block");
        }
        let other = comm::create::dup(&world(), None).expect("dup");
        mixture(&other, 2, &[8, 10_000]);
        assert!(matches!(other.node.get(), Some(Some(_))), "a segment");
        for comm in [copy, other] {
            comm::free(&mut comm.handle()).expect("free");
        }
    });
}

#[test]
fn ranks_in_different_collectives_are_told() {
    Job::of(2).run(|rank| {
        barrier::barrier(&world()).expect("barrier");
        let outcome = if rank == 0 { barrier::barrier(&world()) } else { sum(&world(), &[1.0]).map(|_| ()) };
        let error = outcome.expect_err("they disagree");
        assert_eq!(error.class, MPI_ERR_OTHER);
        let text = format!("rank {} takes part in another collective than rank {rank}", 1 - rank);
        assert!(error.text.contains(&text), "{}", error.text);
    });
}

#[test]
fn garbage_in_a_segment_names_its_writer() {
    let both = std::sync::Barrier::new(2);
    Job::of(2).run(|rank| {
        barrier::barrier(&world()).expect("barrier");
        barrier::barrier(&world()).expect("barrier");
        // Both have read what the other one wrote so far.
        both.wait();
        if rank == 1 {
            // Rank 0 waits for phase 3 in its line of phase 2.
            let region = node::region().expect("a region");
            let segment = world().node.get().and_then(|node| node.as_ref()).expect("one").segment_at();
            let line = segment + 0x80 + 384;
            for phase in 3..8 {
                region.word64(line + 64 * (phase % 4)).store(1000 << 16, Ordering::Relaxed);
            }
            return;
        }
        let outcome = (0..4).try_for_each(|_| barrier::barrier(&world()));
        let error = outcome.expect_err("garbage");
        assert!(error.text.contains("rank 1 has written garbage"), "{}", error.text);
    });
}

#[test]
fn who_waits_for_a_rank_that_dies_is_told() {
    let (told, both) = (AtomicU32::new(0), std::sync::Barrier::new(2));
    let outcome = std::panic::catch_unwind(|| {
        Job::of(3).run(|rank| {
            world().set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
            barrier::barrier(&world()).expect("barrier");
            assert!(rank != 1, "this rank dies, as the test wants");
            let error = barrier::barrier(&world()).expect_err("one is missing");
            assert_eq!(error.class, MPI_ERR_PROC_ABORTED);
            assert!(error.text.contains("rank 1 has ended"), "{}", error.text);
            told.fetch_add(1, Ordering::Relaxed);
            // Else the other one may hear of this rank's end first.
            both.wait();
        });
    });
    assert!(outcome.is_err() && told.load(Ordering::Relaxed) == 2);
}
