//! What goes wrong goes wrong as on a real adapter: the syndromes at both ends, and the flush behind them.

mod common;

use common::{Kind, Node, World};
use unirank_hca::command::{ModifyMask, ModifyQp, QpState, Status};
use unirank_hca::cqe::Syndrome;
use unirank_hca::event::{Event, FatalReason};
use unirank_hca::{
    Access, Completion, Error, GuestAddr, Lkey, QpInit, QueuePair, Rank, Rkey, SendRequest, Service, Sge,
};

fn syndrome(completion: &Completion) -> Option<Syndrome> {
    completion.result.err().map(|failure| failure.syndrome)
}

fn world() -> World {
    World::new(2, Kind::Vm)
}

/// The request fails with `want`; those behind it, signalled or not, are flushed; the queue pair is in error.
fn fails(a: &Node, qa: &QueuePair, request: &SendRequest<'_>, want: Syndrome) {
    // SAFETY: test memory outlives its requests.
    unsafe {
        qa.post(request).unwrap();
        qa.post(&SendRequest::nop(1001)).unwrap();
        qa.post(&SendRequest::send(1002).inline(&[b"behind"])).unwrap();
    }
    qa.ring();
    let failed = a.next();
    assert_eq!(syndrome(&failed), Some(want));
    for behind in [1001, 1002] {
        let flushed = a.next();
        assert_eq!((flushed.wr_id, syndrome(&flushed)), (behind, Some(Syndrome::Flushed)));
    }
    assert_eq!(qa.query().unwrap().state, QpState::Error);
    a.post(qa, &SendRequest::nop(1003));
    let late = a.next();
    assert_eq!((late.wr_id, syndrome(&late)), (1003, Some(Syndrome::Flushed)));
    assert!(a.quiet());
}

/// The responder hears of it and its receives are flushed.
fn responder_fails(b: &Node, qb: &QueuePair, reason: FatalReason) {
    assert_eq!(b.event(), Event::QpFatal { qpn: qb.number(), reason });
    assert_eq!(qb.query().unwrap().state, QpState::Error);
}

#[test]
fn a_message_longer_than_the_receive() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let small = b.memory(4);
    b.receive(&qb, 7, small);
    b.receive(&qb, 8, small);
    fails(a, &qa, &SendRequest::send(1).inline(&[b"12345"]), Syndrome::RemoteInvalidRequest);
    let failed = b.next();
    assert_eq!((failed.wr_id, syndrome(&failed)), (7, Some(Syndrome::LocalLength)));
    let flushed = b.next();
    assert_eq!((flushed.wr_id, syndrome(&flushed)), (8, Some(Syndrome::Flushed)));
    assert_eq!(*small, [0; 4]);
    responder_fails(b, &qb, FatalReason::BadReceiveQueue);
}

#[test]
fn local_keys_and_ranges() {
    let ok = [0u8; 8];
    for (name, sge) in [
        ("unknown key", Sge::new(ok.as_ptr(), 8, Lkey(0x1234_5678))),
        ("outside RAM", Sge { addr: GuestAddr(1 << 45), len: 8, lkey: Lkey(0x700) }),
        ("round the end", Sge { addr: GuestAddr(u64::MAX - 3), len: 8, lkey: Lkey(0x700) }),
        ("in the PCI hole", Sge { addr: GuestAddr(0xe000_0000), len: 8, lkey: Lkey(0x700) }),
    ] {
        let world = world();
        let (qa, qb) = world.pair();
        let room = world.nodes[1].memory(64);
        world.nodes[1].receive(&qb, 1, room);
        println!("{name}");
        fails(&world.nodes[0], &qa, &SendRequest::send(1).sges(&[sge]), Syndrome::LocalProtection);
        assert_eq!(qb.query().unwrap().state, QpState::Rts, "the peer has nothing to do with it");
    }
}

#[test]
fn a_receive_that_may_not_be_written() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let room = b.memory(64);
    let region = b.register(room, Access::NONE);
    // SAFETY: test memory outlives the receive.
    unsafe { qb.post_recv(3, &[Sge::new(room.as_ptr(), 64, region.lkey())]) }.unwrap();
    fails(a, &qa, &SendRequest::send(1).inline(&[b"x"]), Syndrome::RemoteOperation);
    let failed = b.next();
    assert_eq!((failed.wr_id, syndrome(&failed)), (3, Some(Syndrome::LocalProtection)));
    responder_fails(b, &qb, FatalReason::BadReceiveQueue);
}

