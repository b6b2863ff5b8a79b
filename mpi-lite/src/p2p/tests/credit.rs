//! Unexpected data is bounded, and nothing stops when credit is used up.

use super::super::testing::run;
use super::*;
use crate::p2p::{probe, wait, wait_all};

#[test]
fn a_hundred_thousand_sends_wait_while_the_last_is_received_first() {
    const N: usize = 100_000;
    run(2, |me| {
        if me == 0 {
            // Longer than what may always go along with its header.
            let bytes: Vec<_> = (0..N as u32).map(|n| n.to_ne_bytes().repeat(10)).collect();
            let sends: Vec<_> = bytes
                .iter()
                .enumerate()
                .map(|(n, b)| send_bytes(0, 1, n as i32, b, SendMode::Standard))
                .collect();
            wait_all(sends).expect("sends");
        } else {
            for n in (0..N as u32).rev() {
                let mut got = [0; 40];
                wait(receive_bytes(Source::Rank(peer(0)), Some(n as i32), &mut got)).expect("receive");
                assert_eq!(got, *n.to_ne_bytes().repeat(10));
            }
        }
    });
}

#[test]
fn unexpected_data_stays_within_the_window_and_credit_comes_back() {
    run(2, |me| {
        let data = vec![7; 900];
        for _round in 0..3 {
            if me == 0 {
                // 9 MB offered at once, in messages that would all be eager.
                let sends: Vec<_> =
                    (0..10_000).map(|_| send_bytes(0, 1, 1, &data, SendMode::Standard)).collect();
                let end = send_bytes(0, 1, 2, &[], SendMode::Standard);
                wait_all(sends.into_iter().chain([end])).expect("sends");
                wait(receive_bytes(Source::Any, Some(3), &mut [])).expect("the other's end of the round");
            } else {
                probe(0, Source::Rank(peer(0)), Some(2)).expect("probe");
                let held = crate::p2p::unexpected_bytes().expect("engine");
                assert!(held > 0 && held <= 128 << 10, "{held} bytes are held");
                let mut space = vec![0; 900];
                for _ in 0..10_000 {
                    wait(receive_bytes(Source::Any, Some(1), &mut space)).expect("receive");
                }
                wait(receive_bytes(Source::Any, Some(2), &mut space)).expect("receive");
                assert_eq!(crate::p2p::unexpected_bytes().expect("engine"), 0);
                wait(send_bytes(1, 0, 3, &[], SendMode::Standard)).expect("end of the round");
            }
        }
    });
}

#[test]
fn both_sides_may_send_all_before_they_receive_anything() {
    run(2, |me| {
        let data = pattern(me, 700);
        let sends: Vec<_> =
            (0..5_000).map(|n| send_bytes(me, 1 - me, n, &data, SendMode::Standard)).collect();
        let mut space = vec![0; 700];
        for n in (0..5_000).rev() {
            wait(receive_bytes(Source::Any, Some(n), &mut space)).expect("receive");
            assert!(space == pattern(1 - me, 700));
        }
        wait_all(sends).expect("sends");
    });
}
