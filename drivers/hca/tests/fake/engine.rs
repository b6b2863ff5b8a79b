//! The engine of the fake adapter: plain and slow, with the checks that tests ask for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use unirank_hca::command::{
    Command, CreateCq, CreateQp, CreateSrq, ModifyMask, QpInfo, QpState, Reply, Request, Response, Status,
};
use unirank_hca::cqe::{self, Cqe, CqeOpcode, Syndrome};
use unirank_hca::dbrec::{self, ArmWord};
use unirank_hca::event::FatalReason;
use unirank_hca::srq_wqe::{NEXT_SEG_BYTES, data_segments, decode_next};
use unirank_hca::wqe::{BB_BYTES, CtrlSeg, DataSeg, MAX_WQE_BYTES, Opcode, Segment, SendWqe, blocks};
use unirank_hca::{
    Access, CqNum, Event, GuestAddr, Limits, Lkey, PdNum, QpNum, Rank, Rkey, Service, SrqNum, region,
};

use super::Port;

/// Covers all local memory.
pub const RESERVED_LKEY: Lkey = Lkey(0x1100);

pub struct Engine {
    ports: Arc<Vec<Port>>,
    limits: Limits,
    pub held: bool,
    next: u32,
    pub cqs: BTreeMap<u32, Cq>,
    pub srqs: BTreeMap<u32, Srq>,
    pub qps: BTreeMap<u32, Qp>,
    pub mrs: BTreeMap<u32, Mr>,
    pub pds: BTreeMap<u32, u32>,
    connecting: BTreeMap<(u32, u32, u32), u32>,
    served: Vec<u32>,
    pub events: Vec<VecDeque<Event>>,
}

pub struct Cq {
    owner: u32,
    create: CreateCq,
    pub producer: u32,
    /// The arm word answered last.
    answered: u32,
}

pub struct Srq {
    create: CreateSrq,
    next: u16,
    consumed: u16,
}

pub struct Qp {
    owner: u32,
    create: CreateQp,
    pub state: QpState,
    peer: Option<(u32, u32)>,
    access: Access,
    sq_consumer: u16,
    rq_consumer: u16,
}

pub struct Mr {
    owner: u32,
    addr: u64,
    len: u64,
    access: Access,
}

/// A receive taken from a queue.
struct Receive {
    segments: Vec<DataSeg>,
    counter: u16,
    srqn: SrqNum,
}

impl Engine {
    pub fn new(ports: Arc<Vec<Port>>, limits: Limits) -> Engine {
        let ranks = ports.len();
        Engine {
            ports,
            limits,
            held: false,
            next: 0x100,
            cqs: BTreeMap::new(),
            srqs: BTreeMap::new(),
            qps: BTreeMap::new(),
            mrs: BTreeMap::new(),
            pds: BTreeMap::new(),
            connecting: BTreeMap::new(),
            served: vec![0; ranks],
            events: vec![VecDeque::new(); ranks],
        }
    }

    pub fn run(&mut self) {
        for rank in 0..self.ports.len() as u32 {
            self.serve_commands(rank);
        }
        if !self.held {
            while self.step() {}
        }
        for rank in 0..self.ports.len() {
            self.deliver_events(rank);
        }
    }

