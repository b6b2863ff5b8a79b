//! The driver against the fake adapter: data path.

mod fake;

use fake::Fabric;
use fake::pair::{Pair, pair, pair_with};
use unirank_hca::cqe::Syndrome;
use unirank_hca::{
    Access, Completion, CompletionKind, Event, GuestAddr, MemoryRegion, PostError, QpInit, Rank, Rkey,
    SendRequest, Service, Sge,
};

/// Registers memory of rank 1.
fn register(pair: &Pair, bytes: &mut [u8], access: Access) -> MemoryRegion {
    let pd = pair.devices[1].alloc_pd().unwrap();
    // SAFETY: the tests keep the memory as long as the region and look at it only while no request runs.
    unsafe { pair.devices[1].reg_mr(&pd, GuestAddr::of(bytes.as_mut_ptr()), bytes.len() as u64, access) }
        .unwrap()
}

#[test]
fn message_of_inline_parts_and_list_arrives_in_scattered_receive() {
    let pair = pair(16, 16, 4);
    let (mut first, mut second) = ([0; 5], [0; 64]);
    let room = [pair.sge_mut(&mut first), pair.sge_mut(&mut second)];
    pair.receive(7, &room).unwrap();
    let parts: [&[u8]; 2] = [b"head", b"er:"];
    let sges = [pair.sge(b"left "), pair.sge(b""), pair.sge(b"right")];
    pair.send(SendRequest::send_imm(3, 99).inline(&parts).sges(&sges).signalled().solicited()).unwrap();
    let sent = pair.one(0);
    assert_eq!((sent.wr_id, sent.kind, sent.result), (3, CompletionKind::Send, Ok(())));
    let received = pair.one(1);
    assert_eq!((received.wr_id, received.kind, received.imm), (7, CompletionKind::ReceiveImm, 99));
    assert_eq!((received.byte_len, received.qpn), (17, pair.qps[1].number()));
    assert_eq!(&first, b"heade");
    assert_eq!(&second[..12], b"r:left right");
}

#[test]
fn send_ring_wraps_at_every_size() {
    // 16 blocks against requests of 1 to 5 blocks: every alignment of the wrap, in headers and in inline data.
    let pair = pair(64, 16, 4);
    let bytes: Vec<u8> = (0..=255).collect();
    let mut room = vec![0; 512];
    for round in 0..2000usize {
        let (inline, listed) = (round % 221, round % 3);
        let room_sge = [pair.sge_mut(&mut room)];
        pair.receive(round as u64, &room_sge).unwrap();
        let sges: Vec<Sge> = (0..listed).map(|piece| pair.sge(&bytes[piece..2 * piece + 9])).collect();
        let parts = [&bytes[..inline]];
        pair.send(SendRequest::send(round as u64).inline(&parts).sges(&sges).signalled()).unwrap();
        let mut expected = bytes[..inline].to_vec();
        (0..listed).for_each(|piece| expected.extend(&bytes[piece..2 * piece + 9]));
        assert_eq!(pair.one(0).wr_id, round as u64);
        assert_eq!(pair.one(1).byte_len as usize, expected.len());
        assert_eq!(room[..expected.len()], expected, "round {round}");
    }
}

#[test]
fn indices_wrap_at_sixteen_bits() {
    let pair = pair(64, 64, 4);
    for round in 0..70_000u64 {
        pair.send(SendRequest::nop(round).signalled()).unwrap();
        let done = pair.one(0);
        assert_eq!((done.wr_id, done.kind), (round, CompletionKind::Nop));
    }
    assert_eq!(pair.qps[0].send_space(), 64);
}

#[test]
fn unsignalled_requests_retire_with_the_next_completion() {
    let pair = pair(16, 32, 4);
    pair.fabric.hold();
    for wr_id in 0..10 {
        let request = SendRequest::nop(wr_id);
        pair.send(if wr_id == 6 { request.signalled() } else { request }).unwrap();
    }
    assert_eq!(pair.qps[0].send_space(), 22);
    assert!(pair.poll(0).is_empty());
    pair.fabric.release();
    assert_eq!(pair.one(0).wr_id, 6);
    assert_eq!(pair.qps[0].send_space(), 32 - 3, "requests 7 to 9 wait for a later completion");
    pair.send(SendRequest::nop(10).signalled()).unwrap();
    assert_eq!(pair.one(0).wr_id, 10);
    assert_eq!(pair.qps[0].send_space(), 32);
}

