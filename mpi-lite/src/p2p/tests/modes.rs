//! Send modes: when each completes.

use super::super::testing::run;
use super::*;
use crate::abi::{MPI_BSEND_OVERHEAD, MPI_ERR_BUFFER};
use crate::p2p::{bsend, is_done, progress, test, wait};

#[test]
fn a_synchronous_send_completes_only_when_matched() {
    for len in [0, 10, 50_000] {
        run(2, |me| {
            let data = pattern(3, len);
            if me == 0 {
                let go = send_bytes(0, 1, 1, &[], SendMode::Standard);
                let sync = send_bytes(0, 1, 2, &data, SendMode::Synchronous);
                wait(go).expect("go");
                // The other side receives only after it has heard that nothing was complete.
                for _ in 0..200 {
                    assert!(!test(&sync).expect("test"));
                }
                wait(send_bytes(0, 1, 3, &[], SendMode::Standard)).expect("send");
                wait(sync).expect("sync");
            } else {
                let mut space = vec![0; len];
                wait(receive_bytes(Source::Any, Some(1), &mut [])).expect("go");
                wait(receive_bytes(Source::Any, Some(3), &mut [])).expect("receive");
                wait(receive_bytes(Source::Any, Some(2), &mut space)).expect("receive");
                assert!(space == data);
            }
        });
    }
}

#[test]
fn a_synchronous_send_to_oneself_waits_for_its_receive_too() {
    run(1, |_| {
        let sync = send_bytes(0, 0, 2, b"abc", SendMode::Synchronous);
        progress().expect("progress");
        assert!(!is_done(&sync));
        let mut space = [0; 3];
        wait(receive_bytes(Source::Any, None, &mut space)).expect("receive");
        wait(sync).expect("sync");
        assert_eq!(&space, b"abc");
    });
}

#[test]
fn buffered_sends_complete_at_once_and_fail_without_room() {
    run(2, |me| {
        let data = pattern(1, 40_000);
        let overhead = MPI_BSEND_OVERHEAD as usize;
        if me == 0 {
            let try_send = |len: usize| {
                // SAFETY: a buffered send is complete when it returns.
                unsafe { isend(0, data.as_ptr(), len, &byte(), peer(1), 0, 5, SendMode::Buffered) }
            };
            assert_eq!(try_send(1).expect_err("nothing attached").class, MPI_ERR_BUFFER);
            let mut memory = vec![0; 40_000 + overhead];
            // SAFETY: detached below, before the memory goes.
            bsend::with_process(|process| unsafe {
                process.attach(Some((memory.as_mut_ptr(), memory.len())))
            })
            .expect("attach");
            for _round in 0..3 {
                let sent = try_send(40_000).expect("room");
                assert!(is_done(&sent));
                wait(sent).expect("done");
                let full = try_send(1).expect_err("full");
                assert_eq!(full.class, MPI_ERR_BUFFER);
                wait(send_bytes(0, 1, 6, &[], SendMode::Standard)).expect("go");
                bsend::with_process(bsend::Attachment::flush).expect("flush");
            }
            let detached = bsend::with_process(bsend::Attachment::detach).expect("detach");
            assert_eq!(detached, Some(Some((memory.as_mut_ptr(), memory.len()))));
            assert_eq!(bsend::with_process(bsend::Attachment::detach).expect("detach"), None);
        } else {
            for _round in 0..3 {
                let mut space = vec![0; 40_000];
                wait(receive_bytes(Source::Any, Some(6), &mut [])).expect("go");
                wait(receive_bytes(Source::Any, Some(5), &mut space)).expect("receive");
                assert!(space == data);
            }
        }
    });
}

#[test]
fn the_automatic_buffer_has_room_for_everything() {
    run(2, |me| {
        let data = pattern(1, 40_000);
        if me == 0 {
            // SAFETY: the automatic buffer is no memory of ours.
            bsend::with_process(|process| unsafe { process.attach(None) }).expect("attach");
            for n in 0..50 {
                // SAFETY: a buffered send is complete when it returns.
                let sent =
                    unsafe { isend(0, data.as_ptr(), 40_000, &byte(), peer(1), 0, n, SendMode::Buffered) };
                wait(sent.expect("room")).expect("done");
            }
            assert_eq!(bsend::with_process(bsend::Attachment::detach).expect("detach"), Some(None));
        } else {
            for n in (0..50).rev() {
                let mut space = vec![0; 40_000];
                wait(receive_bytes(Source::Any, Some(n), &mut space)).expect("receive");
                assert!(space == data);
            }
        }
    });
}

#[test]
fn a_freed_send_is_delivered_before_finalize_ends() {
    run(2, |me| {
        let data: &'static [u8] = Vec::leak(pattern(1, 300_000));
        if me == 0 {
            drop(send_bytes(0, 1, 1, data, SendMode::Standard));
        } else {
            let mut space = vec![0; data.len()];
            wait(receive_bytes(Source::Any, None, &mut space)).expect("receive");
            assert!(space == data);
        }
    });
}
