//! Frames as nobody should send them: the stack survives, and works afterwards.

use super::config::NetConfig;
use super::frame::{ETHERNET, IPV4, Ipv4, TCP, UDP};
use super::link::{Abilities, Checksum, Frame, Link, Work};
use super::listener::Listener;
use super::options::Settings;
use super::ports::{Claim, Protocol};
use super::stack::Stack;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

const OWN: [u8; 4] = [10, 0, 0, 2];
const PEER: [u8; 4] = [10, 0, 0, 1];
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 8];
const PORT: u16 = 80;

/// A device whose other end is the test.
#[derive(Default)]
struct Wire {
    incoming: VecDeque<(Vec<u8>, Checksum)>,
    outgoing: Vec<(Vec<u8>, Work)>,
}

struct FakeLink {
    wire: Rc<RefCell<Wire>>,
    buffer: Vec<u8>,
}

impl Link for FakeLink {
    fn abilities(&self) -> Abilities {
        Abilities { mac: MAC, mtu: 1500, checksums: true, segments: true }
    }
    fn receive(&mut self) -> Option<(Frame, Checksum)> {
        self.wire.borrow_mut().incoming.pop_front().map(|(bytes, sum)| (Frame::Heap(bytes), sum))
    }
    fn recycle(&mut self, _: Frame) {}
    fn buffer(&mut self) -> Option<&mut [u8]> {
        Some(&mut self.buffer)
    }
    fn send(&mut self, len: usize, work: Work) {
        self.wire.borrow_mut().outgoing.push((self.buffer[..len].to_vec(), work));
    }
    fn flush(&mut self) {}
    fn pending(&self) -> bool {
        !self.wire.borrow().incoming.is_empty()
    }
    fn arm(&mut self, _: bool) {}
}

/// State of the kernel that stacks share: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

struct Bed {
    _turn: MutexGuard<'static, ()>,
    stack: Stack,
    wire: Rc<RefCell<Wire>>,
    now: u64,
}

impl Bed {
    fn new(config: &str) -> Self {
        let wire = Rc::new(RefCell::new(Wire::default()));
        let link = FakeLink { wire: wire.clone(), buffer: vec![0; 65550] };
        let net = NetConfig::parse(config.as_bytes()).unwrap();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { _turn: turn, stack: Stack::new(Some(Box::new(link)), net, 1, 0), wire, now: 0 }
    }

    fn feed(&mut self, bytes: Vec<u8>, checksum: Checksum) {
        self.wire.borrow_mut().incoming.push_back((bytes, checksum));
        self.now += 1_000_000;
        self.stack.poll(self.now);
    }

    fn sent(&self) -> Vec<(Vec<u8>, Work)> {
        std::mem::take(&mut self.wire.borrow_mut().outgoing)
    }

    fn listen(&mut self) {
        let at = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
        self.stack.ports.claim(Claim { protocol: Protocol::Tcp, at, shared: false }).unwrap();
        self.stack.listen(Listener::new(at, 4, Settings::default())).unwrap();
    }
}

fn ethernet(kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&MAC[..], &PEER_MAC, &kind, payload].concat()
}

fn arp(operation: u8) -> Vec<u8> {
    let body = [&[0, 1, 8, 0, 6, 4, 0, operation][..], &PEER_MAC, &PEER, &MAC, &OWN].concat();
    ethernet([8, 6], &body)
}

/// A packet with right checksums.
fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
    header.extend(PEER);
    header.extend(OWN);
    header.extend(payload);
    let mut frame = ethernet([8, 0], &header);
    mend(&mut frame, true);
    frame
}