#[test]
fn full_queue_is_an_error_and_recovers() {
    let pair = pair(16, 8, 4);
    pair.fabric.hold();
    for wr_id in 0..8 {
        pair.send(SendRequest::nop(wr_id).signalled()).unwrap();
    }
    assert_eq!(pair.send(SendRequest::nop(8).signalled()), Err(PostError::QueueFull));
    pair.fabric.release();
    assert_eq!(pair.poll(0).iter().map(|done| done.wr_id).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
    pair.send(SendRequest::nop(8).signalled()).unwrap();
    assert_eq!(pair.one(0).wr_id, 8);
}

#[test]
fn write_read_and_atomics() {
    let pair = pair(16, 32, 4);
    let mut remote = [0u64; 8];
    let raddr = GuestAddr::of(remote.as_mut_ptr());
    // SAFETY: plain bytes of the array above.
    let bytes = unsafe { std::slice::from_raw_parts_mut(remote.as_mut_ptr().cast::<u8>(), 64) };
    let region = register(&pair, bytes, Access::ALL);
    let rkey = region.rkey();

    let parts: [&[u8]; 1] = [&5u64.to_ne_bytes()];
    pair.send(SendRequest::write(1, raddr, rkey).inline(&parts).signalled()).unwrap();
    assert_eq!(pair.one(0).kind, CompletionKind::Write);

    let mut old = [0; 8];
    let answer = [pair.sge_mut(&mut old)];
    pair.send(SendRequest::fetch_add(2, raddr, rkey, 37).sges(&answer).signalled()).unwrap();
    assert_eq!(pair.one(0).kind, CompletionKind::Atomic);
    assert_eq!(u64::from_ne_bytes(old), 5);
    pair.send(SendRequest::compare_swap(3, raddr, rkey, 42, 1 << 40).sges(&answer).signalled().fence())
        .unwrap();
    assert_eq!(pair.one(0).byte_len, 8);
    assert_eq!(u64::from_ne_bytes(old), 42);

    let mut back = [0; 16];
    let answer = [pair.sge_mut(&mut back)];
    pair.send(SendRequest::read(4, raddr, rkey).sges(&answer).signalled()).unwrap();
    let read = pair.one(0);
    assert_eq!((read.kind, read.byte_len), (CompletionKind::Read, 16));
    assert_eq!(back[..8], (1u64 << 40).to_ne_bytes());

    pair.receive(9, &[]).unwrap();
    pair.send(SendRequest::write_imm(5, raddr, rkey, 0xabcd).inline(&parts).signalled()).unwrap();
    let received = pair.one(1);
    assert_eq!((received.kind, received.imm, received.wr_id), (CompletionKind::ReceiveWriteImm, 0xabcd, 9));
    region.deregister().unwrap();
    assert_eq!(remote[0], 5);
}

#[test]
fn errors_are_named_and_the_rest_is_flushed() {
    let pair = pair(16, 16, 4);
    pair.fabric.hold();
    let parts: [&[u8]; 1] = [b"x"];
    let nowhere = GuestAddr(0x1000);
    pair.send(SendRequest::write(1, nowhere, Rkey(0xdead)).inline(&parts)).unwrap();
    pair.send(SendRequest::nop(2)).unwrap();
    pair.send(SendRequest::nop(3).signalled()).unwrap();
    pair.fabric.release();
    let failed: Vec<_> = pair
        .poll(0)
        .iter()
        .map(|done| (done.wr_id, done.result.map_err(|failure| (failure.syndrome, failure.vendor))))
        .collect();
    assert_eq!(
        failed,
        [
            (1, Err((Syndrome::RemoteAccess, 0x77))),
            (2, Err((Syndrome::Flushed, 0))),
            (3, Err((Syndrome::Flushed, 0)))
        ]
    );
    assert_eq!(pair.qps[0].send_space(), 16);
    assert!(matches!(pair.devices[0].poll_event(), Ok(Some(Event::QpFatal { .. }))));
    pair.send(SendRequest::nop(4)).unwrap();
    assert!(pair.one(0).result.is_err(), "a dead queue pair flushes what is posted later");
}

#[test]
fn message_longer_than_the_receive_fails_on_both_sides() {
    let pair = pair(16, 16, 4);
    let mut room = [0; 4];
    let sges = [pair.sge_mut(&mut room)];
    pair.receive(5, &sges).unwrap();
    let parts: [&[u8]; 1] = [b"too long"];
    pair.send(SendRequest::send(1).inline(&parts)).unwrap();
    let received = pair.one(1);
    assert_eq!(received.wr_id, 5);
    assert_eq!(received.result.unwrap_err().syndrome, Syndrome::LocalLength);
    assert_eq!(pair.one(0).result.unwrap_err().syndrome, Syndrome::RemoteInvalidRequest);
}

#[test]
fn shared_receives_recycle_in_any_order() {
    let pair = pair(64, 64, 7);
    assert_eq!(pair.srqs[1].capacity(), 7);
    let mut rooms = [[0u8; 8]; 7];
    let mut free: Vec<usize> = (0..7).collect();
    let mut random = 1u64;
    let mut next = || {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 40) as usize
    };
    let (mut sent, mut seen) = (0u64, 0u64);
    while seen < 20_000 {
        for _ in 0..next() % 7 + 1 {
            if free.is_empty() {
                break;
            }
            let room = free.swap_remove(next() % free.len());
            let sges = [pair.sge_mut(&mut rooms[room])];
            pair.receive(room as u64, &sges).unwrap();
        }
        if free.is_empty() {
            assert_eq!(pair.receive(0, &[]), Err(PostError::QueueFull));
        }
        for _ in 0..next() % 9 {
            let parts: [&[u8]; 1] = [&sent.to_ne_bytes()];
            if pair.send(SendRequest::send(sent).inline(&parts).signalled()).is_ok() {
                sent += 1;
            }
        }
        pair.fabric.run();
        pair.poll(0);
        for received in pair.poll(1) {
            let room = received.wr_id as usize;
            assert_eq!(u64::from_ne_bytes(rooms[room]), seen, "messages arrive in order");
            seen += 1;
            free.push(room);
        }
    }
}

