//! Collectives that move data.

use super::*;
use crate::coll::alltoall::{Blocks, alltoall};
use crate::coll::{allgather, barrier, bcast, gather};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NO_ONE: usize = 0;

fn roots(size: usize) -> Vec<usize> {
    let mut roots = vec![0, size / 2, size - 1];
    roots.dedup();
    roots
}

/// How many elements rank `r` has where sizes differ: none at some.
fn uneven(r: usize) -> usize {
    [3, 0, 1, 7, 2][r % 5]
}

fn starts_of(size: usize) -> Vec<usize> {
    // One element of space between blocks, so that they are no neighbours.
    crate::coll::memory::starts((0..size).map(|r| uneven(r) + 1)).to_vec()
}

#[test]
fn barrier_lets_nobody_through_before_all_have_come() {
    for algorithm in algorithms("barrier") {
        for size in 1..=9 {
            let arrived = Arc::new(AtomicUsize::new(0));
            fake::run(size, move |_| {
                choose::force(&format!("barrier={algorithm}")).expect("a name of the table");
                for round in 1..=5 {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    barrier::barrier(&world()).expect("barrier");
                    assert!(arrived.load(Ordering::SeqCst) >= round * size);
                }
            });
        }
    }
}

#[test]
fn bcast_copies_the_roots_buffer() {
    with_each_algorithm("bcast", |comm| {
        for root in roots(comm.size()) {
            for layout in LAYOUTS {
                // The last one is more than one segment of a pipeline.
                let large = if layout == Layout::Dense && root == comm.size() / 2 { 20_000 } else { 200 };
                for elements in [0, 1, 5, large] {
                    let mut buffer = Buffer::new(layout, elements);
                    if comm.rank() == root {
                        buffer = buffer.fill(0, elements, |i| value(root, NO_ONE, i));
                    }
                    // SAFETY: the buffer lives and is used by nobody else.
                    unsafe { bcast::bcast(comm, buffer.receive(0, elements), root) }.expect("bcast");
                    assert_eq!(buffer.ints(0, elements), values(root, NO_ONE, layout, elements));
                    buffer.check_gaps();
                }
            }
        }
    });
}

#[test]
fn gather_collects_at_the_root() {
    with_each_algorithm("gather", |comm| {
        for root in roots(comm.size()) {
            for (from, to) in [(LAYOUTS[0], LAYOUTS[0]), (LAYOUTS[1], LAYOUTS[1]), (LAYOUTS[1], LAYOUTS[0])] {
                for (elements, in_place) in [(0, false), (1, false), (6, true), (6, false), (700, false)] {
                    let me = comm.rank();
                    let room = elements * from.ints() / to.ints();
                    let mine = Buffer::new(from, elements).fill(0, elements, |i| value(me, NO_ONE, i));
                    let own_in_place = in_place && me == root;
                    let mut all = Buffer::new(to, if me == root { room * comm.size() } else { 0 });
                    if own_in_place {
                        all = all.fill(root * room, room, |i| value(me, NO_ONE, i));
                    }
                    let send = (!own_in_place).then(|| mine.send(0, elements));
                    let blocks = (me == root).then(|| all.receive(0, room));
                    // SAFETY: the buffers live, are used by nobody else and are different.
                    unsafe { gather::gather(comm, send, blocks, root) }.expect("gather");
                    for rank in (0..comm.size()).filter(|_| me == root) {
                        assert_eq!(all.ints(rank * room, room), values(rank, NO_ONE, from, elements));
                    }
                    all.check_gaps();
                }
            }
        }
    });
}

#[test]
fn gatherv_collects_blocks_of_any_size() {
    with_each_algorithm("gatherv", |comm| {
        for root in roots(comm.size()) {
            for layout in LAYOUTS {
                let (me, starts) = (comm.rank(), starts_of(comm.size()));
                let mine = Buffer::new(layout, uneven(me)).fill(0, uneven(me), |i| value(me, NO_ONE, i));
                let mut all = Buffer::new(layout, starts[comm.size()]);
                let first = all.receive(0, 0);
                let blocks: Vec<Receive<'_>> =
                    (0..comm.size()).map(|r| first.part(starts[r] as isize, uneven(r))).collect();
                let blocks = if me == root { &blocks[..] } else { &[] };
                // SAFETY: the buffers live, are used by nobody else and are different.
                unsafe { gather::gatherv(comm, Some(mine.send(0, uneven(me))), blocks, root) }
                    .expect("gatherv");
                for rank in (0..comm.size()).filter(|_| me == root) {
                    assert_eq!(
                        all.ints(starts[rank], uneven(rank)),
                        values(rank, NO_ONE, layout, uneven(rank))
                    );
                    assert_eq!(all.ints(starts[rank] + uneven(rank), 1)[0], UNTOUCHED);
                }
            }
        }
    });
}

