//! The driver against the fake adapter: opening, commands, events, tearing down, and a host that misbehaves.

mod fake;

use std::sync::atomic::Ordering;

use fake::Fabric;
use unirank_hca::command::{ModifyQp, Opcode, QpState, Status};
use unirank_hca::cqe::{self, Cqe, CqeOpcode};
use unirank_hca::region::{RegionError, VERSION, control};
use unirank_hca::{
    Access, Completion, Device, Error, Event, GuestAddr, Limits, PostError, QpInit, QpNum, Rank, SendRequest,
    Service, Sge, SrqNum,
};

/// Overwrites a word of the control page, as a host of another version would.
fn poke(fabric: &Fabric, offset: usize, value: u32) {
    // SAFETY: an aligned word of the port's region; the fake writes it only when it is made.
    unsafe { fabric.port(0).control().base().add(offset).cast::<u32>().write(value) };
}

#[test]
fn opening_tells_rank_size_and_limits() {
    let fabric = Fabric::new(3);
    let device = fabric.open(2);
    assert_eq!((device.rank(), device.size()), (Rank(2), 3));
    assert_eq!(*device.limits(), Limits::DEFAULT);
}

#[test]
fn foreign_region_is_refused_by_name() {
    let fabric = Fabric::new(1);
    poke(&fabric, control::VERSION, VERSION + 1);
    let error = Device::open(fabric.platform(0)).err();
    assert_eq!(error, Some(Error::Region(RegionError::Version(VERSION + 1))));
    let text = error.unwrap().to_string();
    assert!(text.contains(&VERSION.to_string()) && text.contains(&(VERSION + 1).to_string()), "{text}");
    poke(&fabric, control::MAGIC, 0);
    assert!(matches!(Device::open(fabric.platform(0)).err(), Some(Error::Region(RegionError::Magic(_)))));
}

#[test]
fn silent_host_is_named_and_asked_only_once() {
    let fabric = Fabric::new(1);
    let device = fabric.open(0);
    let cq = device.create_cq(4).unwrap();
    fabric.port(0).deaf.store(true, Ordering::Relaxed);
    let error = device.create_cq(4).err().unwrap();
    assert!(matches!(
        error,
        Error::NoAnswer { opcode: Opcode::CreateCq, rank: Rank(0), waited_ms: 60_000.. }
    ));
    let text = error.to_string();
    assert!(text.contains("host backend") && text.contains("rank 0"), "{text}");
    fabric.port(0).deaf.store(false, Ordering::Relaxed);
    assert!(matches!(cq.destroy(), Err(Error::NoAnswer { opcode: Opcode::DestroyCq, .. })));
    drop(device);
    assert_eq!(fabric.port(0).dma.load(Ordering::Relaxed), 4, "what the adapter may use is never freed");
}

#[test]
fn sizes_beyond_the_limits_are_refused_before_the_host_sees_them() {
    let limits =
        Limits { max_log_cqes: 4, max_log_sq_wqebbs: 4, max_log_rq_wqes: 3, max_sges: 2, ..Limits::DEFAULT };
    let fabric = Fabric::with_limits(1, limits);
    let device = fabric.open(0);
    let pd = device.alloc_pd().unwrap();
    let limit = |error: Option<Error>| matches!(error, Some(Error::Limit { .. }));
    assert!(limit(device.create_cq(17).err()));
    assert!(limit(device.create_cq(0).err()));
    assert!(limit(device.create_srq(&pd, 8, 1).err()));
    assert!(limit(device.create_srq(&pd, 4, 3).err()));
    let cq = device.create_cq(16).unwrap();
    let fits = QpInit { send_blocks: 16, max_sges: 2, receives: 8, ..QpInit::new(&pd, &cq, &cq) };
    assert!(limit(device.create_qp(&QpInit { send_blocks: 17, ..fits.clone() }).err()));
    assert!(limit(device.create_qp(&QpInit { max_sges: 3, ..fits.clone() }).err()));
    assert!(limit(device.create_qp(&QpInit { receives: 9, ..fits.clone() }).err()));
    assert!(limit(device.create_qp(&QpInit { max_inline: 973, ..fits.clone() }).err()));
    assert_eq!(device.create_qp(&fits).unwrap().send_space(), 16);
}

