//! Collectives on inter-communicators that do not block, and persistent ones: several at once.

use super::reducing::summed;
use super::*;
use crate::c::comm::MPI_Comm_idup;
use crate::c::p2p::completion::{MPI_Request_free, MPI_Wait, MPI_Waitall};
use crate::c::p2p::persistent::{MPI_Start, MPI_Startall};

fn wait(requests: &mut [MPI_Request]) {
    ok!(MPI_Waitall(requests.len() as c_int, requests.as_mut_ptr(), MPI_STATUSES_IGNORE));
}

fn jobs(body: fn(&Side)) {
    for hosts in [vec![2], vec![5], vec![7], vec![2, 3]] {
        Job { hosts, ..Job::of(1) }.run(|_| body(&Side::of(&pair(1))));
    }
}

#[test]
fn many_go_on_at_once() {
    jobs(|side| {
        let there = &side.there;
        for n in [1usize, 5000] {
            let count = n as c_int;
            let (root_is_here, root) = side.roots()[0];
            let how = side.root(root_is_here, root);
            let mine = ints(side.me, 0, n);
            let mut bcast = if side.me == root { ints(root, 0, n) } else { vec![UNTOUCHED; n] };
            let (mut reduced, mut summed_up) = (vec![UNTOUCHED; n], vec![UNTOUCHED; n]);
            let mut gathered = vec![UNTOUCHED; n * there.len()];
            let sends: Vec<i32> = there.iter().flat_map(|rank| ints(side.me, *rank, n)).collect();
            let mut exchanged = gathered.clone();
            let mut requests = [MPI_REQUEST_NULL; 6];
            let [a, b, c, d, e, f] = &mut requests;
            let (comm, at) = (side.comm, from(&mine));
            ok!(MPI_Ibcast(to(&mut bcast), count, MPI_INT, how, comm, a));
            ok!(MPI_Ireduce(at, to(&mut reduced), count, MPI_INT, MPI_SUM, how, comm, b));
            ok!(MPI_Iallreduce(at, to(&mut summed_up), count, MPI_INT, MPI_SUM, comm, c));
            ok!(MPI_Iallgather(at, count, MPI_INT, to(&mut gathered), count, MPI_INT, comm, d));
            ok!(MPI_Ialltoall(from(&sends), count, MPI_INT, to(&mut exchanged), count, MPI_INT, comm, e));
            ok!(MPI_Ibarrier(comm, f));
            // A blocking one beside them, and an order of waiting that differs between ranks.
            ok!(MPI_Barrier(comm));
            if side.me % 2 == 0 {
                requests.reverse();
            }
            for request in &mut requests {
                ok!(MPI_Wait(request, MPI_STATUS_IGNORE));
            }
            let reached = !root_is_here || side.me == root;
            assert_eq!(bcast, if reached { ints(root, 0, n) } else { vec![UNTOUCHED; n] });
            assert_eq!(reduced, if how == MPI_ROOT { summed(there, n) } else { vec![UNTOUCHED; n] });
            assert_eq!(summed_up, summed(there, n));
            assert_eq!(gathered, there.iter().flat_map(|rank| ints(*rank, 0, n)).collect::<Vec<_>>());
            assert_eq!(exchanged, there.iter().flat_map(|rank| ints(*rank, side.me, n)).collect::<Vec<_>>());
        }
    });
}

#[test]
fn persistent_ones_are_started_again() {
    jobs(|side| {
        let (mut mine, mut result) = (vec![0; 3], vec![UNTOUCHED; 3]);
        let mut requests = [MPI_REQUEST_NULL; 2];
        let [reduce, barrier] = &mut requests;
        let (at, room) = (from(&mine), to(&mut result));
        ok!(MPI_Allreduce_init(at, room, 3, MPI_INT, MPI_SUM, side.comm, MPI_INFO_NULL, reduce));
        ok!(MPI_Barrier_init(side.comm, MPI_INFO_NULL, barrier));
        for round in 0..4 {
            mine.fill(side.me as i32 + round);
            if side.me % 2 == 0 {
                ok!(MPI_Startall(2, requests.as_mut_ptr()));
            } else {
                ok!(MPI_Start(&mut requests[1]));
                ok!(MPI_Start(&mut requests[0]));
            }
            wait(&mut requests);
            let sum = side.there.iter().fold(0, |sum, rank| sum + *rank as i32 + round);
            assert_eq!(result, vec![sum; 3]);
        }
        for request in &mut requests {
            ok!(MPI_Request_free(request));
        }
    });
}

#[test]
fn duplicates_come_later_with_contexts_of_their_own() {
    jobs(|side| {
        let (mut new, mut requests) = ([MPI_COMM_NULL; 3], [MPI_REQUEST_NULL; 3]);
        for (new, request) in new.iter_mut().zip(&mut requests) {
            ok!(MPI_Comm_idup(side.comm, new, request));
        }
        if side.me % 2 == 0 {
            requests.reverse();
        }
        wait(&mut requests);
        let old = comm::get(side.comm).expect("the old one");
        let mut contexts = vec![old.context(), old.local().context(), world().context()];
        for handle in new {
            let new = comm::get(handle).expect("made");
            assert_eq!(comm::compare(&old, &new), MPI_CONGRUENT);
            contexts.extend([new.context(), new.local().context()]);
            let (mut result, mine) = ([0], [side.me as i32]);
            ok!(MPI_Allreduce(from(&mine), to(&mut result), 1, MPI_INT, MPI_SUM, handle));
            assert_eq!(result[0], side.there.iter().sum::<usize>() as i32);
        }
        contexts.sort_unstable();
        contexts.dedup();
        assert_eq!(contexts.len(), 9);
    });
}