#[test]
fn scatter_distributes_from_the_root() {
    with_each_algorithm("scatter", |comm| {
        for root in roots(comm.size()) {
            for (from, to) in [(LAYOUTS[0], LAYOUTS[0]), (LAYOUTS[1], LAYOUTS[1]), (LAYOUTS[1], LAYOUTS[0])] {
                for (elements, in_place) in [(0, false), (1, false), (6, true), (6, false), (700, false)] {
                    let me = comm.rank();
                    let room = elements * from.ints() / to.ints();
                    let mut all = Buffer::new(from, if me == root { elements * comm.size() } else { 0 });
                    for rank in (0..comm.size()).filter(|_| me == root) {
                        all = all.fill(rank * elements, elements, |i| value(root, rank, i));
                    }
                    let mut mine = Buffer::new(to, room);
                    let blocks = (me == root).then(|| all.send(0, elements));
                    let receive = (!in_place || me != root).then(|| mine.receive(0, room));
                    // SAFETY: the buffers live, are used by nobody else and are different.
                    unsafe { gather::scatter(comm, blocks, receive, root) }.expect("scatter");
                    if !in_place || me != root {
                        assert_eq!(mine.ints(0, room), values(root, me, from, elements));
                    }
                    mine.check_gaps();
                }
            }
        }
    });
}

#[test]
fn scatterv_distributes_blocks_of_any_size() {
    with_each_algorithm("scatterv", |comm| {
        for root in roots(comm.size()) {
            for layout in LAYOUTS {
                let (me, starts) = (comm.rank(), starts_of(comm.size()));
                let mut all = Buffer::new(layout, starts[comm.size()]);
                for (rank, start) in starts[..comm.size()].iter().enumerate() {
                    all = all.fill(*start, uneven(rank), |i| value(root, rank, i));
                }
                let blocks: Vec<Send<'_>> =
                    (0..comm.size()).map(|r| all.send(starts[r], uneven(r))).collect();
                let blocks = if me == root { &blocks[..] } else { &[] };
                let mut mine = Buffer::new(layout, uneven(me));
                // SAFETY: the buffers live, are used by nobody else and are different.
                unsafe { gather::scatterv(comm, blocks, Some(mine.receive(0, uneven(me))), root) }
                    .expect("scatterv");
                assert_eq!(mine.ints(0, uneven(me)), values(root, me, layout, uneven(me)));
                mine.check_gaps();
            }
        }
    });
}

#[test]
fn allgather_collects_everywhere() {
    with_each_algorithm("allgather", |comm| {
        let me = comm.rank();
        for (from, to) in [(LAYOUTS[0], LAYOUTS[0]), (LAYOUTS[0], LAYOUTS[1]), (LAYOUTS[1], LAYOUTS[1])] {
            for (elements, in_place) in [(0, false), (2, true), (2, false), (600, false)] {
                let room = elements * from.ints() / to.ints();
                let mine = Buffer::new(from, elements).fill(0, elements, |i| value(me, NO_ONE, i));
                let mut all = Buffer::new(to, room * comm.size());
                if in_place {
                    all = all.fill(me * room, room, |i| value(me, NO_ONE, i));
                }
                let first = all.receive(0, room);
                let blocks: Vec<Receive<'_>> =
                    (0..comm.size()).map(|r| first.part((r * room) as isize, room)).collect();
                let send = (!in_place).then(|| mine.send(0, elements));
                // SAFETY: the buffers live, are used by nobody else and are different.
                unsafe { allgather::allgather(comm, send, &blocks) }.expect("allgather");
                for rank in 0..comm.size() {
                    assert_eq!(all.ints(rank * room, room), values(rank, NO_ONE, from, elements));
                }
                all.check_gaps();
            }
        }
    });
}

#[test]
fn allgatherv_collects_blocks_of_any_size_in_any_order() {
    with_each_algorithm("allgather", |comm| {
        let (me, size) = (comm.rank(), comm.size());
        for layout in LAYOUTS {
            for (gaps, reversed) in [(true, false), (true, true), (false, false), (false, true)] {
                let slot = |r: usize| if reversed { size - 1 - r } else { r };
                let lengths = (0..size).map(|s| uneven(slot(s)) + usize::from(gaps));
                let starts = crate::coll::memory::starts(lengths);
                let mine = Buffer::new(layout, uneven(me)).fill(0, uneven(me), |i| value(me, NO_ONE, i));
                let mut all = Buffer::new(layout, starts[size]);
                let first = all.receive(0, 0);
                let blocks: Vec<Receive<'_>> =
                    (0..size).map(|r| first.part(starts[slot(r)] as isize, uneven(r))).collect();
                // SAFETY: the buffers live, are used by nobody else and are different.
                unsafe { allgather::allgather(comm, Some(mine.send(0, uneven(me))), &blocks) }
                    .expect("allgatherv");
                for rank in 0..size {
                    let found = all.ints(starts[slot(rank)], uneven(rank));
                    assert_eq!(found, values(rank, NO_ONE, layout, uneven(rank)));
                }
                all.check_gaps();
            }
        }
    });
}

