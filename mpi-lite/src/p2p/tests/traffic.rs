//! Random traffic among all ranks: contents, order per source and tag, all layouts.

use super::super::testing::{run, run_on};
use super::*;
use crate::p2p::{Source, imrecv, iprobe, mprobe, probe, wait, wait_all};
use crate::transport::sim::{Nature, Random};

const MESSAGES: u32 = 60;
const LONGEST: usize = 150_000;

/// Length of message `n` from one rank to another: zero, small, around the eager limit, rendezvous.
fn length(from: u32, to: u32, n: u32) -> usize {
    let mut random = Random(u64::from(from) << 32 | u64::from(to) << 16 | u64::from(n + 1));
    match random.below(6) {
        0 => 0,
        1 => random.below(64) as usize,
        2 => 980 + random.below(24) as usize,
        // So long that both sides copy where they can.
        3 => random.below(LONGEST as u64) as usize,
        _ => random.below(20_000) as usize,
    }
}

fn everybody_sends_to_everybody(nature: Nature, size: u32) {
    run_on(size, nature, |me| {
        let outgoing: Vec<_> = (0..size)
            .flat_map(|to| (0..MESSAGES).map(move |n| (to, n)))
            .map(|(to, n)| (to, n, pattern(me * 100 + n, length(me, to, n))))
            .collect();
        let sends: Vec<_> = outgoing
            .iter()
            .map(|(to, n, bytes)| send_bytes(me, *to, (n % 3) as i32, bytes, SendMode::Standard))
            .collect();
        // Next number to come, per source and tag.
        let mut next: Vec<[u32; 3]> = vec![[0, 1, 2]; size as usize];
        let mut random = Random(u64::from(me) + 77);
        let mut space = vec![0; LONGEST];
        for _ in 0..size * MESSAGES {
            // Something that is sure to come: a tag or source that has not sent all yet.
            let open: Vec<_> = (0..size)
                .flat_map(|from| (0..3).map(move |tag| (from, tag)))
                .filter(|(from, tag)| next[*from as usize][*tag as usize] < MESSAGES)
                .collect();
            let (from, tag) = open[random.below(open.len() as u64) as usize];
            let source = if random.below(3) == 0 { Source::Any } else { Source::Rank(peer(from)) };
            let tag = (random.below(3) != 0).then_some(tag);
            let status = match random.below(4) {
                0 => {
                    let seen = probe(0, source, tag).expect("probe");
                    let source = Source::Rank(peer(seen.MPI_SOURCE as u32));
                    assert_eq!(iprobe(0, source, Some(seen.MPI_TAG)).expect("iprobe"), Some(seen));
                    let status = wait(receive_bytes(source, Some(seen.MPI_TAG), &mut space)).expect("wait");
                    assert_eq!(status, seen);
                    status
                }
                1 => {
                    let (seen, message) = mprobe(0, source, tag).expect("mprobe");
                    // SAFETY: the space lives until the wait below.
                    let req = unsafe { imrecv(message, space.as_mut_ptr(), space.len(), &byte()) };
                    assert_eq!(wait(req.expect("imrecv")).expect("wait"), seen);
                    seen
                }
                _ => wait(receive_bytes(source, tag, &mut space)).expect("wait"),
            };
            let n = &mut next[status.MPI_SOURCE as usize][status.MPI_TAG as usize];
            let len = length(status.MPI_SOURCE as u32, me, *n);
            assert_eq!(status.count_bytes(), len as u64);
            assert!(space[..len] == pattern(status.MPI_SOURCE as u32 * 100 + *n, len), "wrong bytes");
            *n += 3;
        }
        wait_all(sends).expect("sends");
    });
}

#[test]
fn all_messages_arrive_whole_and_in_order() {
    for seed in 1..6 {
        everybody_sends_to_everybody(Nature { seed, ..Nature::default() }, 4);
    }
}

#[test]
fn order_holds_over_a_network_that_reorders() {
    for seed in 1..6 {
        everybody_sends_to_everybody(Nature { seed, reorders: true, ..Nature::default() }, 3);
    }
}

#[test]
fn the_least_possible_room_is_enough() {
    let nature = Nature { room: 1, inbox: 1, max_message: 64, ..Nature::default() };
    everybody_sends_to_everybody(nature, 3);
}