    fn serve_commands(&mut self, rank: u32) {
        let ports = self.ports.clone();
        let port = &ports[rank as usize];
        let control = port.control();
        if port.deaf.load(Ordering::Relaxed) {
            return;
        }
        while self.served[rank as usize] != control.cmd_producer().load(Ordering::Acquire) {
            let index = self.served[rank as usize];
            let response = match Request::decode(&control.read_request(index)) {
                Ok(request) => Response { id: request.id, result: self.execute(rank, request.command) },
                Err((id, status)) => Response { id, result: Err(status) },
            };
            control.write_response(index, &response.encode());
            self.served[rank as usize] = index.wrapping_add(1);
            control.cmd_consumer().store(index.wrapping_add(1), Ordering::Release);
            fence(Ordering::SeqCst);
            if control.cmd_armed().load(Ordering::Relaxed) != 0 {
                port.raise();
            }
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn execute(&mut self, rank: u32, command: Command) -> Result<Reply, Status> {
        let number = self.number();
        Ok(match command {
            Command::Handshake { version } if version == region::VERSION => {
                Reply::Handshake { version, reserved_lkey: RESERVED_LKEY, limits: self.limits }
            }
            Command::Handshake { .. } => return Err(Status::BadVersion),
            Command::AllocPd => {
                self.pds.insert(number, rank);
                Reply::Pd(PdNum(number))
            }
            Command::DeallocPd(pd) => done(self.pds.remove(&pd.0))?,
            Command::RegMr { addr, len, access, .. } => {
                self.mrs.insert(number, Mr { owner: rank, addr: addr.0, len, access });
                Reply::Mr { lkey: Lkey(number), rkey: Rkey(number) }
            }
            Command::DeregMr(lkey) => done(self.mrs.remove(&lkey.0))?,
            Command::CreateCq(create) => {
                self.cqs.insert(number, Cq { owner: rank, create, producer: 0, answered: 0 });
                Reply::Cq(CqNum(number))
            }
            Command::DestroyCq(cqn) => done(self.cqs.remove(&cqn.0))?,
            Command::CreateSrq(create) => {
                self.srqs.insert(number, Srq { create, next: 0, consumed: 0 });
                Reply::Srq(SrqNum(number))
            }
            Command::DestroySrq(srqn) => done(self.srqs.remove(&srqn.0))?,
            Command::CreateQp(create) => {
                let state = QpState::Init;
                let (peer, access) = (None, Access::NONE);
                self.qps.insert(
                    number,
                    Qp { owner: rank, create, state, peer, access, sq_consumer: 0, rq_consumer: 0 },
                );
                Reply::Qp(QpNum(number))
            }
            Command::ModifyQp(modify) => {
                let qp = self.qps.get_mut(&modify.qpn.0).ok_or(Status::NotFound)?;
                if modify.mask.contains(ModifyMask::ACCESS) {
                    qp.access = modify.access;
                }
                if modify.mask.contains(ModifyMask::STATE) {
                    qp.state = modify.state;
                }
                Reply::Done
            }
            Command::QueryQp(qpn) => {
                let qp = self.qps.get(&qpn.0).ok_or(Status::NotFound)?;
                let (dest_rank, dest_qpn) = qp.peer.unwrap_or((0, 0));
                Reply::QpInfo(QpInfo {
                    state: qp.state,
                    dest_rank: Rank(dest_rank),
                    dest_qpn: QpNum(dest_qpn),
                    sq_consumer: qp.sq_consumer,
                    rq_consumer: qp.rq_consumer,
                })
            }
            Command::DestroyQp(qpn) => done(self.qps.remove(&qpn.0))?,
            Command::Connect { qpn, peer, service } => self.connect(rank, qpn, peer, service)?,
            Command::WakeRank(peer) if (peer.0 as usize) < self.ports.len() => Reply::Done,
            Command::WakeRank(_) => return Err(Status::Invalid),
        })
    }

    fn connect(&mut self, rank: u32, qpn: QpNum, peer: Rank, service: Service) -> Result<Reply, Status> {
        if peer.0 == rank || peer.0 as usize >= self.ports.len() {
            return Err(Status::Invalid);
        }
        let Some(other) = self.connecting.remove(&(peer.0, rank, service.0)) else {
            self.connecting.insert((rank, peer.0, service.0), qpn.0);
            self.events[peer.0 as usize].push_back(Event::ConnectRequest { peer: Rank(rank), service });
            return Ok(Reply::Done);
        };
        for (this, this_rank, that, that_rank) in [(qpn.0, rank, other, peer.0), (other, peer.0, qpn.0, rank)]
        {
            let qp = self.qps.get_mut(&this).ok_or(Status::NotFound)?;
            qp.state = QpState::Rts;
            qp.peer = Some((that_rank, that));
            self.events[this_rank as usize].push_back(Event::Connected {
                peer: Rank(that_rank),
                qpn: QpNum(this),
                service,
            });
        }
        Ok(Reply::Done)
    }

    fn deliver_events(&mut self, rank: usize) {
        let port = &self.ports[rank];
        let control = port.control();
        let mut producer = control.evt_producer().load(Ordering::Relaxed);
        while producer.wrapping_sub(control.evt_consumer().load(Ordering::Acquire)) < region::EVT_SLOTS {
            let Some(event) = self.events[rank].pop_front() else { break };
            control.write_event(producer, &event.encode());
            producer = producer.wrapping_add(1);
            control.evt_producer().store(producer, Ordering::Release);
            port.raise();
        }
    }

    /// One request of each queue pair; whether anything was done.
    fn step(&mut self) -> bool {
        let numbers: Vec<u32> = self.qps.keys().copied().collect();
        numbers.into_iter().fold(false, |progress, qpn| self.step_qp(qpn) | progress)
    }

    fn step_qp(&mut self, qpn: u32) -> bool {
        let qp = &self.qps[&qpn];
        if qp.state == QpState::Error {
            return self.flush(qpn);
        }
        let counter = record(qp.create.dbrec, dbrec::SEND) as u16;
        if qp.state != QpState::Rts || counter == qp.sq_consumer {
            return false;
        }
        let log = u32::from(qp.create.log_sq_wqebbs);
        let mut head = [0; 16];
        read_ring(qp.create.sq_buf, BB_BYTES << log, qp.sq_consumer, &mut head);
        let ds = usize::from(CtrlSeg::decode(&head).ds);
        let mut bytes = vec![0; ds * 16];
        assert!(bytes.len() <= MAX_WQE_BYTES);
        read_ring(qp.create.sq_buf, BB_BYTES << log, qp.sq_consumer, &mut bytes);
        let wqe = SendWqe::decode(&bytes, QpNum(qpn), qp.sq_consumer).unwrap();
        self.execute_wqe(qpn, &wqe)
    }

    fn execute_wqe(&mut self, qpn: u32, wqe: &SendWqe<'_>) -> bool {
        let (peer_rank, peer_qpn) = self.qps[&qpn].peer.unwrap();
        let outcome = match wqe.opcode {
            Opcode::Nop => Ok(0),
            Opcode::Send | Opcode::SendImm => match self.deliver(peer_qpn, wqe) {
                None => return false,
                Some(outcome) => outcome,
            },
            Opcode::RdmaWrite | Opcode::RdmaWriteImm => {
                match self.remote(peer_qpn, peer_rank, wqe, wqe.len, Access::REMOTE_WRITE) {
                    Err(syndrome) => Err(syndrome),
                    Ok(()) if wqe.opcode == Opcode::RdmaWriteImm => match self.deliver(peer_qpn, wqe) {
                        None => return false,
                        Some(outcome) => outcome.inspect(|_| write_memory(wqe.remote.raddr, &gather(wqe))),
                    },
                    Ok(()) => {
                        write_memory(wqe.remote.raddr, &gather(wqe));
                        Ok(0)
                    }
                }
            }
            Opcode::RdmaRead => {
                self.remote(peer_qpn, peer_rank, wqe, wqe.len, Access::REMOTE_READ).map(|()| {
                    scatter(wqe, &read_memory(wqe.remote.raddr, wqe.len as usize));
                    wqe.len
                })
            }
            Opcode::AtomicFa | Opcode::AtomicCs => {
                self.remote(peer_qpn, peer_rank, wqe, 8, Access::REMOTE_ATOMIC).map(|()| {
                    let old = u64::from_ne_bytes(read_memory(wqe.remote.raddr, 8).try_into().unwrap());
                    let new = match wqe.opcode {
                        Opcode::AtomicFa => old.wrapping_add(wqe.atomic.swap_add),
                        _ if old == wqe.atomic.compare => wqe.atomic.swap_add,
                        _ => old,
                    };
                    write_memory(wqe.remote.raddr, &new.to_ne_bytes());
                    scatter(wqe, &old.to_ne_bytes());
                    8
                })
            }
        };
        self.finish(qpn, wqe, outcome);
        true
    }

    fn finish(&mut self, qpn: u32, wqe: &SendWqe<'_>, outcome: Result<u32, Syndrome>) {
        let qp = self.qps.get_mut(&qpn).unwrap();
        let index = qp.sq_consumer;
        qp.sq_consumer = index.wrapping_add(blocks(wqe.ctrl.ds.into()) as u16);
        let (cqn, owner) = (qp.create.send_cqn.0, qp.owner);
        match outcome {
            Ok(len) if wqe.signalled() => {
                self.complete(cqn, &Cqe::requester(QpNum(qpn), index, wqe.ctrl.opcode, len));
            }
            Ok(_) => {}
            Err(syndrome) => {
                self.qps.get_mut(&qpn).unwrap().state = QpState::Error;
                let mut cqe =
                    Cqe::error(CqeOpcode::RequesterError, QpNum(qpn), index, wqe.ctrl.opcode, syndrome);
                cqe.vendor_syndrome = 0x77;
                self.complete(cqn, &cqe);
                let reason = FatalReason::Remote;
                self.events[owner as usize].push_back(Event::QpFatal { qpn: QpNum(qpn), reason });
            }
        }
    }

    /// Whether the peer lets the request at its memory.
    fn remote(
        &self,
        peer_qpn: u32,
        rank: u32,
        wqe: &SendWqe<'_>,
        len: u32,
        right: Access,
    ) -> Result<(), Syndrome> {
        let (addr, end) = (wqe.remote.raddr.0, wqe.remote.raddr.0 + u64::from(len));
        let fits = self.mrs.get(&wqe.remote.rkey.0).is_some_and(|mr| {
            mr.owner == rank && mr.access.contains(right) && mr.addr <= addr && end <= mr.addr + mr.len
        });
        let allowed = self.qps.get(&peer_qpn).is_some_and(|qp| qp.access.contains(right));
        if fits && allowed { Ok(()) } else { Err(Syndrome::RemoteAccess) }
    }

    /// Gives a message to a receive of the peer; `None` while there is none.
    fn deliver(&mut self, peer_qpn: u32, wqe: &SendWqe<'_>) -> Option<Result<u32, Syndrome>> {
        if !self.qps.get(&peer_qpn).is_some_and(|qp| qp.state == QpState::Rts) {
            return Some(Err(Syndrome::RetryExceeded));
        }
        let receive = self.take_receive(peer_qpn)?;
        let cqn = self.qps[&peer_qpn].create.recv_cqn.0;
        let opcode = match wqe.opcode {
            Opcode::Send => CqeOpcode::ResponderSend,
            Opcode::SendImm => CqeOpcode::ResponderSendImm,
            _ => CqeOpcode::ResponderWriteImm,
        };
        let mut cqe = Cqe::requester(QpNum(peer_qpn), receive.counter, 0, wqe.len);
        cqe.opcode = opcode;
        cqe.srqn = receive.srqn;
        cqe.imm = wqe.imm().unwrap_or(0);
        cqe.solicited = wqe.solicited();
        let room: u32 = receive.segments.iter().map(|segment| segment.len).sum();
        if opcode != CqeOpcode::ResponderWriteImm {
            if wqe.len > room {
                cqe.opcode = CqeOpcode::ResponderError;
                cqe.syndrome = Syndrome::LocalLength;
                self.complete(cqn, &cqe);
                self.qps.get_mut(&peer_qpn).unwrap().state = QpState::Error;
                return Some(Err(Syndrome::RemoteInvalidRequest));
            }
            spread(&receive.segments, &gather(wqe));
        }
        self.complete(cqn, &cqe);
        Some(Ok(0))
    }

    fn take_receive(&mut self, qpn: u32) -> Option<Receive> {
        let qp = self.qps.get_mut(&qpn).unwrap();
        let srqn = qp.create.srqn;
        if let Some(srq) = self.srqs.get_mut(&srqn.0) {
            let posted = record(srq.create.dbrec, dbrec::RECEIVE) as u16;
            if posted == srq.consumed {
                return None;
            }
            let counter = srq.next;
            let wqe = stride(srq.create.buf, counter, srq.create.log_stride);
            srq.next = decode_next(&wqe, srq.create.log_wqes.into()).unwrap();
            srq.consumed = srq.consumed.wrapping_add(1);
            let segments = data_segments(&wqe[NEXT_SEG_BYTES..]).collect();
            return Some(Receive { segments, counter, srqn });
        }
        let posted = record(qp.create.dbrec, dbrec::RECEIVE) as u16;
        if posted == qp.rq_consumer {
            return None;
        }
        let counter = qp.rq_consumer;
        qp.rq_consumer = counter.wrapping_add(1);
        let slot = counter & ((1 << qp.create.log_rq_wqes) - 1);
        let wqe = stride(qp.create.rq_buf, slot, qp.create.log_rq_stride);
        Some(Receive { segments: data_segments(&wqe).collect(), counter, srqn: SrqNum(0) })
    }

    /// Flushes all requests of a queue pair in the error state.
    fn flush(&mut self, qpn: u32) -> bool {
        let mut progress = false;
        loop {
            let qp = self.qps.get_mut(&qpn).unwrap();
            if record(qp.create.dbrec, dbrec::SEND) as u16 == qp.sq_consumer {
                break;
            }
            let mut head = [0; 16];
            read_ring(qp.create.sq_buf, BB_BYTES << qp.create.log_sq_wqebbs, qp.sq_consumer, &mut head);
            let (ctrl, index) = (CtrlSeg::decode(&head), qp.sq_consumer);
            qp.sq_consumer = index.wrapping_add(blocks(ctrl.ds.into()) as u16);
            let cqn = qp.create.send_cqn.0;
            let flushed = Syndrome::Flushed;
            self.complete(
                cqn,
                &Cqe::error(CqeOpcode::RequesterError, QpNum(qpn), index, ctrl.opcode, flushed),
            );
            progress = true;
        }
        while self.qps[&qpn].create.srqn.0 == 0 {
            let Some(receive) = self.take_receive(qpn) else { break };
            let cqn = self.qps[&qpn].create.recv_cqn.0;
            let flushed = Syndrome::Flushed;
            self.complete(
                cqn,
                &Cqe::error(CqeOpcode::ResponderError, QpNum(qpn), receive.counter, 0, flushed),
            );
            progress = true;
        }
        progress
    }

    pub fn complete(&mut self, cqn: u32, cqe: &Cqe) {
        let cq = self.cqs.get_mut(&cqn).unwrap();
        let owner = cqe::owner_of(cq.producer, cq.create.log_cqes.into());
        let consumer = record(cq.create.dbrec, dbrec::CQ_CONSUMER);
        let used = cq.producer.wrapping_sub(consumer) & 0xff_ffff;
        assert!(used < 1 << cq.create.log_cqes, "the completion queue ran over");
        self.write_raw(cqn, &cqe.encode(owner), cqe.solicited || cqe.opcode.is_error());
    }

    /// Writes any bytes as the next completion.
    pub fn write_raw(&mut self, cqn: u32, bytes: &[u8; cqe::BYTES], solicited: bool) {
        let cq = self.cqs.get_mut(&cqn).unwrap();
        let slot = u64::from(cq.producer) & ((1 << cq.create.log_cqes) - 1);
        // SAFETY: the driver gave a ring of 64 bytes for each entry, 64-byte aligned.
        unsafe { cqe::store((cq.create.buf.0 + slot * cqe::BYTES as u64) as *mut u8, bytes) };
        cq.producer = cq.producer.wrapping_add(1);
        fence(Ordering::SeqCst);
        let word = record(cq.create.dbrec, dbrec::CQ_ARM);
        let arm = ArmWord::decode(word);
        let unseen = cq.producer.wrapping_sub(arm.consumer) & 0xff_ffff != 0;
        if word != cq.answered && unseen && (solicited || !arm.solicited_only) {
            cq.answered = word;
            self.ports[cq.owner as usize].raise();
        }
    }
}

fn done<T>(removed: Option<T>) -> Result<Reply, Status> {
    removed.map(|_| Reply::Done).ok_or(Status::NotFound)
}

fn record(addr: GuestAddr, index: usize) -> u32 {
    // SAFETY: doorbell records of live objects are 64 bytes of this process, aligned, accessed atomically.
    u32::from_be(unsafe { &*(addr.0 as *const AtomicU32).add(index) }.load(Ordering::Acquire))
}

fn read_memory(addr: GuestAddr, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    // SAFETY: tests give addresses of their own live buffers, or of rings of live objects.
    unsafe { std::ptr::copy_nonoverlapping(addr.0 as *const u8, bytes.as_mut_ptr(), len) };
    bytes
}

fn write_memory(addr: GuestAddr, bytes: &[u8]) {
    // SAFETY: as in `read_memory`; posting promised that nobody uses the memory meanwhile.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), addr.0 as *mut u8, bytes.len()) };
}

/// Bytes of the send ring from block `index` on, around its end.
fn read_ring(base: GuestAddr, ring: usize, index: u16, bytes: &mut [u8]) {
    let start = usize::from(index) * BB_BYTES;
    for (offset, byte) in bytes.iter_mut().enumerate() {
        *byte = read_memory(GuestAddr(base.0 + ((start + offset) % ring) as u64), 1)[0];
    }
}

fn stride(base: GuestAddr, slot: u16, log_stride: u8) -> Vec<u8> {
    read_memory(GuestAddr(base.0 + (u64::from(slot) << log_stride)), 1 << log_stride)
}

fn gather(wqe: &SendWqe<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in wqe.segments() {
        match segment {
            Segment::Inline(data) => bytes.extend_from_slice(data),
            Segment::Data(data) => {
                assert_eq!(data.lkey, RESERVED_LKEY);
                bytes.extend(read_memory(data.addr, data.len as usize));
            }
        }
    }
    bytes
}

fn scatter(wqe: &SendWqe<'_>, bytes: &[u8]) {
    let segments: Vec<DataSeg> = wqe
        .segments()
        .map(|segment| match segment {
            Segment::Data(data) => data,
            Segment::Inline(_) => panic!("decode lets no inline data through here"),
        })
        .collect();
    spread(&segments, bytes);
}

fn spread(segments: &[DataSeg], mut bytes: &[u8]) {
    for segment in segments {
        let (now, rest) = bytes.split_at(bytes.len().min(segment.len as usize));
        write_memory(segment.addr, now);
        bytes = rest;
    }
}