#[test]
fn alltoall_exchanges_equal_blocks() {
    with_each_algorithm("alltoall", |comm| {
        let (me, size) = (comm.rank(), comm.size());
        for (from, to) in [(LAYOUTS[0], LAYOUTS[0]), (LAYOUTS[1], LAYOUTS[0]), (LAYOUTS[1], LAYOUTS[1])] {
            for (elements, in_place) in [(0, false), (3, false), (3, true), (200, false)] {
                if in_place && from != to {
                    continue;
                }
                let room = elements * from.ints() / to.ints();
                let (mut sent, mut got) = (Buffer::new(from, elements * size), Buffer::new(to, room * size));
                for rank in 0..size {
                    sent = sent.fill(rank * elements, elements, |i| value(me, rank, i));
                    if in_place {
                        got = got.fill(rank * room, room, |i| value(me, rank, i));
                    }
                }
                let sends: Vec<Send<'_>> = (0..size).map(|r| sent.send(r * elements, elements)).collect();
                let first = got.receive(0, room);
                let rooms: Vec<Receive<'_>> =
                    (0..size).map(|r| first.part((r * room) as isize, room)).collect();
                let sends = (!in_place).then_some(&sends[..]);
                // SAFETY: the buffers live, are used by nobody else and are different.
                unsafe { alltoall(comm, sends, &rooms, Blocks::Equal) }.expect("alltoall");
                for rank in 0..size {
                    assert_eq!(got.ints(rank * room, room), values(rank, me, from, elements));
                }
                got.check_gaps();
            }
        }
    });
}

#[test]
fn alltoallw_exchanges_blocks_of_any_size_and_type() {
    with_each_algorithm("alltoall", |comm| {
        let (me, size) = (comm.rank(), comm.size());
        // Symmetric in sender and receiver, so that blocks can be exchanged in place.
        let elements = |a: usize, b: usize| 2 * uneven(a + b);
        for in_place in [false, true] {
            let (mut sent, mut got): (Vec<Buffer>, Vec<Buffer>) = (Vec::new(), Vec::new());
            for rank in 0..size {
                // Pairs of ranks agree on the ints, not on the layout.
                let (from, to) = (LAYOUTS[rank % 2], LAYOUTS[(rank + 1) % 2]);
                let ints = elements(me, rank);
                sent.push(
                    Buffer::new(from, ints / from.ints()).fill(0, ints / from.ints(), |i| value(me, rank, i)),
                );
                let room = Buffer::new(to, ints / to.ints());
                got.push(if in_place {
                    room.fill(0, ints / to.ints(), |i| value(me, rank, i))
                } else {
                    room
                });
            }
            let sends: Vec<Send<'_>> =
                sent.iter().enumerate().map(|(r, b)| b.send(0, elements(me, r) / b.layout.ints())).collect();
            let rooms: Vec<Receive<'_>> = got
                .iter_mut()
                .enumerate()
                .map(|(r, b)| {
                    let n = elements(me, r) / b.layout.ints();
                    b.receive(0, n)
                })
                .collect();
            let sends = (!in_place).then_some(&sends[..]);
            // SAFETY: the buffers live, are used by nobody else and are different.
            unsafe { alltoall(comm, sends, &rooms, Blocks::Any) }.expect("alltoallw");
            for (rank, buffer) in got.iter().enumerate() {
                let n = elements(me, rank) / buffer.layout.ints();
                assert_eq!(buffer.ints(0, n), values(rank, me, buffer.layout, n));
                buffer.check_gaps();
            }
        }
    });
}

#[test]
fn collectives_of_different_communicators_do_not_meet() {
    fake::run(6, |rank| {
        let halves = comm::create::split(&world(), (rank % 2) as i32, 0).expect("split").expect("a colour");
        let twin = comm::create::dup(&halves, None).expect("dup");
        for round in 0..20 {
            let order = if round % 2 == 0 { [&halves, &twin] } else { [&twin, &halves] };
            for (i, comm) in order.into_iter().enumerate() {
                let mine = [rank as i32, round, i as i32];
                let all = crate::coll::allgather_values(comm, mine).expect("allgather");
                let expected: Vec<_> = (0..3).map(|r| [(2 * r + rank % 2) as i32, round, i as i32]).collect();
                assert_eq!(all, expected);
            }
        }
    });
}
