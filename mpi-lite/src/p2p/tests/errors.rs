//! Truncation, ranks that end, use outside of MPI_Init.

use super::super::engine::{Engine, Links};
use super::super::header::{Header, Kind};
use super::super::testing::{PACE, run};
use super::*;
use crate::abi::{
    MPI_BYTE, MPI_DOUBLE, MPI_Datatype, MPI_ERR_BUFFER, MPI_ERR_COUNT, MPI_ERR_INTERN, MPI_ERR_OTHER,
    MPI_ERR_PROC_ABORTED, MPI_ERR_TRUNCATE, MPI_ERR_TYPE, MPI_INT,
};
use crate::check::{Level, set_level};
use crate::datatype::predefined;
use crate::p2p::{install, wait, wait_all};
use crate::transport::sim::{Nature, Network};
use crate::transport::{Channel, Payload};

#[test]
fn a_short_receive_buffer_is_filled_and_the_error_names_the_sizes() {
    for len in [100, 30_000, 400_000] {
        for scattered in [false, true] {
            run(2, |me| {
                let data = pattern(1, 2 * len);
                let mut space = vec![0; len];
                for to in [1 - me, me] {
                    for capacity in [0, len / 2] {
                        let receive = receive_bytes(Source::Any, Some(4), &mut space[..capacity]);
                        let dt = blocks(len as u64, 1, 2);
                        // SAFETY: the buffers outlive the waits.
                        let send = unsafe {
                            match scattered {
                                true => isend(
                                    0,
                                    data.as_ptr(),
                                    1,
                                    &dt,
                                    peer(to),
                                    me as i32,
                                    4,
                                    SendMode::Standard,
                                ),
                                false => isend(
                                    0,
                                    data.as_ptr(),
                                    len,
                                    &byte(),
                                    peer(to),
                                    me as i32,
                                    4,
                                    SendMode::Standard,
                                ),
                            }
                        };
                        let error = wait(receive).expect_err("too long");
                        assert_eq!(error.class, MPI_ERR_TRUNCATE);
                        for number in [len, capacity] {
                            assert!(error.text.contains(&format!("{number} bytes")), "{error}");
                        }
                        wait(send.expect("isend")).expect("the send is fine");
                        let step = 1 + usize::from(scattered);
                        assert!(space[..capacity].iter().eq(data.iter().step_by(step).take(capacity)));
                        assert!(space[capacity..].iter().all(|b| *b == 0));
                        space.fill(0);
                    }
                }
            });
        }
    }
}

/// Sends `len` bytes as one type and receives them as another, on every way; the outcome at the receiver.
fn sent_as(len: usize, sent: MPI_Datatype, wanted: MPI_Datatype, check: impl Fn(crate::Result<()>) + Sync) {
    run(2, |me| {
        let data = pattern(1, len);
        let mut space = vec![0; len];
        let (sent, wanted) = (predefined(sent), predefined(wanted));
        for to in [1 - me, me] {
            // SAFETY: the buffers outlive the waits.
            let (receive, send) = unsafe {
                let count = len / wanted.size();
                let receive = irecv(0, space.as_mut_ptr(), count, &wanted, Source::Any, Some(4));
                let count = len / sent.size();
                (receive, isend(0, data.as_ptr(), count, &sent, peer(to), me as i32, 4, SendMode::Standard))
            };
            check(wait(receive.expect("irecv")).map(|_| ()));
            wait(send.expect("isend")).expect("the send is fine");
            assert_eq!(space, data, "the data comes nevertheless");
        }
    });
}

#[test]
fn a_message_received_as_another_type_is_an_error_that_names_both() {
    for len in [8, 1000, 400_000] {
        sent_as(len, MPI_INT, MPI_DOUBLE, |outcome| {
            let error = outcome.expect_err("integers are no doubles");
            assert_eq!(error.class, MPI_ERR_TYPE);
            for said in ["MPI_INT", "MPI_DOUBLE", "tag 4", "MPI_COMM_WORLD", "from rank"] {
                assert!(error.text.contains(said), "{error}");
            }
        });
        sent_as(len, MPI_INT, MPI_BYTE, |outcome| outcome.expect("bytes take everything"));
    }
}

#[test]
fn nothing_is_compared_when_checks_are_off() {
    run(2, |me| {
        set_level(Level::Off);
        let (data, mut space) = ([1i32, 2], [0.0f64]);
        let (int, double) = (predefined(MPI_INT), predefined(MPI_DOUBLE));
        // SAFETY: the buffers outlive the waits.
        let (receive, send) = unsafe {
            let from = Source::Rank(peer(1 - me));
            let receive = irecv(0, space.as_mut_ptr().cast(), 1, &double, from, Some(4));
            let to = peer(1 - me);
            (receive, isend(0, data.as_ptr().cast(), 2, &int, to, me as i32, 4, SendMode::Standard))
        };
        wait(receive.expect("irecv")).expect("nobody looks");
        wait(send.expect("isend")).expect("the send is fine");
    });
}

