//! Point-to-point messages, which name ranks of the remote group.

use super::*;
use crate::c::coll::MPI_Barrier;
use crate::c::p2p::blocking::*;
use crate::c::p2p::completion::*;
use crate::c::p2p::nonblocking::*;
use crate::c::p2p::persistent::*;
use crate::c::p2p::probe::*;
use crate::p2p::testing;
use std::ffi::{c_int, c_void};

fn at<T>(value: &mut T) -> *mut c_void {
    (&raw mut *value).cast()
}

/// The value that a rank of the world sends to another.
fn value(from: usize, to: usize) -> c_int {
    (from * 100 + to) as c_int
}

#[test]
fn messages_go_between_ranks_of_both_groups() {
    testing::run(5, |rank| {
        let (inter, rank) = (pair(2), rank as usize);
        let comm = inter.handle();
        inter.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
        let world_of = |peer: usize| inter.peers().members()[peer] as usize;
        let peers = 0..inter.peers().size();
        let mut status = MPI_Status::EMPTY;
        let status = &mut status;
        // SAFETY: valid buffers, which live until their requests are complete.
        unsafe {
            // Every rank with each of the remote group, in both directions at once.
            for peer in peers.clone() {
                let (mut mine, mut theirs, to) = (value(rank, world_of(peer)), 0, peer as c_int);
                let (a, b) = (at(&mut mine), at(&mut theirs));
                assert_eq!(
                    MPI_Sendrecv(a, 1, MPI_INT, to, 1, b, 1, MPI_INT, to, 1, comm, status),
                    MPI_SUCCESS
                );
                assert_eq!((theirs, status.MPI_SOURCE), (value(world_of(peer), rank), to));
            }
            // From anybody, found by a probe first; matched probes and persistent requests.
            let mut requests = Vec::new();
            let mut data: Vec<c_int> = peers.clone().map(|peer| value(rank, world_of(peer))).collect();
            for (peer, data) in data.iter_mut().enumerate() {
                let mut request = MPI_REQUEST_NULL;
                assert_eq!(
                    MPI_Send_init(at(data), 1, MPI_INT, peer as c_int, 2, comm, &mut request),
                    MPI_SUCCESS
                );
                assert_eq!(MPI_Start(&mut request), MPI_SUCCESS);
                requests.push(request);
            }
            let mut seen = Vec::new();
            for turn in peers.clone() {
                let mut theirs = 0;
                if turn % 2 == 0 {
                    assert_eq!(MPI_Probe(MPI_ANY_SOURCE, 2, comm, status), MPI_SUCCESS);
                    let from = status.MPI_SOURCE;
                    assert_eq!(MPI_Recv(at(&mut theirs), 1, MPI_INT, from, 2, comm, status), MPI_SUCCESS);
                } else {
                    let mut message = MPI_MESSAGE_NULL;
                    assert_eq!(
                        MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &mut message, status),
                        MPI_SUCCESS
                    );
                    assert_eq!(MPI_Mrecv(at(&mut theirs), 1, MPI_INT, &mut message, status), MPI_SUCCESS);
                }
                assert_eq!(theirs, value(world_of(status.MPI_SOURCE as usize), rank));
                seen.push(status.MPI_SOURCE as usize);
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(peers.clone()));
            for request in &mut requests {
                assert_eq!(MPI_Wait(request, status), MPI_SUCCESS);
                assert_eq!(MPI_Request_free(request), MPI_SUCCESS);
            }
            assert_eq!(MPI_Barrier(comm), MPI_SUCCESS);
            // Large data by rendezvous, received with wildcards before they come.
            let to = (inter.rank() % peers.len()) as c_int;
            let sources = (0..inter.peers().size()).filter(|peer| peer % inter.size() == inter.rank());
            let mut rooms: Vec<Vec<c_int>> = sources.map(|_| vec![0; 50_000]).collect();
            let receives: Vec<MPI_Request> = rooms
                .iter_mut()
                .map(|room| {
                    let (mut request, at) = (MPI_REQUEST_NULL, room.as_mut_ptr().cast());
                    let code = MPI_Irecv(at, 50_000, MPI_INT, MPI_ANY_SOURCE, 3, comm, &mut request);
                    assert_eq!(code, MPI_SUCCESS);
                    request
                })
                .collect();
            let large = vec![value(rank, world_of(to as usize)); 50_000];
            assert_eq!(MPI_Send(large.as_ptr().cast(), 50_000, MPI_INT, to, 3, comm), MPI_SUCCESS);
            for (mut request, room) in receives.into_iter().zip(&rooms) {
                assert_eq!(MPI_Wait(&mut request, status), MPI_SUCCESS);
                let expected = value(world_of(status.MPI_SOURCE as usize), rank);
                assert!(room.iter().all(|found| *found == expected));
            }
            // Ranks are those of the remote group.
            let beyond = peers.len() as c_int;
            let mut mine = 0;
            assert_eq!(MPI_Send(at(&mut mine), 1, MPI_INT, beyond, 1, comm), MPI_ERR_RANK);
            assert_eq!(MPI_Recv(at(&mut mine), 1, MPI_INT, beyond, 1, comm, status), MPI_ERR_RANK);
            assert_eq!(MPI_Send(at(&mut mine), 1, MPI_INT, MPI_PROC_NULL, 1, comm), MPI_SUCCESS);
            assert_eq!(MPI_Barrier(comm), MPI_SUCCESS);
        }
    });
}