#[test]
fn remote_keys_ranges_and_rights() {
    type Make = fn(GuestAddr, Rkey, Rkey) -> SendRequest<'static>;
    let cases: [(&str, Access, Make); 8] = [
        ("beyond the end", Access::ALL, |at, key, _| SendRequest::write(1, GuestAddr(at.0 + 4), key)),
        ("before the start", Access::ALL, |at, key, _| SendRequest::read(1, GuestAddr(at.0 - 1), key)),
        ("round the end", Access::ALL, |_, key, _| SendRequest::read(1, GuestAddr(u64::MAX - 2), key)),
        ("lkey as rkey", Access::ALL, |at, _, lkey| SendRequest::write(1, at, lkey)),
        ("reserved lkey as rkey", Access::ALL, |at, _, _| SendRequest::write(1, at, Rkey(0x700))),
        ("no right to write", Access::REMOTE_READ, |at, key, _| SendRequest::write(1, at, key)),
        ("no right to read", Access::LOCAL_WRITE, |at, key, _| SendRequest::read(1, at, key)),
        ("no right to atomics", Access::REMOTE_READ, |at, key, _| SendRequest::fetch_add(1, at, key, 1)),
    ];
    for (name, access, make) in cases {
        println!("{name}");
        let world = world();
        let (a, b) = (&world.nodes[0], &world.nodes[1]);
        let (qa, qb) = world.pair();
        let (here, there) = (a.memory(8), b.memory(8));
        let region = b.register(there, access);
        let sges = [a.sge(here)];
        let request = make(GuestAddr::of(&*there), region.rkey(), Rkey(region.lkey().0)).sges(&sges);
        fails(a, &qa, &request, Syndrome::RemoteAccess);
        responder_fails(b, &qb, FatalReason::Remote);
        assert_eq!(*there, [0; 8]);
    }
}

#[test]
fn keys_end_with_their_region_and_their_domain() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let there = b.memory(8);
    let (qa, _qb) = world.pair();
    let region = b.register(there, Access::ALL);
    let key = region.rkey();
    region.deregister().unwrap();
    let at = GuestAddr::of(&*there);
    fails(a, &qa, &SendRequest::write(1, at, key).inline(&[b"x"]), Syndrome::RemoteAccess);
    let (qa, qb) = (a.qp(), b.qp());
    assert!(matches!(b.event(), Event::QpFatal { .. }));
    common::connect(a, &qa, b, &qb, 5);
    let other = b.dev.alloc_pd().unwrap();
    // SAFETY: test memory outlives the region.
    let region = unsafe { b.dev.reg_mr(&other, at, 8, Access::ALL) }.unwrap();
    fails(a, &qa, &SendRequest::write(1, at, region.rkey()).inline(&[b"x"]), Syndrome::RemoteAccess);
    assert_eq!(*there, [0; 8]);
}

#[test]
fn a_queue_pair_without_the_right() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let mut init = QpInit::new(&b.pd, &b.cq, &b.cq);
    init.access = Access::LOCAL_WRITE | Access::REMOTE_READ;
    let (qa, qb) = (a.qp(), b.dev.create_qp(&init).unwrap());
    common::connect(a, &qa, b, &qb, 0);
    let there = b.memory(8);
    let region = b.register(there, Access::ALL);
    let request = SendRequest::write(1, GuestAddr::of(&*there), region.rkey()).inline(&[b"x"]);
    fails(a, &qa, &request, Syndrome::RemoteAccess);
}

#[test]
fn misaligned_atomics() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let (old, words) = (a.memory(8), b.memory(16));
    let region = b.register(words, Access::ALL);
    let request = SendRequest::fetch_add(1, GuestAddr(GuestAddr::of(&*words).0 + 4), region.rkey(), 1);
    fails(a, &qa, &request.sges(&[a.sge(old)]), Syndrome::RemoteInvalidRequest);
    responder_fails(b, &qb, FatalReason::Remote);
}

fn modify(qp: &QueuePair, mask: ModifyMask, change: impl FnOnce(&mut ModifyQp)) {
    let mut modify = ModifyQp::to_state(qp.number(), QpState::Init);
    modify.mask = mask;
    change(&mut modify);
    qp.modify(modify).unwrap();
}

#[test]
fn a_receiver_that_is_not_ready() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = (a.qp(), b.qp());
    modify(&qa, ModifyMask::RNR_RETRY, |modify| modify.rnr_retry = 2);
    common::connect(a, &qa, b, &qb, 0);
    fails(a, &qa, &SendRequest::send(1).inline(&[b"x"]), Syndrome::RnrRetryExceeded);
    assert_eq!(qb.query().unwrap().state, QpState::Rts);
    // Without limit it waits, and others do not.
    let ((qa, qb), (qc, qd)) = ((a.qp(), b.qp()), (a.qp(), b.qp()));
    common::connect(a, &qa, b, &qb, 1);
    common::connect(a, &qc, b, &qd, 2);
    a.post(&qa, &SendRequest::send(2).inline(&[b"held"]).signalled());
    let (first, second) = (b.memory(8), b.memory(8));
    b.receive(&qd, 3, first);
    a.post(&qc, &SendRequest::send(4).inline(&[b"free"]).signalled());
    assert_eq!((b.next().wr_id, a.next().wr_id), (3, 4));
    assert!(a.quiet());
    // Long enough for the engine to sleep: posting a receive does not wake it, its timer does.
    b.receive(&qb, 5, second);
    assert_eq!((b.next().wr_id, a.next().wr_id), (5, 2));
    assert_eq!(&second[..4], b"held");
}