#[test]
fn a_receive_into_memory_in_use_is_refused_and_both_are_named() {
    run(2, |me| {
        let other = Source::Rank(peer(1 - me));
        let mut space = vec![0u8; 500_000];
        let (low, high) = space.split_at_mut(1000);
        let first = receive_bytes(other, Some(1), low);
        let refused = |at: *mut u8, len: usize| {
            // SAFETY: the memory is this function's, and no data comes.
            let outcome = unsafe { irecv(0, at, len, &byte(), other, Some(2)) };
            let error = outcome.expect_err("in use");
            assert_eq!(error.class, MPI_ERR_BUFFER);
            for said in ["tag 1", "tag 2", "(1000 bytes"] {
                assert!(error.text.contains(said), "{error}");
            }
        };
        refused(high.as_mut_ptr().wrapping_sub(1), 10);
        // SAFETY: as above.
        let outcome = unsafe {
            let at = high.as_ptr().wrapping_sub(1);
            isend(0, at, 400_000, &byte(), peer(1 - me), me as i32, 2, SendMode::Standard)
        };
        assert_eq!(outcome.expect_err("a send of what is received").class, MPI_ERR_BUFFER);
        let sending = send_bytes(me, 1 - me, 3, high, SendMode::Standard);
        let mut rest = vec![0; high.len()];
        let second = receive_bytes(other, Some(3), &mut rest);
        wait(second).expect("the send was fine");
        wait(sending).expect("send");
        wait(send_bytes(me, 1 - me, 1, &[5; 1000], SendMode::Standard)).expect("send");
        wait(first).expect("the first receive is as it was");
        wait_all([
            receive_bytes(other, Some(4), &mut space),
            send_bytes(me, 1 - me, 4, &[], SendMode::Standard),
        ])
        .expect("all of it is free again");
    });
}

#[test]
fn a_wait_ends_with_the_name_of_the_rank_that_died() {
    let network = Network::new(3, Nature::default());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            install(Some(Engine::new(0, 3, Links::by_adapter(network.channel(0)), usize::MAX, PACE)));
            let error =
                wait(receive_bytes(Source::Rank(peer(1)), None, &mut [0; 8])).expect_err("nobody sends");
            let later = wait(receive_bytes(Source::Any, None, &mut [0; 8])).expect_err("over");
            install(None);
            (error, later)
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
        network.end(2);
        let (error, later) = waiter.join().expect("no panic");
        assert_eq!(error.class, MPI_ERR_PROC_ABORTED);
        assert!(error.text.contains("rank 2"), "{error}");
        assert_eq!(later, error);
    });
}

#[test]
fn what_no_rank_sends_ends_every_wait_and_names_the_sender() {
    let numbered = |sequence| Header { sequence, ..Header::control(Kind::Eager, 0) };
    let about_nothing = |kind| Header::control(kind, 77 << 32);
    for header in [
        numbered(5_000_000),
        numbered(u32::MAX),
        about_nothing(Kind::Fin),
        about_nothing(Kind::Clear),
        about_nothing(Kind::Piece),
        about_nothing(Kind::PieceRead),
    ] {
        let network = Network::new(2, Nature::default());
        install(Some(Engine::new(0, 2, Links::by_adapter(network.channel(0)), usize::MAX, PACE)));
        let bytes = &header.encode()[..header.wire_size()];
        let mut sender = network.channel(1);
        while !sender.try_send(0, bytes, Payload::None).expect("a network") {}
        while !sender.quiesce() {
            sender.poll(&mut |_| ()).expect("a network");
        }
        let error = wait(receive_bytes(Source::Any, None, &mut [0; 8])).expect_err("garbage");
        install(None);
        assert_eq!(error.class, MPI_ERR_INTERN, "{header:?}");
        assert!(error.text.contains("rank 1 has sent"), "{error}");
    }
}

#[test]
fn the_only_rank_is_told_that_its_wait_would_never_end() {
    run(1, |_| {
        let error = wait(receive_bytes(Source::Any, None, &mut [0; 8])).expect_err("nobody sends");
        assert!(error.text.contains("deadlock"), "{error}");
    });
}

#[test]
fn nothing_works_outside_of_init_and_finalize() {
    // SAFETY: no bytes are sent.
    let outcome = unsafe { isend(0, std::ptr::null(), 0, &byte(), peer(0), 0, 0, SendMode::Standard) };
    assert_eq!(outcome.expect_err("no engine").class, MPI_ERR_OTHER);
}

#[test]
fn counts_beyond_memory_are_refused_not_wrapped() {
    run(1, |_| {
        let dt = blocks(1 << 30, 1 << 10, 1 << 11);
        // SAFETY: refused before the buffer is looked at.
        let outcome = unsafe { isend(0, [0].as_ptr(), 1 << 30, &dt, peer(0), 0, 0, SendMode::Standard) };
        assert_eq!(outcome.expect_err("2^70 bytes").class, MPI_ERR_COUNT);
    });
}
