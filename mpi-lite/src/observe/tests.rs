//! What is counted and recorded when simulated ranks talk, by every way that messages take.

use super::counters::read;
use crate::datatype::byte;
use crate::p2p::engine::Choice;
use crate::p2p::testing::Job;
use crate::p2p::{self, Peer, SendMode, Source};
use unirank_ivc::counters::Counter::{self, *};
use unirank_ivc::trace::Record;

const SMALL: usize = 8;
const LARGE: usize = 1 << 20;

fn send(to: u32, len: usize, tag: i32) {
    let data = vec![tag as u8; len];
    let peer = Peer { rank: to as i32, world: to };
    let me = 1 - to as i32;
    // SAFETY: the data lives until the send is complete.
    let request = unsafe { p2p::isend(7, data.as_ptr(), len, &byte(), peer, me, tag, SendMode::Standard) };
    p2p::wait(request.unwrap()).unwrap();
}

fn receive(from: u32, len: usize, tag: i32) {
    let mut data = vec![0; len];
    let peer = Peer { rank: from as i32, world: from };
    // SAFETY: the room lives until the receive is complete.
    unsafe { p2p::recv(7, data.as_mut_ptr(), len, &byte(), Source::Rank(peer), Some(tag)).unwrap() };
    assert_eq!(data, vec![tag as u8; len]);
}

/// Five small messages that come before their receives, one that tells so, two large ones.
fn talk(rank: u32) {
    if rank == 0 {
        (1..=5).for_each(|tag| send(1, SMALL, tag));
        send(1, 0, 9);
        (6..=7).for_each(|tag| send(1, LARGE, tag));
    } else {
        receive(0, 0, 9);
        (1..=5).for_each(|tag| receive(0, SMALL, tag));
        (6..=7).for_each(|tag| receive(0, LARGE, tag));
    }
}

fn values<const N: usize>(counters: [Counter; N]) -> [u64; N] {
    counters.map(read)
}

#[test]
fn messages_are_counted_by_the_way_they_take() {
    let (large, small) = (2 * LARGE as u64, 5 * SMALL as u64);
    for (choice, windows) in [(Choice::Auto, true), (Choice::Auto, false), (Choice::Hca, true)] {
        Job { choice, windows, ..Job::of(2) }.run(|rank| {
            talk(rank);
            if rank == 0 {
                let ring = values([RingSent, RingSentBytes]);
                let adapter = values([AdapterSent, AdapterSentBytes]);
                let by_ring = choice == Choice::Auto;
                assert_eq!((ring, adapter) == ([6, small], [0, 0]), by_ring, "{ring:?} {adapter:?}");
                assert_eq!((ring, adapter) == ([0, 0], [6, small]), !by_ring, "{ring:?} {adapter:?}");
                assert_eq!(values([RendezvousSent, RendezvousSentBytes]), [2, large]);
                receive(1, 0, 10);
                return;
            }
            let eager = [RingReceived, AdapterReceived, RingReceivedBytes, AdapterReceivedBytes];
            let [ring, adapter, ring_bytes, adapter_bytes] = values(eager);
            assert_eq!([ring + adapter, ring_bytes + adapter_bytes], [6, small]);
            assert_eq!(ring, if choice == Choice::Auto { 6 } else { 0 });
            let ways = [WindowFetched, StreamFetched, AdapterFetched];
            let bytes = [WindowFetchedBytes, StreamFetchedBytes, AdapterFetchedBytes];
            let way = match (choice, windows) {
                (Choice::Auto, true) => 0,
                (Choice::Auto, false) => 1,
                _ => 2,
            };
            let at = |value| std::array::from_fn(|n| if n == way { value } else { 0 });
            assert_eq!((values(ways), values(bytes)), (at(2), at(large)));
            // Only now does the other one go on to its messages of MPI_Finalize.
            send(0, 0, 10);
        });
    }
}