/// Makes lengths (if `lengths`) and checksums fit, as far as there is something to fit them to.
fn mend(frame: &mut [u8], lengths: bool) {
    if frame.len() < ETHERNET + IPV4 {
        return;
    }
    if lengths {
        let total = (frame.len() - ETHERNET) as u16;
        frame[16..18].copy_from_slice(&total.to_be_bytes());
    }
    frame[24..26].fill(0);
    let header = (usize::from(frame[14] & 15) * 4).clamp(IPV4, frame.len() - ETHERNET);
    let sum = !super::frame::fold(super::frame::sum(0, &frame[ETHERNET..ETHERNET + header]));
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    if let Some(ip) = Ipv4::parse(frame) {
        ip.set_checksum(frame, true);
        if ip.protocol == 1 && ip.payload.len() >= 4 {
            let at = ip.payload.start + 2;
            frame[at..at + 2].fill(0);
            let sum = !super::frame::fold(super::frame::sum(0, &frame[ip.payload.clone()]));
            frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

fn udp(from: u16, to: u16, data: &[u8]) -> Vec<u8> {
    let len = (8 + data.len()) as u16;
    let head = [from, to, len, 0].map(u16::to_be_bytes).concat();
    packet(UDP, &[&head, data].concat())
}

fn tcp(from: u16, sequence: u32, acknowledged: u32, flags: u8, options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut head = [from, PORT].map(u16::to_be_bytes).concat();
    head.extend(sequence.to_be_bytes());
    head.extend(acknowledged.to_be_bytes());
    head.extend([((20 + options.len()) / 4 * 16) as u8, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet(TCP, &[&head, options, data].concat())
}

/// An offer or acknowledgement of a DHCP server (RFC 2131).
fn dhcp(kind: u8) -> Vec<u8> {
    let mut body = vec![2, 1, 6, 0];
    body.extend([0; 12]);
    body.extend(OWN);
    body.extend(PEER);
    body.extend([0; 4]);
    body.extend(MAC);
    body.extend([0; 202]);
    body.extend([
        99, 130, 83, 99, 53, 1, kind, 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 1, 0, 1, 4, 255, 255, 255, 0,
    ]);
    body.extend([3, 4, 10, 0, 0, 1, 6, 4, 10, 0, 0, 1, 255]);
    udp(67, 68, &body)
}

fn seeds() -> Vec<Vec<u8>> {
    let segment_size = [2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];
    let mut fragment = udp(9, 7777, &[1; 64]);
    fragment[20] = 0x20;
    mend(&mut fragment, false);
    let answer = [
        &[0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1][..],
        &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4],
    ]
    .concat();
    vec![
        arp(1),
        arp(2),
        packet(1, &[8, 0, 0, 0, 0, 1, 0, 1, 9, 9, 9]),
        packet(
            1,
            &[
                3, 3, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1,
                0, 7,
            ],
        ),
        udp(9, 7777, &[5; 40]),
        udp(53, 7777, &answer),
        udp(9, 9999, b"to nobody"),
        tcp(1000, 1, 0, 2, &segment_size, &[]),
        tcp(1000, 2, 1, 16, &[], &[7; 100]),
        tcp(1001, 5, 0, 4, &[], &[]),
        tcp(1000, 2, 9, 17, &[1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0], &[]),
        dhcp(2),
        dhcp(5),
        fragment,
        packet(2, &[0x11; 8]),
        packet(255, &[]),
    ]
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// One of the frames, changed here and there, or no frame at all.
    fn frame(&mut self, seeds: &[Vec<u8>]) -> (Vec<u8>, Checksum) {
        let mut frame = seeds[self.below(seeds.len())].clone();
        for _ in 0..self.below(6) {
            let at = self.below(frame.len());
            match self.below(7) {
                0 | 1 => frame.get_mut(at).into_iter().for_each(|b| *b ^= 1 << (at % 8)),
                2 => frame.get_mut(at).into_iter().for_each(|b| *b = self.0 as u8),
                3 => frame.truncate(at),
                4 => frame.extend((0..at).map(|i| i as u8)),
                5 => frame.get_mut(at).into_iter().for_each(|b| *b = 0xff),
                _ => frame.extend_from_within(at..),
            }
            frame.truncate(70_000);
        }
        if self.below(20) == 0 {
            frame = (0..self.below(200)).map(|_| self.next() as u8).collect();
        }
        match self.below(4) {
            0 => {}
            1 => mend(&mut frame, true),
            _ => mend(&mut frame, false),
        }
        let sums = [Checksum::Unknown, Checksum::Checked, Checksum::Partial];
        (frame, sums[self.below(3)])
    }
}

#[test]
fn pings_are_answered() {
    let mut bed = Bed::new("10.0.0.2/24");
    assert_answers(&mut bed);
}

fn assert_answers(bed: &mut Bed) {
    bed.feed(arp(1), Checksum::Unknown);
    bed.sent();
    bed.feed(packet(1, &[8, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3]), Checksum::Unknown);
    let answers = bed.sent();
    let is_reply = |frame: &Vec<u8>| {
        let ip = Ipv4::parse(frame);
        ip.is_some_and(|ip| ip.protocol == 1 && frame[ip.payload.start] == 0 && frame.ends_with(&[1, 2, 3]))
    };
    assert!(answers.iter().any(|(frame, _)| is_reply(frame)), "{answers:?}");
}

#[test]
fn connections_tell_sizes_that_fit() {
    let mut bed = Bed::new("10.0.0.2/24");
    bed.listen();
    bed.feed(arp(1), Checksum::Unknown);
    bed.sent();
    bed.feed(tcp(1000, 1, 0, 2, &[2, 4, 5, 0xb4], &[]), Checksum::Unknown);
    let answers = bed.sent();
    let (frame, work) = &answers[0];
    // SYN and ACK, with a segment size that fits the link, and a checksum for the device to complete.
    assert_eq!((frame[47], &frame[54..58]), (18, &[2, 4, 5, 0xb4][..]));
    assert_eq!(work.checksum, Some((34, 16)));
    // A wrong checksum is noticed, unless the other side vouches for it.
    let mut wrong = tcp(1001, 1, 0, 2, &[], &[]);
    wrong[50] ^= 1;
    bed.feed(wrong.clone(), Checksum::Unknown);
    assert!(bed.sent().is_empty());
    bed.feed(wrong, Checksum::Checked);
    assert!(!bed.sent().is_empty());
}

#[test]
fn nobody_else_is_the_machine_itself() {
    let mut bed = Bed::new("10.0.0.2/24");
    bed.listen();
    for (at, address) in [(26, [127, 0, 0, 1]), (26, OWN), (30, [127, 0, 0, 1])] {
        let mut forged = tcp(1000, 1, 0, 2, &[], &[]);
        forged[at..at + 4].copy_from_slice(&address);
        mend(&mut forged, false);
        bed.feed(forged, Checksum::Unknown);
        assert!(bed.sent().is_empty());
    }
}

#[test]
fn random_and_mutated_frames_do_no_harm() {
    let seeds = seeds();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for config in ["10.0.0.2/24,gw=10.0.0.1", "dhcp"] {
        let mut bed = Bed::new(config);
        bed.listen();
        for i in 0..20_000 {
            let (frame, checksum) = random.frame(&seeds);
            bed.feed(frame, checksum);
            assert!(bed.wire.borrow().incoming.is_empty());
            for (frame, _) in bed.sent() {
                assert!(frame.len() <= 65535 + ETHERNET, "{i}");
            }
        }
        if config != "dhcp" {
            assert_answers(&mut bed);
        }
    }
}

#[test]
fn long_datagrams_go_in_pieces() {
    use smoltcp::socket::udp as socket;
    let mut bed = Bed::new("10.0.0.2/24");
    bed.feed(arp(1), Checksum::Unknown);
    bed.sent();
    let buffer = |bytes| socket::PacketBuffer::new(vec![socket::PacketMetadata::EMPTY; 4], vec![0; bytes]);
    let mut sender = socket::Socket::new(buffer(16), buffer(9000));
    sender.bind(7777).unwrap();
    let data: Vec<u8> = (0..5000).map(|i| i as u8).collect();
    let to = smoltcp::wire::IpEndpoint::new(Ipv4Addr::from(PEER).into(), 9);
    sender.send_slice(&data, to).unwrap();
    bed.stack.add(sender);
    bed.stack.poll(1);
    let mut whole = Vec::new();
    for (frame, _) in bed.sent() {
        let ip = Ipv4::parse(&frame).unwrap();
        assert!(ip.fragment && frame.len() <= 1500 + ETHERNET);
        assert_eq!(usize::from(u16::from_be_bytes([frame[20] & 0x1f, frame[21]])) * 8, whole.len());
        whole.extend_from_slice(&frame[ip.payload]);
    }
    assert_eq!(whole[8..], data);
}
