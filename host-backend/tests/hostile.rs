//! Guests that write anything anywhere: the engine survives and other jobs do not notice.

mod common;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use common::{DMA_LEN, Kind, Node, attach};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use unirank_hca::command::{
    Command, CreateCq, CreateQp, CreateSrq, ModifyQp, QpState, Reply, Request, Response, Status,
};
use unirank_hca::region::{CMD_BYTES, CMD_SLOTS, REGION_LEN, UAR_CQ_DOORBELL, UAR_SEND_DOORBELL};
use unirank_hca::{Access, Event, GuestAddr, PdNum, QpNum, QueuePair, Rank, SendRequest, Service, SrqNum};
use unirank_host_backend::engine::soft::{PollPolicy, SoftEngine};
use unirank_host_backend::engine::{Engine, EngineEvent};
use unirank_host_backend::rpc::JobId;

/// xorshift64*: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Small numbers, powers of two, and anything.
    fn odd(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(8),
            1 => (1u64 << self.below(64)).wrapping_sub(self.below(3)),
            2 => self.next() & 0xffff,
            _ => self.next(),
        }
    }
}

/// A pair of ranks that behaves, and whose memory nobody else may touch.
struct Victims {
    a: Node,
    b: Node,
    qa: QueuePair,
    qb: QueuePair,
    canary: &'static [u8],
    round: u64,
}

impl Victims {
    fn new(engine: &mut SoftEngine, job: JobId, kind: Kind) -> Self {
        let a = Node::open(attach(engine, job, 0, 2, kind));
        let b = Node::open(attach(engine, job, 1, 2, kind));
        let (qa, qb) = (a.qp(), b.qp());
        common::connect(&a, &qa, &b, &qb, 0);
        let canary = b.memory(1 << 16);
        canary.fill(0x5a);
        Self { a, b, qa, qb, canary, round: 0 }
    }

    fn still_work(&mut self) {
        self.round += 1;
        let room = self.b.memory(64);
        self.b.receive(&self.qb, self.round, room);
        let text = self.round.to_ne_bytes();
        self.a.post(&self.qa, &SendRequest::send(self.round).inline(&[&text]).signalled());
        assert_eq!((self.b.next().wr_id, self.a.next().wr_id), (self.round, self.round));
        assert_eq!(room[..8], text);
        assert!(self.canary.iter().all(|byte| *byte == 0x5a));
    }
}

/// The memory that an attacker scribbles on: words, so that the test itself races with nobody.
struct Words(*mut u8, usize);

impl Words {
    fn put(&self, at: usize, value: u64) {
        let at = (at % self.1) & !7;
        // SAFETY: inside the mapping, aligned; the mapping is never unmapped.
        unsafe { (*self.0.add(at).cast::<AtomicU64>()).store(value, Ordering::Release) };
    }

    fn fill(&self, at: usize, len: usize) {
        for at in (at..at + len).step_by(8) {
            self.put(at, 0);
        }
    }

    fn put32(&self, at: usize, value: u32) {
        let at = (at % self.1) & !3;
        // SAFETY: as above.
        unsafe { (*self.0.add(at).cast::<AtomicU32>()).store(value, Ordering::Release) };
    }
}

/// Blocks of an attacker's send queues, and entries of its receive queues.
const SQ: u16 = 64;
const RQ: u16 = 32;
/// Where an attacker keeps what, from the start of its DMA memory.
const CQ_AT: usize = 0;
const QUEUES_AT: usize = 1 << 20;
const QUEUE_BYTES: usize = 1 << 16;
const BUFFER_AT: usize = 1 << 22;

/// A queue pair whose rings the attacker fills by hand.
struct Target {
    qpn: u32,
    at: usize,
    sent: u16,
    received: u16,
}

struct Attacker {
    node: Node,
    random: Random,
    pd: PdNum,
    targets: Vec<Target>,
    rkeys: Vec<u32>,
    commands: u32,
}

impl Attacker {
    fn new(node: Node, seed: u64) -> Self {
        let commands = node.control().cmd_producer().load(Ordering::Relaxed);
        let mut attacker = Self {
            node,
            random: Random(seed),
            pd: PdNum(0),
            targets: Vec::new(),
            rkeys: Vec::new(),
            commands,
        };
        let Ok(Reply::Pd(pd)) = attacker.ask(Command::AllocPd) else { panic!("no domain") };
        attacker.pd = pd;
        attacker
    }

    fn base(&self) -> u64 {
        self.node.platform.dma.as_ptr() as u64
    }