/// Slots come back in another order than they were taken: two queue pairs share the receives, and their completions are
/// polled at different times.
#[test]
fn shared_receives_of_several_queue_pairs_come_back_in_another_order() {
    let fabric = Fabric::new(2);
    let devices = [0, 1].map(|rank| fabric.open(rank));
    let pds = [0, 1].map(|rank| devices[rank].alloc_pd().unwrap());
    let srq = devices[1].create_srq(&pds[1], 7, 1).unwrap();
    let lkey = devices[1].lkey();
    let sent_cq = devices[0].create_cq(64).unwrap();
    let cqs = [0, 1].map(|_| devices[1].create_cq(16).unwrap());
    let qps = [0, 1].map(|service| {
        let sender = devices[0].create_qp(&QpInit::new(&pds[0], &sent_cq, &sent_cq)).unwrap();
        let cq = &cqs[service];
        let receiver = QpInit { srq: Some(srq.clone()), ..QpInit::new(&pds[1], cq, cq) };
        let receiver = devices[1].create_qp(&receiver).unwrap();
        sender.connect(Rank(1), Service(service as u32)).unwrap();
        receiver.connect(Rank(0), Service(service as u32)).unwrap();
        (sender, receiver)
    });
    while devices[0].poll_event().unwrap().is_some() {}
    let mut rooms = [[0u8; 8]; 7];
    let mut free: Vec<usize> = (0..7).collect();
    let (mut sent, mut seen) = ([0u64; 2], [0u64; 2]);
    let mut random = 1u64;
    while seen[0] + seen[1] < 20_000 {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let (which, action) = ((random >> 40) as usize % 2, (random >> 50) % 3);
        match action {
            0 => {
                while let Some(room) = free.pop() {
                    let sges = [Sge::new(rooms[room].as_mut_ptr(), 8, lkey)];
                    // SAFETY: the buffer outlives the queue's use, and is looked at only after its completion.
                    unsafe { srq.post(room as u64, &sges) }.unwrap();
                }
                srq.ring();
            }
            // A message only when it finds a receive: no more than seven are under way.
            1 if sent[0] + sent[1] - seen[0] - seen[1] + (free.len() as u64) < 7 => {
                let parts: [&[u8]; 1] = [&sent[which].to_ne_bytes()];
                // SAFETY: no memory is named.
                unsafe { qps[which].0.post_send(&SendRequest::send(0).inline(&parts).signalled()) }.unwrap();
                sent[which] += 1;
            }
            _ => {
                let mut completions = [Completion::EMPTY; 2];
                let count = cqs[which].poll(&mut completions).unwrap();
                for received in &completions[..count] {
                    let room = received.wr_id as usize;
                    assert_eq!(u64::from_ne_bytes(rooms[room]), seen[which]);
                    seen[which] += 1;
                    free.push(room);
                }
                sent_cq.poll(&mut [Completion::EMPTY; 64]).unwrap();
            }
        }
    }
}

