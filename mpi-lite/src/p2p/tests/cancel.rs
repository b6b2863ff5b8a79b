//! Cancelling receives, also while the message is on its way.

use super::super::testing::run;
use super::*;
use crate::p2p::{cancel, iprobe, wait};

#[test]
fn a_cancelled_receive_takes_nothing_and_the_next_one_does() {
    run(1, |_| {
        let (mut first, mut second) = ([0; 4], [0; 4]);
        let cancelled = receive_bytes(Source::Any, None, &mut first);
        let kept = receive_bytes(Source::Any, None, &mut second);
        cancel(&cancelled).expect("cancel");
        wait(send_bytes(0, 0, 1, b"data", SendMode::Standard)).expect("send");
        assert!(wait(cancelled).expect("wait").cancelled());
        assert!(!wait(kept).expect("wait").cancelled());
        assert_eq!((&first, &second), (&[0; 4], b"data"));
    });
}

#[test]
fn a_receive_is_either_cancelled_or_complete_whatever_the_moment() {
    for len in [8, 30_000] {
        run(2, |me| {
            let data = pattern(2, len);
            for round in 0..60 {
                if me == 0 {
                    wait(send_bytes(0, 1, round, &data, SendMode::Standard)).expect("send");
                } else {
                    let mut space = vec![0; len];
                    let receive = receive_bytes(Source::Any, Some(round), &mut space);
                    for _ in 0..round % 20 {
                        assert_eq!(iprobe(1, Source::Any, None).expect("iprobe"), None);
                    }
                    cancel(&receive).expect("cancel");
                    if wait(receive).expect("wait").cancelled() {
                        assert!(space.iter().all(|b| *b == 0));
                        wait(receive_bytes(Source::Any, Some(round), &mut space)).expect("receive");
                    }
                    assert!(space == data);
                }
            }
        });
    }
}
