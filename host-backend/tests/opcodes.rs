//! Every operation, between VMs and between native ranks.

mod common;

use common::{Kind, Node, World, pattern};
use unirank_hca::{Access, GuestAddr};
use unirank_hca::{CompletionKind, QueuePair, SendRequest};

fn both(test: impl Fn(World)) {
    test(World::new(2, Kind::Vm));
    test(World::new(2, Kind::Native));
}

fn addr(bytes: &[u8]) -> GuestAddr {
    GuestAddr::of(bytes)
}

#[test]
fn send_gathers_and_scatters() {
    both(|world| {
        let (a, b) = (&world.nodes[0], &world.nodes[1]);
        let (qa, qb) = world.pair();
        let (first, second) = (a.memory(3000), a.memory(777));
        first.copy_from_slice(&pattern(3000, 1));
        second.copy_from_slice(&pattern(777, 2));
        let (r1, r2) = (b.memory(100), b.memory(4000));
        // SAFETY: test memory outlives the receive.
        unsafe { qb.post_recv(9, &[b.sge(r1), b.sge(r2)]) }.unwrap();
        let sges = [a.sge(first), a.sge(second)];
        let request = SendRequest::send_imm(5, 0xabcd_1234).inline(&[b"header"]).sges(&sges).signalled();
        a.post(&qa, &request);
        let got = b.next();
        assert_eq!((got.wr_id, got.kind, got.byte_len), (9, CompletionKind::ReceiveImm, 3783));
        assert_eq!((got.imm, got.qpn), (0xabcd_1234, qb.number()));
        let want = [b"header".as_slice(), first, second].concat();
        assert!([&*r1, &r2[..3683]].concat() == want);
        let sent = a.next();
        assert_eq!((sent.wr_id, sent.kind, sent.result), (5, CompletionKind::Send, Ok(())));
    });
}

#[test]
fn large_transfers_in_slices() {
    both(|world| {
        let (a, b) = (&world.nodes[0], &world.nodes[1]);
        let (qa, qb) = world.pair();
        let len = 3 * 1024 * 1024 + 17;
        let (here, there) = (a.memory(len), b.memory(len));
        there.copy_from_slice(&pattern(len, 3));
        let region = b.register(there, Access::ALL);
        a.post(&qa, &SendRequest::read(1, addr(there), region.rkey()).sges(&[a.sge(here)]).signalled());
        let done = a.next();
        assert_eq!((done.kind, done.byte_len, done.result), (CompletionKind::Read, len as u32, Ok(())));
        assert!(here == there);
        here.reverse();
        a.post(&qa, &SendRequest::write(2, addr(there), region.rkey()).sges(&[a.sge(here)]).signalled());
        assert_eq!(a.next().result, Ok(()));
        assert!(here == there);
        let landing = b.memory(len);
        b.receive(&qb, 3, landing);
        a.post(&qa, &SendRequest::send(4).sges(&[a.sge(here)]));
        assert_eq!(b.next().byte_len, len as u32);
        assert!(here == landing);
    });
}

#[test]
fn write_with_immediate_consumes_a_receive() {
    both(|world| {
        let (a, b) = (&world.nodes[0], &world.nodes[1]);
        let (qa, qb) = world.pair();
        let there = b.memory(64);
        let region = b.register(there, Access::LOCAL_WRITE | Access::REMOTE_WRITE);
        let unused = b.memory(8);
        b.receive(&qb, 11, unused);
        let request = SendRequest::write_imm(1, GuestAddr(addr(there).0 + 8), region.rkey(), 77);
        a.post(&qa, &request.inline(&[b"0123456789"]).signalled().solicited());
        let got = b.next();
        assert_eq!((got.kind, got.imm, got.wr_id), (CompletionKind::ReceiveWriteImm, 77, 11));
        assert_eq!(&there[8..18], b"0123456789");
        assert_eq!(unused, [0; 8]);
        assert_eq!(a.next().result, Ok(()));
    });
}

#[test]
fn atomics() {
    both(|world| {
        let (a, b) = (&world.nodes[0], &world.nodes[1]);
        let (qa, _qb) = world.pair();
        let (word, old) = (b.memory(8), a.memory(8));
        word.copy_from_slice(&40u64.to_ne_bytes());
        let region = b.register(word, Access::LOCAL_WRITE | Access::REMOTE_ATOMIC);
        let value = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap());
        let sges = [a.sge(old)];
        let run = |request: SendRequest<'_>| {
            a.post(&qa, &request.sges(&sges).signalled());
            let done = a.next();
            assert_eq!((done.kind, done.byte_len, done.result), (CompletionKind::Atomic, 8, Ok(())));
        };
        run(SendRequest::fetch_add(1, addr(word), region.rkey(), 2));
        assert_eq!((value(old), value(word)), (40, 42));
        run(SendRequest::compare_swap(2, addr(word), region.rkey(), 41, 7));
        assert_eq!((value(old), value(word)), (42, 42));
        run(SendRequest::compare_swap(3, addr(word), region.rkey(), 42, 7));
        assert_eq!((value(old), value(word)), (42, 7));
        run(SendRequest::fetch_add(4, addr(word), region.rkey(), u64::MAX));
        assert_eq!((value(old), value(word)), (7, 6));
    });
}