#[test]
fn messages_before_their_receives_are_counted() {
    Job::of(2).run(|rank| {
        talk(rank);
        if rank == 1 {
            let [count, bytes, most] = values([Unexpected, UnexpectedBytes, UnexpectedMost]);
            // The others come before their receives, or not.
            assert!((5..=8).contains(&count) && (5..=8).contains(&most), "{count} {most}");
            assert_eq!(bytes, 5 * SMALL as u64);
            send(0, 0, 10);
        } else {
            receive(1, 0, 10);
        }
    });
}

#[test]
fn waits_and_sleeps_are_timed() {
    Job::of(2).run(|rank| {
        if rank == 0 {
            std::thread::sleep(std::time::Duration::from_millis(30));
            send(1, SMALL, 1);
        } else {
            receive(0, SMALL, 1);
            let [blocked, asleep, sleeps] = values([BlockedNs, AsleepNs, Sleeps]);
            assert!(blocked >= asleep && asleep > 1_000_000 && sleeps >= 1, "{blocked} {asleep} {sleeps}");
        }
    });
}

#[test]
fn collective_calls_are_counted_once() {
    for (windows, choice) in [(true, Choice::Auto), (false, Choice::Hca)] {
        Job { windows, choice, ..Job::of(3) }.run(|_| {
            for _ in 0..4 {
                // SAFETY: no pointers.
                unsafe { crate::c::coll::MPI_Barrier(crate::abi::MPI_COMM_WORLD) };
            }
            let [node, messages] = values([NodeCollectives, MessageCollectives]);
            let expected = if choice == Choice::Hca { [0, 4] } else { [4, 0] };
            assert_eq!([node, messages], expected, "{choice:?}");
        });
    }
    Job { hosts: vec![1], ..Job::of(1) }.run(|_| {
        // SAFETY: no pointers.
        unsafe { crate::c::coll::MPI_Barrier(crate::abi::MPI_COMM_SELF) };
        assert_eq!(values([NodeCollectives, MessageCollectives]), [0, 1]);
    });
}

#[test]
fn calls_and_messages_become_records() {
    Job { trace: unirank_ivc::trace::LEAST, ..Job::of(2) }.run(|rank| {
        // SAFETY: the region outlives the rank's thread, and with it all that uses it.
        unsafe { super::start() };
        let mut data = [0u8; 16];
        let (world, byte) = (crate::abi::MPI_COMM_WORLD, crate::abi::MPI_BYTE);
        // SAFETY: 16 bytes of a local.
        unsafe {
            let at = data.as_mut_ptr().cast();
            if rank == 0 {
                crate::c::p2p::blocking::MPI_Send(at, 16, byte, 1, 5, world);
            } else {
                crate::c::p2p::blocking::MPI_Recv(at, 16, byte, 0, 5, world, std::ptr::null_mut());
            }
            crate::c::coll::MPI_Barrier(world);
        }
        let trace = crate::node::region().and_then(|region| region.trace(rank)).unwrap();
        let records: Vec<Record> = trace.records().map(Option::unwrap).collect();
        let name = |number| String::from_utf8(trace.name(number).unwrap().to_vec()).unwrap();
        let calls: Vec<_> = records
            .iter()
            .filter_map(|record| match record {
                Record::Call { name: number, ranks, .. } => {
                    Some((name(*number).trim_end_matches('\0').to_owned(), *ranks))
                }
                _ => None,
            })
            .collect();
        let first = if rank == 0 { "MPI_Send" } else { "MPI_Recv" };
        assert_eq!(calls, [(first.to_owned(), 0), ("MPI_Barrier".to_owned(), 2)]);
        let messages: Vec<_> = records
            .iter()
            .filter_map(|record| match record {
                Record::Sent(m) | Record::Received(m) if m.bytes == 16 => Some((m.peer, m.tag, m.sequence)),
                _ => None,
            })
            .collect();
        assert_eq!(messages, [(1 - rank as u16, 5, 0)]);
        assert_eq!((trace.opened(), trace.dropped()), (None, 0));
    });
}