    fn dma(&self) -> Words {
        Words(self.node.platform.dma.as_ptr(), DMA_LEN)
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.node.platform.wake, &1u64.to_ne_bytes());
    }

    fn submit(&mut self, bytes: &[u8; CMD_BYTES]) {
        let control = self.node.control();
        control.write_request(self.commands, bytes);
        self.commands = self.commands.wrapping_add(1);
        control.cmd_producer().store(self.commands, Ordering::Release);
        self.wake();
        while control.cmd_consumer().load(Ordering::Acquire) != self.commands {
            std::thread::sleep(std::time::Duration::from_micros(5));
        }
    }

    fn ask(&mut self, command: Command) -> Result<Reply, Status> {
        let index = self.commands;
        self.submit(&Request { id: index, command }.encode());
        Response::decode(&self.node.control().read_response(index), command.opcode()).result
    }

    /// New queues of all kinds in the same memory; the old ones are destroyed.
    fn rebuild(&mut self) {
        for target in std::mem::take(&mut self.targets) {
            let _ = self.ask(Command::DestroyQp(QpNum(target.qpn)));
        }
        let (base, pd) = (self.base(), self.pd);
        self.dma().fill(QUEUES_AT, 8 * QUEUE_BYTES);
        let cq = CreateCq {
            buf: GuestAddr(base + CQ_AT as u64),
            log_cqes: 12,
            dbrec: GuestAddr(base + (1 << 19)),
        };
        let Ok(Reply::Cq(cqn)) = self.ask(Command::CreateCq(cq)) else { return };
        for index in 0..4 {
            let at = QUEUES_AT + index * QUEUE_BYTES;
            let address = |offset: u64| GuestAddr(base + at as u64 + offset);
            let mut srqn = SrqNum(0);
            if index == 3 {
                let (buf, dbrec) = (address(0x2000), address(0x8040));
                let create = CreateSrq { pd, buf, log_wqes: 5, log_stride: 6, dbrec };
                let Ok(Reply::Srq(number)) = self.ask(Command::CreateSrq(create)) else { return };
                srqn = number;
            }
            let create = CreateQp {
                pd,
                send_cqn: cqn,
                recv_cqn: cqn,
                srqn,
                sq_buf: address(0),
                log_sq_wqebbs: 6,
                rq_buf: address(0x2000),
                log_rq_wqes: 5,
                log_rq_stride: 6,
                dbrec: address(0x8000),
            };
            let Ok(Reply::Qp(qpn)) = self.ask(Command::CreateQp(create)) else { return };
            self.targets.push(Target { qpn: qpn.0, at, sent: 0, received: 0 });
        }
        let region = Command::RegMr {
            pd,
            addr: GuestAddr(base + BUFFER_AT as u64),
            len: 1 << 20,
            access: Access::ALL,
        };
        if let Ok(Reply::Mr { rkey, .. }) = self.ask(region) {
            self.rkeys.push(rkey.0);
        }
    }

    fn address(&mut self) -> u64 {
        match self.random.below(12) {
            // A process may well write to itself: only to what is not there, or the test would break itself.
            0 => self.random.odd() | 1 << 46,
            _ => self.base() + BUFFER_AT as u64 + self.random.below(1 << 19),
        }
    }

    /// A data segment that is nearly right.
    fn data_segment(&mut self, at: usize) {
        let key = if self.random.below(16) == 0 { self.random.odd() & 0xffff_ffff } else { 0x700 };
        let len = if self.random.below(16) == 0 { self.random.odd() } else { self.random.below(1 << 12) };
        let address = self.address();
        self.dma().put(at, (len << 32 | key).to_be());
        self.dma().put(at + 8, address.to_be());
    }

    /// Requests that are nearly right, at the place where the next is expected.
    fn send(&mut self, peer_base: u64, peer_rkey: u32) {
        let which = self.random.below(self.targets.len() as u64) as usize;
        let Target { qpn, at, sent, .. } = self.targets[which];
        let slot = at + usize::from(sent % SQ) * 64;
        let opcode = [0u64, 8, 9, 0xa, 0xb, 0x10, 0x11, 0x12, 0xa][self.random.below(9) as usize];
        let segments = match opcode {
            0 => 0,
            0xa | 0xb => 1,
            0x11 | 0x12 => 3,
            _ => 2,
        };
        let mut first = (u64::from(sent) << 8 | opcode) << 32 | u64::from(qpn) << 8 | (1 + segments);
        if self.random.below(20) == 0 {
            first ^= 1 << self.random.below(64);
        }
        let dma = self.dma();
        dma.put(slot, first.to_be());
        dma.put(slot + 8, (self.random.next() & 0xff_ffff_ffff).to_be());
        let mut next = slot + 16;
        if opcode < 0xa && opcode > 0 || opcode >= 0x10 {
            let raddr = peer_base + BUFFER_AT as u64 + (self.random.below(1 << 19) & !7);
            dma.put(next, raddr.to_be());
            dma.put(next + 8, (u64::from(peer_rkey) << 32).to_be());
            next += 16;
        }
        if opcode >= 0x11 {
            dma.put(next, self.random.next());
            next += 16;
            dma.put(next, (8u64 << 32 | 0x700).to_be());
            let address = self.address();
            dma.put(next + 8, address.to_be());
        } else if segments > 0 {
            self.data_segment(next);
        }
        let target = &mut self.targets[which];
        target.sent = target.sent.wrapping_add(1);
        let record = if self.random.below(50) == 0 { self.random.odd() as u32 } else { target.sent.into() };
        self.dma().put32(at + 0x8004, record.to_be());
        let bell = (u64::from(qpn) << 8 | u64::from(sent) << 40).to_be();
        self.node.control().doorbell(UAR_SEND_DOORBELL).store(bell, Ordering::Release);
    }

    /// Receives that are nearly right.
    fn receive(&mut self) {
        let which = self.random.below(self.targets.len() as u64) as usize;
        let shared = which == 3;
        for _ in 0..4 {
            let Target { at, received, .. } = self.targets[which];
            let mut slot = at + 0x2000 + usize::from(received % RQ) * 64;
            if shared {
                let next =
                    if self.random.below(20) == 0 { self.random.next() as u16 } else { (received + 1) % RQ };
                self.dma().put32(slot, u32::from(next).to_be());
                slot += 16;
            }
            self.data_segment(slot);
            self.data_segment(slot + 16);
            self.dma().put(slot + 32, 0x100u64.to_be());
            let target = &mut self.targets[which];
            target.received = target.received.wrapping_add(1);
        }
        let Target { at, received, .. } = self.targets[which];
        let record = if self.random.below(50) == 0 { self.random.odd() as u32 } else { received.into() };
        self.dma().put32(at + if shared { 0x8040 } else { 0x8000 }, record.to_be());
    }

    fn command(&mut self) {
        let mut bytes = [0u8; CMD_BYTES];
        for chunk in bytes.chunks_exact_mut(4) {
            chunk.copy_from_slice(&(self.random.odd() as u32).to_le_bytes());
        }
        bytes[..4].copy_from_slice(&(self.random.below(17) as u32).to_le_bytes());
        if self.random.below(2) == 0 {
            for field in [8..16, 16..24] {
                let address = self.address() & !63;
                bytes[field].copy_from_slice(&address.to_le_bytes());
            }
        }
        self.submit(&bytes);
    }

    fn attack(&mut self, peer_base: u64, peer_rkey: u32) {
        let control = self.node.control();
        if self.targets.is_empty() {
            return self.rebuild();
        }
        match self.random.below(100) {
            0..50 => self.send(peer_base, peer_rkey),
            50..85 => self.receive(),
            85..87 => {
                let at = QUEUES_AT + self.random.below(4 * QUEUE_BYTES as u64) as usize;
                let value = self.random.next();
                self.dma().put(at, value);
            }
            87..89 => {
                let value = self.random.next();
                control.doorbell(UAR_CQ_DOORBELL).store(value, Ordering::Release);
                let record = if self.random.below(9) == 0 { self.random.odd() as u32 } else { 0 };
                self.dma().put32(1 << 19, record.to_be());
                self.dma().put32((1 << 19) + 4, value as u32);
            }
            89..98 => self.command(),
            98 => control.evt_consumer().store(self.random.odd() as u32, Ordering::Release),
            _ => {
                // Anywhere in the region but on the command ring's producer, which has a test of its own.
                let at = 0x148 + self.random.below((REGION_LEN - 0x150) as u64) as usize;
                let value = self.random.odd();
                Words(control.base().as_ptr(), REGION_LEN).put(at, value);
            }
        }
        self.wake();
    }
}