#[test]
fn shorter_list_leaves_nothing_of_the_longer_one_before() {
    let pair = pair(16, 16, 1);
    let mut room = [0; 12];
    for long in [true, true, false] {
        let (first, rest) = room.split_at_mut(4);
        let (second, third) = rest.split_at_mut(4);
        let sges = [pair.sge_mut(first), pair.sge_mut(second), pair.sge_mut(third)];
        pair.receive(1, if long { &sges } else { &sges[..1] }).unwrap();
        let parts: [&[u8]; 1] = [b"twelve bytes"];
        pair.send(SendRequest::send(1).inline(&parts).signalled()).unwrap();
        assert_eq!(pair.one(1).result.is_ok(), long);
    }
}

#[test]
fn own_receive_queue_wraps() {
    let pair = pair_with(64, 1, |init| {
        init.srq = None;
        init.receives = 4;
    });
    let mut room = [0; 8];
    for round in 0..70_000u64 {
        let sges = [pair.sge_mut(&mut room)];
        // SAFETY: the message arrives before the next round touches the buffer.
        unsafe { pair.qps[1].post_recv(round, &sges) }.unwrap();
        let parts: [&[u8]; 1] = [&round.to_ne_bytes()];
        pair.send(SendRequest::send(round).inline(&parts).signalled()).unwrap();
        assert_eq!(pair.one(1).wr_id, round);
        assert_eq!(pair.one(0).wr_id, round);
        assert_eq!(u64::from_ne_bytes(room), round);
    }
    for wr_id in 0..4 {
        // SAFETY: no memory is named.
        unsafe { pair.qps[1].post_recv(wr_id, &[]) }.unwrap();
    }
    // SAFETY: as above.
    assert_eq!(unsafe { pair.qps[1].post_recv(4, &[]) }, Err(PostError::QueueFull));
}

#[test]
fn owner_bit_survives_many_passes_of_a_small_queue() {
    let pair = pair(4, 16, 4);
    assert_eq!(pair.cqs[0].capacity(), 4);
    let mut next = 0;
    for round in 0..1000u64 {
        let batch = round % 4 + 1;
        for wr_id in next..next + batch {
            pair.send(SendRequest::nop(wr_id).signalled()).unwrap();
        }
        let mut completions = [Completion::EMPTY; 3];
        let mut seen = Vec::new();
        loop {
            let count = pair.cqs[0].poll(&mut completions).unwrap();
            seen.extend(completions[..count].iter().map(|done| done.wr_id));
            if count == 0 {
                break;
            }
        }
        assert_eq!(seen, (next..next + batch).collect::<Vec<_>>());
        next += batch;
    }
}

#[test]
fn requests_of_bad_shape_are_refused() {
    let pair = pair(16, 16, 4);
    let big = [0u8; 300];
    let parts = [&big[..]];
    assert_eq!(
        pair.send(SendRequest::send(1).inline(&parts)),
        Err(PostError::InlineTooLong { len: 300, most: 220 })
    );
    let many = [pair.sge(b"x"); 5];
    assert_eq!(
        pair.send(SendRequest::send(1).sges(&many)),
        Err(PostError::TooManySges { count: 5, most: 4 })
    );
    let short: [&[u8]; 1] = [b"x"];
    let read = SendRequest::read(1, GuestAddr(0), Rkey(0));
    assert_eq!(pair.send(read.inline(&short)), Err(PostError::Shape));
    let add = SendRequest::fetch_add(1, GuestAddr(0), Rkey(0), 1);
    assert_eq!(pair.send(add), Err(PostError::Shape));
    let huge = [Sge { addr: GuestAddr(0), len: u32::MAX, lkey: pair.devices[0].lkey() }];
    assert!(matches!(pair.send(SendRequest::send(1).sges(&huge)), Err(PostError::TooLong(_))));
    assert_eq!(pair.receive(1, &many), Err(PostError::TooManySges { count: 5, most: 3 }));
    assert_eq!(pair.qps[0].send_space(), 16, "nothing was posted");
}