fn ping_pong(a: &Node, qa: &QueuePair, b: &Node, qb: &QueuePair, rounds: u64) {
    let (ra, rb) = (a.memory(64), b.memory(64));
    for round in 0..rounds {
        b.receive(qb, round, rb);
        a.post(qa, &SendRequest::send(0).inline(&[&round.to_ne_bytes()]));
        assert_eq!(b.next().wr_id, round);
        assert_eq!(rb[..8], round.to_ne_bytes());
        a.receive(qa, round, ra);
        b.post(qb, &SendRequest::send(0).inline(&[&(!round).to_ne_bytes()]).signalled());
        assert_eq!(b.next().kind, CompletionKind::Send);
        assert_eq!(a.next().wr_id, round);
        assert_eq!(ra[..8], (!round).to_ne_bytes());
    }
}

#[test]
fn rings_wrap() {
    both(|world| {
        let (qa, qb) = world.pair();
        // The unsignalled sends of rank 0 are retired by a signalled one now and then.
        for _ in 0..8 {
            ping_pong(&world.nodes[0], &qa, &world.nodes[1], &qb, 40);
            world.nodes[0].post(&qa, &SendRequest::nop(99).signalled());
            assert_eq!(world.nodes[0].next().wr_id, 99);
        }
    });
}

#[test]
fn shared_receive_queue_keeps_order_per_sender() {
    for kind in [Kind::Vm, Kind::Native] {
        let world = World::new(3, kind);
        let [a, b, c] = &world.nodes[..] else { unreachable!() };
        let srq = c.dev.create_srq(&c.pd, 31, 2).unwrap();
        let mut init = unirank_hca::QpInit::new(&c.pd, &c.cq, &c.cq);
        init.srq = Some(srq.clone());
        let (ca, cb) = (c.dev.create_qp(&init).unwrap(), c.dev.create_qp(&init).unwrap());
        let (qa, qb) = (a.qp(), b.qp());
        common::connect(a, &qa, c, &ca, 1);
        common::connect(b, &qb, c, &cb, 1);
        let buffers: Vec<_> = (0..31).map(|_| c.memory(64)).collect();
        for (i, buffer) in buffers.iter().enumerate() {
            // SAFETY: test memory outlives the receives.
            unsafe { srq.post(i as u64, &[c.sge(buffer)]) }.unwrap();
        }
        srq.ring();
        let (mut next_a, mut next_b) = (0u64, 0u64);
        for i in 0..500u64 {
            a.post(&qa, &SendRequest::send(i).inline(&[&i.to_ne_bytes()]).signalled());
            b.post(&qb, &SendRequest::send(i).inline(&[&i.to_ne_bytes()]).signalled());
            for _ in 0..2 {
                let got = c.next();
                let buffer = &buffers[got.wr_id as usize];
                let next = if got.qpn == ca.number() { &mut next_a } else { &mut next_b };
                assert_eq!(buffer[..8], next.to_ne_bytes());
                *next += 1;
                // SAFETY: as above.
                unsafe { srq.post(got.wr_id, &[c.sge(buffer)]) }.unwrap();
                srq.ring();
            }
            assert_eq!((a.next().result, b.next().result), (Ok(()), Ok(())));
        }
        assert_eq!((next_a, next_b), (500, 500));
    }
}

#[test]
fn native_ranks_use_any_memory_of_their_process() {
    let world = World::new(2, Kind::Native);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let source = pattern(700_001, 4);
    let landing = vec![0u8; 700_001];
    b.receive(&qb, 1, &landing);
    a.post(&qa, &SendRequest::send(2).sges(&[a.sge(&source)]).signalled());
    assert_eq!(b.next().byte_len, 700_001);
    assert!(landing == source);
    assert_eq!(a.next().result, Ok(()));
    let counters = a.counters.read();
    assert_eq!((counters.messages, counters.bytes), (1, 700_001));
}

#[test]
fn a_large_read_does_not_hold_up_others() {
    let world = World::new(2, Kind::Vm);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let ((q1, _q2), (q3, q4)) = (world.pair(), (a.qp(), b.qp()));
    common::connect(a, &q3, b, &q4, 1);
    let len = 24 << 20;
    let (here, there) = (a.memory(len), b.memory(len));
    let region = b.register(there, Access::REMOTE_READ);
    let room = b.memory(8);
    b.receive(&q4, 1, room);
    // Both are there before the engine looks at either; the read is first.
    // SAFETY: test memory outlives its requests.
    unsafe {
        q1.post(&SendRequest::read(1, addr(there), region.rkey()).sges(&[a.sge(here)]).signalled()).unwrap();
        q3.post(&SendRequest::send(2).inline(&[b"small"]).signalled()).unwrap();
    }
    q1.ring();
    q3.ring();
    assert_eq!(a.next().wr_id, 2, "the small message overtakes");
    assert_eq!(a.next().wr_id, 1);
    assert_eq!(b.next().wr_id, 1);
}