#[test]
fn connecting_is_the_host_s_to_refuse_and_posting_waits_for_it() {
    let fabric = Fabric::new(1);
    let device = fabric.open(0);
    let (pd, cq) = (device.alloc_pd().unwrap(), device.create_cq(16).unwrap());
    let qp = device.create_qp(&QpInit::new(&pd, &cq, &cq)).unwrap();
    let refused = Err(Error::Refused { opcode: Opcode::Connect, status: Status::Invalid });
    assert_eq!(qp.connect(Rank(0), Service(0)), refused);
    assert_eq!((qp.state(), qp.query().unwrap().state), (QpState::Init, QpState::Init));
    // SAFETY: no memory is named.
    assert_eq!(unsafe { qp.post_send(&SendRequest::nop(1)) }, Err(PostError::NotReady));
}

#[test]
fn objects_end_in_any_order_of_dropping() {
    let fabric = Fabric::new(1);
    let device = fabric.open(0);
    let pd = device.alloc_pd().unwrap();
    let (cq, srq) = (device.create_cq(16).unwrap(), device.create_srq(&pd, 8, 2).unwrap());
    let memory = [0u8; 64];
    // SAFETY: the memory outlives the region and nobody connects to it.
    let region = unsafe { device.reg_mr(&pd, GuestAddr::of(&memory), 64, Access::REMOTE_READ) }.unwrap();
    let init = QpInit { srq: Some(srq.clone()), ..QpInit::new(&pd, &cq, &cq) };
    let qp = device.create_qp(&init).unwrap();
    drop(init);
    assert_eq!(cq.clone().destroy(), Err(Error::InUse("completion queue")));
    assert_eq!(srq.clone().destroy(), Err(Error::InUse("shared receive queue")));
    drop((pd, cq, srq, device));
    fabric.with(|engine| assert_eq!((engine.cqs.len(), engine.srqs.len(), engine.qps.len()), (1, 1, 1)));
    drop((region, qp));
    fabric.with(|engine| {
        assert!(engine.cqs.is_empty() && engine.srqs.is_empty() && engine.qps.is_empty());
        assert!(engine.mrs.is_empty() && engine.pds.is_empty());
    });
    assert_eq!(fabric.port(0).dma.load(Ordering::Relaxed), 0);
}

#[test]
fn destroyed_queue_pair_leaves_no_completions_and_gives_receives_back() {
    let fabric = Fabric::new(2);
    let devices = [0, 1].map(|rank| fabric.open(rank));
    let pds = [0, 1].map(|rank| devices[rank].alloc_pd().unwrap());
    let cqs = [0, 1].map(|rank| devices[rank].create_cq(16).unwrap());
    let srq = devices[1].create_srq(&pds[1], 3, 1).unwrap();
    let sender = devices[0].create_qp(&QpInit::new(&pds[0], &cqs[0], &cqs[0])).unwrap();
    let send_cq = devices[1].create_cq(1).unwrap();
    let receiver = devices[1]
        .create_qp(&QpInit { srq: Some(srq.clone()), ..QpInit::new(&pds[1], &send_cq, &cqs[1]) })
        .unwrap();
    sender.connect(Rank(1), Service(0)).unwrap();
    receiver.connect(Rank(0), Service(0)).unwrap();
    while devices[0].poll_event().unwrap().is_some() {}
    for wr_id in 0..3 {
        // SAFETY: no memory is named.
        unsafe { srq.post(wr_id, &[]) }.unwrap();
    }
    srq.ring();
    // SAFETY: no memory is named.
    assert_eq!(unsafe { srq.post(3, &[]) }, Err(PostError::QueueFull));
    for wr_id in 0..3 {
        // SAFETY: as above.
        unsafe { sender.post_send(&SendRequest::send(wr_id)) }.unwrap();
    }
    receiver.destroy().unwrap();
    assert_eq!(cqs[1].poll(&mut [Completion::EMPTY; 16]), Ok(0));
    for wr_id in 0..3 {
        // SAFETY: as above.
        unsafe { srq.post(wr_id, &[]) }.unwrap();
    }
}