fn scribble(kind: Kind, seeds: std::ops::Range<u64>) {
    let mut engine = SoftEngine::start(PollPolicy::default()).unwrap();
    let mut victims = Victims::new(&mut engine, JobId(1), kind);
    let (mut done, mut failed, mut commands) = (0, 0, 0);
    for seed in seeds {
        let job = JobId(seed + 10);
        let nodes: Vec<Node> =
            (0..2).map(|rank| Node::open(attach(&mut engine, job, rank, 2, kind))).collect();
        let attacker = |(i, node)| Attacker::new(node, seed * 2 + i as u64 + 1);
        let mut attackers: Vec<Attacker> = nodes.into_iter().enumerate().map(attacker).collect();
        for _generation in 0..20 {
            attackers.iter_mut().for_each(Attacker::rebuild);
            for service in 0..4 {
                for (rank, attacker) in attackers.iter_mut().enumerate() {
                    if let Some(target) = attacker.targets.get(service) {
                        let (qpn, peer) = (QpNum(target.qpn), Rank(1 - rank as u32));
                        let _ =
                            attacker.ask(Command::Connect { qpn, peer, service: Service(service as u32) });
                    }
                }
            }
            for step in 0..200 {
                let other = &attackers[1 - step % 2];
                let (base, rkey) = (other.base(), other.rkeys.last().copied().unwrap_or(0));
                attackers[step % 2].attack(base, rkey);
                if step % 50 == 0 {
                    victims.still_work();
                }
            }
        }
        engine.end_job(job);
        victims.still_work();
        for attacker in &attackers {
            let counters = attacker.node.counters.read();
            done += counters.messages;
            failed += counters.errors;
            commands += counters.commands;
        }
        std::mem::forget(attackers);
    }
    println!("{done} requests done, {failed} completions with error, {commands} commands");
    assert!(done > 100 && failed > 100 && commands > 100, "the attack did not get anywhere");
}