#[test]
fn a_peer_that_is_gone() {
    let mut world = world();
    let (qa, qb) = world.pair();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    // The peer's driver must not talk to a region that nobody serves.
    std::mem::forget((qb, b.pd.clone(), b.cq.clone()));
    use unirank_host_backend::engine::Engine as _;
    world.engine.detach(world.job, 1);
    assert_eq!(a.event(), Event::PeerGone { rank: Rank(1) });
    let start = std::time::Instant::now();
    fails(a, &qa, &SendRequest::send(1).inline(&[b"x"]), Syndrome::RetryExceeded);
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
    let refused = a.qp().connect(Rank(1), Service(9));
    assert!(matches!(refused, Err(Error::Refused { status: Status::Unreachable, .. })), "{refused:?}");
    std::mem::forget(world.nodes.pop());
}

#[test]
fn a_sender_that_dies_within_a_message() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let len = 32 << 20;
    let (big, room) = (a.memory(len), b.memory(len));
    b.receive(&qb, 1, room);
    big.fill(0xff);
    a.post(&qa, &SendRequest::send(1).sges(&[a.sge(big)]));
    // SAFETY: a byte of `room`, which the engine writes.
    while unsafe { room.as_ptr().read_volatile() } == 0 {
        std::hint::spin_loop();
    }
    // It has begun. Wherever it is now, the receive completes one way or the other.
    qa.destroy().unwrap();
    let got = b.next();
    assert_eq!(got.wr_id, 1);
    if got.result.is_err() {
        assert_eq!(syndrome(&got), Some(Syndrome::Flushed));
        responder_fails(b, &qb, FatalReason::Remote);
    }
}

#[test]
fn a_completion_queue_that_runs_over() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let tiny = a.dev.create_cq(4).unwrap();
    let (qa, qb) = (a.dev.create_qp(&QpInit::new(&a.pd, &tiny, &a.cq)).unwrap(), b.qp());
    let (q2, q3) = (a.qp(), b.qp());
    common::connect(a, &qa, b, &qb, 0);
    common::connect(a, &q2, b, &q3, 1);
    for i in 0..6 {
        // SAFETY: no memory is passed.
        unsafe { qa.post(&SendRequest::nop(i).signalled()) }.unwrap();
    }
    qa.ring();
    let events = [a.event(), a.event()];
    assert!(events.contains(&Event::CqError { cqn: tiny.number() }), "{events:?}");
    let fatal = Event::QpFatal { qpn: qa.number(), reason: FatalReason::CqOverrun };
    assert!(events.contains(&fatal), "{events:?}");
    assert_eq!(qa.query().unwrap().state, QpState::Error);
    // What was there can still be taken, and other queues work.
    for i in 0..4 {
        assert_eq!(a.next_of(&tiny).wr_id, i);
    }
    a.post(&q2, &SendRequest::nop(50).signalled());
    assert_eq!(a.next().wr_id, 50);
}

#[test]
fn commands_are_checked() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let status = |result: Result<(), Error>| match result {
        Err(Error::Refused { status, .. }) => status,
        other => panic!("not refused: {other:?}"),
    };
    let qp = a.qp();
    assert_eq!(status(qp.connect(Rank(0), Service(0))), Status::Invalid, "to itself");
    assert_eq!(status(qp.connect(Rank(2), Service(0))), Status::Invalid, "no such rank");
    qp.connect(Rank(1), Service(0)).unwrap();
    assert_eq!(status(qp.connect(Rank(1), Service(0))), Status::Exists);
    assert_eq!(b.event(), Event::ConnectRequest { peer: Rank(0), service: Service(0) });
    let state = |state| ModifyQp::to_state(qp.number(), state);
    assert_eq!(status(qp.modify(state(QpState::Rts))), Status::NotPermitted, "Init to Rts");
    assert_eq!(status(qp.modify(state(QpState::Rtr))), Status::NotPermitted, "no destination");
    qp.modify(state(QpState::Error)).unwrap();
    assert_eq!(status(qp.connect(Rank(1), Service(1))), Status::NotPermitted, "in error");
    // SAFETY: refused before anything is touched.
    let outside = unsafe { a.dev.reg_mr(&a.pd, GuestAddr(1 << 44), 4096, Access::ALL) };
    assert_eq!(status(outside.map(drop)), Status::BadAddress);
}

#[test]
fn connections_by_hand() {
    let world = world();
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = (a.qp(), b.qp());
    for (qp, to, rank) in [(&qa, &qb, 1), (&qb, &qa, 0)] {
        let mask = ModifyMask::STATE | ModifyMask::DEST_RANK | ModifyMask::DEST_QPN;
        modify(qp, mask, |modify| {
            (modify.dest_rank, modify.dest_qpn, modify.state) = (Rank(rank), to.number(), QpState::Rtr);
        });
        qp.modify(ModifyQp::to_state(qp.number(), QpState::Rts)).unwrap();
    }
    let room = b.memory(8);
    b.receive(&qb, 1, room);
    a.post(&qa, &SendRequest::send(2).inline(&[b"by hand"]).signalled());
    assert_eq!((b.next().wr_id, a.next().wr_id), (1, 2));
    assert_eq!(&room[..7], b"by hand");
}