#[test]
fn event_ring_is_checked() {
    let fabric = Fabric::new(1);
    let device = fabric.open(0);
    let control = fabric.port(0).control();
    control.write_event(0, &[0x7f; 32]);
    control.evt_producer().store(1, Ordering::Relaxed);
    assert_eq!(device.poll_event(), Err(Error::UnknownEvent(0x7f7f7f7f)));
    assert_eq!(device.poll_event(), Ok(None), "the unknown event is behind us");
    control.evt_producer().store(1000, Ordering::Relaxed);
    assert_eq!(device.poll_event(), Err(Error::EventRing { producer: 1000, consumer: 1 }));
    control.evt_producer().store(1, Ordering::Relaxed);
    for round in 0..1000 {
        fabric.with(|engine| engine.events[0].push_back(Event::PeerGone { rank: Rank(round) }));
        fabric.run();
        assert_eq!(device.poll_event(), Ok(Some(Event::PeerGone { rank: Rank(round) })));
    }
}

/// Each thing that can be wrong with a completion, alone.
#[test]
fn completions_that_fit_no_request_are_named() {
    let check = |what: &str, change: &dyn Fn(&mut Cqe)| {
        let fabric = Fabric::new(2);
        let devices = [0, 1].map(|rank| fabric.open(rank));
        let pd = devices[0].alloc_pd().unwrap();
        let (cq, srq) = (devices[0].create_cq(8).unwrap(), devices[0].create_srq(&pd, 3, 1).unwrap());
        let qp =
            devices[0].create_qp(&QpInit { srq: Some(srq.clone()), ..QpInit::new(&pd, &cq, &cq) }).unwrap();
        qp.modify(ModifyQp::to_state(qp.number(), QpState::Rts)).unwrap();
        fabric.hold();
        // Blocks 0 and 1 are one request, block 2 another; SRQ slot 0 is posted with eight bytes.
        let bytes = [0u8; 100];
        let mut room = [0u8; 8];
        let into = [Sge::new(room.as_mut_ptr(), 8, devices[0].lkey())];
        // SAFETY: the buffers outlive the queues' use: the fake is held.
        unsafe {
            qp.post_send(&SendRequest::send(1).inline(&[&bytes])).unwrap();
            qp.post_send(&SendRequest::nop(2)).unwrap();
            srq.post(3, &into).unwrap();
        }
        srq.ring();
        let mut cqe = Cqe::requester(qp.number(), 0, 0, 8);
        change(&mut cqe);
        fabric.with(|engine| engine.complete(cq.number().0, &cqe));
        let result = cq.poll(&mut [Completion::EMPTY; 8]);
        match result {
            Ok(1) => assert_eq!(what, ""),
            Err(Error::BadCompletion { what: named, .. }) => assert_eq!(named, what),
            other => panic!("{what}: {other:?}"),
        }
    };
    check("", &|_| ());
    check("", &|cqe| cqe.wqe_counter = 2);
    check("no such send request", &|cqe| cqe.wqe_counter = 1);
    check("no such send request", &|cqe| cqe.wqe_counter = 3);
    check("no such send request", &|cqe| cqe.wqe_counter = 0xffff);
    check("unknown queue pair", &|cqe| cqe.qpn.0 += 1);
    check("unknown queue pair", &|cqe| cqe.qpn.0 += 0x10_0000);
    check("", &|cqe| cqe.opcode = CqeOpcode::ResponderSend);
    check("more bytes than the receive has", &|cqe| {
        cqe.opcode = CqeOpcode::ResponderSend;
        cqe.byte_len = 9;
    });
    check("", &|cqe| {
        // The bytes of a write are not in the receive.
        cqe.opcode = CqeOpcode::ResponderWriteImm;
        cqe.byte_len = 9;
    });
    for slot in [1, 4, 0xffff] {
        check("no such receive", &|cqe| {
            cqe.opcode = CqeOpcode::ResponderSend;
            cqe.wqe_counter = slot;
        });
    }
}