/// Sends `len` message bytes from one layout to another, between two ranks and to oneself. Scattered are blocks of so many
/// bytes, so far apart.
fn exchange(len: usize, (block, stride): (usize, usize), send_scattered: bool, receive_scattered: bool) {
    run(2, |me| {
        let data = pattern(len as u32, len);
        let dt = blocks((len / block) as u64, block as u64, stride as i64);
        let spread_len = len / block * stride + stride;
        let spread = |bytes: &[u8]| {
            let mut memory = vec![0xEE; spread_len];
            let places = bytes.chunks_exact(block).enumerate();
            places.for_each(|(i, b)| memory[i * stride..i * stride + block].copy_from_slice(b));
            memory
        };
        let len = len / block * block;
        let data = &data[..len];
        let out = if send_scattered { spread(data) } else { data.to_vec() };
        let mut space = vec![0xEE; spread_len.max(len)];
        for to in [1 - me, me] {
            // SAFETY: buffers outlive the waits.
            let (receive, send) = unsafe {
                let receive = match receive_scattered {
                    true => irecv(0, space.as_mut_ptr(), 1, &dt, Source::Any, None),
                    false => irecv(0, space.as_mut_ptr(), len, &byte(), Source::Any, None),
                };
                let send = match send_scattered {
                    true => isend(0, out.as_ptr(), 1, &dt, peer(to), me as i32, 9, SendMode::Standard),
                    false => isend(0, out.as_ptr(), len, &byte(), peer(to), me as i32, 9, SendMode::Standard),
                };
                (receive.expect("irecv"), send.expect("isend"))
            };
            let status = wait(receive).expect("receive");
            assert_eq!((status.MPI_SOURCE, status.count_bytes()), (to as i32, len as u64));
            wait(send).expect("send");
            let expected = if receive_scattered { spread(data) } else { data.to_vec() };
            assert!(space[..expected.len()] == expected, "{len} {send_scattered} {receive_scattered}");
            space.fill(0xEE);
        }
    });
}

#[test]
fn every_layout_meets_every_other_at_every_size_class() {
    // Eager; rendezvous; one piece and a bit; many pieces.
    for len in [30, 5_000, (128 << 10) + 7, 1_000_000] {
        for (send, receive) in [(false, false), (false, true), (true, false), (true, true)] {
            exchange(len, (3, 5), send, receive);
        }
    }
}

#[test]
fn a_few_long_runs_meet_every_layout() {
    // As long as each is worth a read; only worth it in mapped memory; too short; too many.
    for (len, block) in [(1_000_000, 20_000), (200_000, 2_000), (50_000, 1_000), (3_000_000, 2_000)] {
        for (send, receive) in [(true, false), (true, true)] {
            exchange(len, (block, block + 700), send, receive);
        }
    }
}

#[test]
fn scattered_data_comes_whichever_way_the_windows_allow() {
    use crate::node::{self, Window, Windows};
    use crate::observe::counter;
    use crate::p2p::testing::Job;
    use unirank_ivc::counters::Counter;
    const LEN: usize = 300_000;
    let window = |writable| Window { base: std::ptr::null_mut(), len: 1 << 47, is_file: false, writable };
    for (dense, writable) in [(true, true), (true, false), (false, true)] {
        Job::of(2).run(|me| {
            node::set_windows(Windows::Mapped(vec![Some(window(writable)); 2]));
            let dt = blocks(LEN as u64 / 3, 3, 5);
            let mut memory = pattern(7, LEN / 3 * 5);
            if me == 0 {
                // SAFETY: the buffer outlives the wait.
                let send = unsafe {
                    isend(0, memory.as_ptr(), 1, &dt, peer(1), 0, 9, SendMode::Standard).expect("isend")
                };
                wait(send).expect("send");
                return;
            }
            let mut sent = memory.clone();
            memory.fill(0);
            // SAFETY: as above.
            let receive = unsafe {
                match dense {
                    true => irecv(0, memory.as_mut_ptr(), LEN, &byte(), Source::Any, None),
                    false => irecv(0, memory.as_mut_ptr(), 1, &dt, Source::Any, None),
                }
            };
            wait(receive.expect("irecv")).expect("receive");
            let blocks = sent.chunks(5).flat_map(|block| &block[..3]).copied();
            match dense {
                true => assert!(blocks.eq(memory[..LEN].iter().copied())),
                false => {
                    sent.chunks_mut(5).for_each(|block| block[3..].fill(0));
                    assert!(sent == memory);
                }
            }
            let parts = counter(Counter::StreamFetched);
            assert_eq!((parts, counter(Counter::WindowFetched)), (1, 0));
        });
    }
}