#[test]
fn scribbling_vms_hurt_only_themselves() {
    scribble(Kind::Vm, 0..3);
}

#[test]
fn scribbling_processes_hurt_only_themselves() {
    scribble(Kind::Native, 100..103);
}

/// The next report of the engine, which hands it over after the job's other ranks were told.
fn reported(engine: &mut SoftEngine) -> EngineEvent {
    let events = engine.event_fd();
    let mut ready = [PollFd::new(&events, PollFlags::IN)];
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(poll(&mut ready, Some(&patience)), Ok(1), "no report in 30 s");
    engine.next_event().expect("a report")
}

#[test]
fn a_broken_command_ring_disables_the_rank() {
    let mut engine = SoftEngine::start(PollPolicy::default()).unwrap();
    let mut victims = Victims::new(&mut engine, JobId(1), Kind::Vm);
    let nodes: Vec<Node> =
        (0..2).map(|rank| Node::open(attach(&mut engine, JobId(2), rank, 2, Kind::Vm))).collect();
    nodes[0].control().cmd_producer().fetch_add(CMD_SLOTS + 1, Ordering::SeqCst);
    let _ = rustix::io::write(&nodes[0].platform.wake, &1u64.to_ne_bytes());
    assert_eq!(nodes[1].event(), Event::PeerGone { rank: Rank(0) });
    let EngineEvent::RankError { job, rank, text } = reported(&mut engine);
    assert_eq!((job, rank), (JobId(2), 0));
    assert!(text.contains("command ring"), "{text}");
    victims.still_work();
    engine.end_job(JobId(2));
    std::mem::forget(nodes);
}

#[test]
fn objects_of_other_ranks_are_not_there() {
    let mut engine = SoftEngine::start(PollPolicy::default()).unwrap();
    let victims = Victims::new(&mut engine, JobId(1), Kind::Vm);
    let control = victims.a.control();
    let theirs = victims.qb.number();
    let mut next = control.cmd_producer().load(Ordering::Relaxed);
    let mut ask = |command: Command| {
        control.write_request(next, &Request { id: next, command }.encode());
        control.cmd_producer().store(next + 1, Ordering::Release);
        let _ = rustix::io::write(&victims.a.platform.wake, &1u64.to_ne_bytes());
        while control.cmd_consumer().load(Ordering::Acquire) != next + 1 {
            std::thread::sleep(std::time::Duration::from_micros(5));
        }
        let response = Response::decode(&control.read_response(next), command.opcode());
        next += 1;
        response.result.err()
    };
    assert_eq!(ask(Command::QueryQp(theirs)), Some(Status::NotFound));
    assert_eq!(ask(Command::DestroyQp(theirs)), Some(Status::NotFound));
    assert_eq!(ask(Command::DestroyCq(victims.b.cq.number())), Some(Status::NotFound));
    assert_eq!(ask(Command::DestroyCq(victims.a.cq.number())), Some(Status::Busy));
    assert_eq!(ask(Command::DeallocPd(victims.a.pd.number())), Some(Status::Busy));
    assert_eq!(ask(Command::QueryQp(QpNum(0))), Some(Status::NotFound));
    let modify = ModifyQp::to_state(theirs, QpState::Error);
    assert_eq!(ask(Command::ModifyQp(modify)), Some(Status::NotFound));
    let create = CreateCq { buf: GuestAddr(1 << 40), log_cqes: 4, dbrec: GuestAddr(1 << 40) };
    assert_eq!(ask(Command::CreateCq(create)), Some(Status::BadAddress));
    // The driver's own index is behind now: leave it alone.
    engine.end_job(JobId(1));
    std::mem::forget(victims);
}