#[test]
fn receive_completes_only_once() {
    let fabric = Fabric::new(1);
    let device = fabric.open(0);
    let (pd, cq) = (device.alloc_pd().unwrap(), device.create_cq(8).unwrap());
    let srq = device.create_srq(&pd, 3, 1).unwrap();
    let qp = device.create_qp(&QpInit { srq: Some(srq.clone()), ..QpInit::new(&pd, &cq, &cq) }).unwrap();
    // SAFETY: no memory is named.
    unsafe { srq.post(5, &[]) }.unwrap();
    let mut twice = Cqe::requester(qp.number(), 0, 0, 0);
    twice.opcode = CqeOpcode::ResponderSend;
    let poll = || {
        fabric.with(|engine| engine.complete(cq.number().0, &twice));
        cq.poll(&mut [Completion::EMPTY; 8])
    };
    assert_eq!(poll(), Ok(1));
    assert_eq!(poll(), Err(Error::BadCompletion { cqn: cq.number(), what: "no such receive" }));
}

/// A host that writes any bytes as completions: errors, but no panic and no access outside the driver's tables.
#[test]
fn garbage_completions_are_errors() {
    let mut random = 0x1234_5678_9abc_def1u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut refused = 0;
    for round in 0..3000 {
        let fabric = Fabric::new(1);
        let device = fabric.open(0);
        let (pd, cq) = (device.alloc_pd().unwrap(), device.create_cq(8).unwrap());
        let srq = device.create_srq(&pd, 3, 1).unwrap();
        let init =
            QpInit { send_blocks: 4, max_inline: 16, srq: Some(srq.clone()), ..QpInit::new(&pd, &cq, &cq) };
        let qp = device.create_qp(&init).unwrap();
        // SAFETY: no memory is named.
        unsafe { srq.post(1, &[]) }.unwrap();
        for _ in 0..3 {
            let mut bytes = [0; cqe::BYTES];
            bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&next().to_ne_bytes()));
            // The right owner; often a known queue pair and a small counter, to come further.
            bytes[cqe::offset::OP_OWN] &= !1;
            if round % 4 != 0 {
                bytes[57..60].copy_from_slice(&qp.number().0.to_be_bytes()[1..]);
            }
            if round % 2 != 0 {
                bytes[60] = 0;
                bytes[61] &= 7;
            }
            fabric.with(|engine| engine.write_raw(cq.number().0, &bytes, false));
            match cq.poll(&mut [Completion::EMPTY; 8]) {
                Ok(_) => {}
                Err(Error::BadCompletion { cqn, .. }) => {
                    assert_eq!(cqn, cq.number());
                    refused += 1;
                    break;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 2000, "{refused}");
}

#[test]
fn good_completions_before_a_bad_one_are_delivered_first() {
    let fabric = Fabric::new(2);
    let device = fabric.open(0);
    let (pd, cq) = (device.alloc_pd().unwrap(), device.create_cq(8).unwrap());
    let srq = device.create_srq(&pd, 3, 1).unwrap();
    let qp = device.create_qp(&QpInit { srq: Some(srq.clone()), ..QpInit::new(&pd, &cq, &cq) }).unwrap();
    // SAFETY: no memory is named.
    unsafe { srq.post(5, &[]) }.unwrap();
    let mut good = Cqe::requester(qp.number(), 0, 0, 0);
    good.opcode = CqeOpcode::ResponderSend;
    good.srqn = SrqNum(1);
    let bad = Cqe::requester(QpNum(0xfffff), 0, 0, 0);
    fabric.with(|engine| {
        engine.complete(cq.number().0, &good);
        engine.complete(cq.number().0, &bad);
    });
    let mut completions = [Completion::EMPTY; 8];
    assert_eq!(cq.poll(&mut completions), Ok(1));
    assert_eq!(completions[0].wr_id, 5);
    let error = cq.poll(&mut completions).unwrap_err();
    assert_eq!(error, Error::BadCompletion { cqn: cq.number(), what: "unknown queue pair" });
}
