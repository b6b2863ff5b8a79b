//! The stack's one interface: frames to the machine itself come back, others go to the link.
//!
//! To the stack, packets have up to 64 KiB, whatever the link can carry: memory has no limit, and a device cuts TCP
//! packets itself (TSO). So the sizes that TCP ends tell each other are changed on the way: what we offer to what fits
//! the link, and, if the device cuts, what peers offer to what fits a packet. Other packets are fragmented here.

use super::frame::{self, ETHERNET, IPV4, Ipv4, TCP, TCP_HEADER, Tcp, UDP};
use super::link::{Abilities, Checksum, Frame, Link, Work};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// Longest IP packet the stack makes.
const MTU: usize = 65535;
/// Largest TCP segment in one.
const SEGMENT: u16 = (MTU - IPV4 - TCP_HEADER) as u16;
/// Every host takes segments of this size (RFC 9293, 3.7.1).
const LEAST_SEGMENT: u16 = 536;
/// Address of the interface without a device.
const NO_DEVICE: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Frames to ourselves that may wait; more are lost, as on a wire.
const LOOPED: usize = 256;

/// Where frames go.
struct Outlet {
    link: Option<Box<dyn Link>>,
    abilities: Abilities,
    own: Option<Ipv4Addr>,
    looped: VecDeque<Vec<u8>>,
    /// Smallest segment that a peer has asked for: what the device cuts packets into.
    segment: u16,
    /// Frames are made here when they do not fit a buffer of the device.
    scratch: Vec<u8>,
    /// Number of the last packet that was fragmented.
    packet: u16,
}

/// The interface.
pub struct Port {
    outlet: Outlet,
    /// The frame the stack takes next.
    current: Option<Frame>,
}

/// A frame that asks for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whom it asks.
    pub target: Ipv4Addr,
    /// At which port.
    pub port: u16,
}

impl Port {
    /// An interface over a device, or over none.
    pub fn new(link: Option<Box<dyn Link>>) -> Self {
        let nothing = Abilities { mac: NO_DEVICE, mtu: MTU, checksums: true, segments: false };
        let abilities = link.as_ref().map_or(nothing, |link| link.abilities());
        let outlet = Outlet {
            link,
            abilities,
            own: None,
            looped: VecDeque::new(),
            segment: (abilities.mtu - IPV4 - TCP_HEADER) as u16,
            scratch: Vec::new(),
            packet: 0,
        };
        Self { outlet, current: None }
    }

    /// Its Ethernet address.
    pub fn mac(&self) -> [u8; 6] {
        self.outlet.abilities.mac
    }

    /// Whether there is a device.
    pub fn has_link(&self) -> bool {
        self.outlet.link.is_some()
    }

    /// Packets to this address come back as well.
    pub fn set_own(&mut self, own: Option<Ipv4Addr>) {
        self.outlet.own = own;
    }

    /// Gets the next frame ready for the stack. `None` if there is none, else the connection it asks for, if any.
    pub fn fetch(&mut self) -> Option<Option<Call>> {
        if let Some(bytes) = self.outlet.looped.pop_front() {
            let call = connection(&bytes);
            self.current = Some(Frame::Heap(bytes));
            return Some(call);
        }
        let link = self.outlet.link.as_mut()?;
        loop {
            let (mut frame, checksum) = link.receive()?;
            if accept(
                frame.bytes(),
                checksum,
                &mut self.outlet.segment,
                &self.outlet.abilities,
                self.outlet.own,
            ) {
                let call = connection(frame.bytes());
                self.current = Some(frame);
                return Some(call);
            }
            link.recycle(frame);
        }
    }

    /// Gives the frame that was fetched back to where it came from.
    pub fn done(&mut self) {
        if let (Some(frame @ Frame::Lent { .. }), Some(link)) = (self.current.take(), &mut self.outlet.link) {
            link.recycle(frame);
        }
    }

    /// Whether there is a frame to fetch.
    pub fn pending(&self) -> bool {
        !self.outlet.looped.is_empty() || self.outlet.link.as_ref().is_some_and(|link| link.pending())
    }

    /// Tells the device of what was sent.
    pub fn flush(&mut self) {
        if let Some(link) = &mut self.outlet.link {
            link.flush();
        }
    }

    /// Lets the device interrupt when there is something to do.
    pub fn arm(&mut self) {
        if let Some(link) = &mut self.outlet.link {
            let full = link.buffer().is_none();
            link.arm(full);
        }
    }
}

/// Which connection a frame asks for.
fn connection(bytes: &[u8]) -> Option<Call> {
    let ip = Ipv4::parse(bytes)?;
    let tcp = Tcp::parse(bytes, &ip).filter(|tcp| tcp.syn && !tcp.ack)?;
    Some(Call { target: ip.target, port: tcp.target_port })
}

/// Whether a frame from outside may go to the stack, which does not look at TCP checksums.
fn accept(
    bytes: &mut [u8],
    checksum: Checksum,
    smallest: &mut u16,
    abilities: &Abilities,
    own: Option<Ipv4Addr>,
) -> bool {
    // Nobody else is the machine itself.
    let forged = |source: Ipv4Addr| source.is_loopback() || Some(source) == own;
    if frame::is_arp(bytes) {
        return frame::arp_addresses(bytes).is_some_and(|(from, to)| !forged(from) && !to.is_loopback());
    }
    let Some(ip) = Ipv4::parse(bytes) else { return false };
    if forged(ip.source) || ip.target.is_loopback() {
        return false;
    }
    if ip.fragment {
        // A connection's segments are not: our own say "do not fragment", and peers know the way's MTU.
        return ip.protocol != TCP;
    }
    match ip.protocol {
        UDP if checksum == Checksum::Partial => ip.clear_checksum(bytes),
        TCP => {
            if checksum == Checksum::Unknown && !ip.checksum_fits(bytes) {
                return false;
            }
            let Some(tcp) = Tcp::parse(bytes, &ip) else { return false };
            if tcp.syn && abilities.segments {
                if let Some(at) = tcp.segment_size_at(bytes) {
                    let wanted = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
                    *smallest = wanted.clamp(LEAST_SEGMENT, *smallest);
                    bytes[at..at + 2].copy_from_slice(&SEGMENT.to_be_bytes());
                }
            }
        }
        _ => {}
    }
    true
}

impl Outlet {
    fn is_own(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || Some(address) == self.own
    }

    /// The link has room, or needs none.
    fn has_room(&mut self) -> bool {
        self.looped.len() < LOOPED && self.link.as_mut().is_none_or(|link| link.buffer().is_some())
    }

    /// Lets `make` write a frame of `len` bytes, and sends it.
    fn send<R>(&mut self, len: usize, make: impl FnOnce(&mut [u8]) -> R) -> R {
        let buffer =
            self.link.as_mut().and_then(|link| link.buffer()).and_then(|buffer| buffer.get_mut(..len));
        let Some(bytes) = buffer else {
            let mut bytes = core::mem::take(&mut self.scratch);
            bytes.resize(len, 0);
            let result = make(&mut bytes);
            self.scratch = self.route(bytes);
            return result;
        };
        let result = make(bytes);
        // Looks at the frame where it lies: most go as they are.
        let plain = !(bytes[..6] == self.abilities.mac || frame::is_arp(bytes));
        match plain.then(|| prepare(bytes, &self.abilities, self.segment)).flatten() {
            Some(work) => {
                if let Some(link) = &mut self.link {
                    link.send(len, work);
                }
            }
            None => {
                let bytes = bytes.to_vec();
                self.scratch = self.route(bytes);
            }
        }
        result
    }

    /// Sends a frame that is not in a buffer of the device. Gives back memory to be used again.
    fn route(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let mac = self.abilities.mac;
        if frame::arp_target(&bytes).is_some_and(|target| self.is_own(target)) {
            // The stack asks where it is itself.
            if let Some(reply) = frame::arp_reply(&bytes, mac).filter(|_| self.looped.len() < LOOPED) {
                self.looped.push_back(reply.to_vec());
            }
        } else if bytes.first_chunk() == Some(&mac) {
            if self.looped.len() < LOOPED {
                self.looped.push_back(bytes);
                return Vec::new();
            }
        } else if let Some(work) = prepare(&mut bytes, &self.abilities, self.segment) {
            self.copy_out(&bytes, work);
        } else {
            self.fragment(&bytes);
        }
        bytes
    }

    fn copy_out(&mut self, bytes: &[u8], work: Work) {
        let Some(link) = &mut self.link else { return };
        if let Some(buffer) = link.buffer().and_then(|buffer| buffer.get_mut(..bytes.len())) {
            buffer.copy_from_slice(bytes);
            link.send(bytes.len(), work);
        }
    }

    /// Sends an IPv4 packet that is too long for the link in pieces (RFC 791, 2.3).
    fn fragment(&mut self, bytes: &[u8]) {
        let Some(ip) = Ipv4::parse(bytes) else { return };
        let header = ip.payload.start;
        let piece = (self.abilities.mtu - (header - ETHERNET)) & !7;
        self.packet = self.packet.wrapping_add(1);
        for (i, data) in bytes[ip.payload.clone()].chunks(piece).enumerate() {
            let more = (i + 1) * piece < ip.payload.len();
            let mut out = bytes[..header].to_vec();
            out.extend_from_slice(data);
            let total = (out.len() - ETHERNET) as u16;
            let place = (i * piece / 8) as u16 | u16::from(more) << 13;
            out[16..18].copy_from_slice(&total.to_be_bytes());
            out[18..20].copy_from_slice(&self.packet.to_be_bytes());
            out[20..22].copy_from_slice(&place.to_be_bytes());
            out[24..26].fill(0);
            let checksum = !frame::fold(frame::sum(0, &out[ETHERNET..header]));
            out[24..26].copy_from_slice(&checksum.to_be_bytes());
            self.copy_out(&out, Work::default());
        }
    }
}

/// Makes a frame fit for the link; `None` if it has to be fragmented.
fn prepare(bytes: &mut [u8], abilities: &Abilities, segment: u16) -> Option<Work> {
    let Some(ip) = Ipv4::parse(bytes) else { return Some(Work::default()) };
    let mut work = Work::default();
    let fits = ip.payload.end - ETHERNET <= abilities.mtu;
    let Some(tcp) = Tcp::parse(bytes, &ip) else { return fits.then_some(work) };
    if tcp.syn {
        if let Some(at) = tcp.segment_size_at(bytes) {
            let ours = (abilities.mtu - IPV4 - TCP_HEADER) as u16;
            bytes[at..at + 2].copy_from_slice(&ours.to_be_bytes());
        }
    }
    if abilities.checksums {
        work.checksum = Some((ip.payload.start as u16, 16));
    }
    ip.set_checksum(bytes, !abilities.checksums);
    if ip.payload.end - tcp.end() > usize::from(segment) {
        if !abilities.segments {
            return fits.then_some(work);
        }
        work.segments = Some((segment, tcp.end() as u16));
    }
    Some(work)
}

/// The frame that [`Port::fetch`] got.
pub struct Received<'a>(&'a [u8]);
/// Room for a frame.
pub struct Room<'a>(&'a mut Outlet);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl phy::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.0.send(len, f)
    }
}

impl phy::Device for Port {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Room<'_>)> {
        let bytes = self.current.as_mut()?.bytes();
        Some((Received(bytes), Room(&mut self.outlet)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        self.outlet.has_room().then_some(Room(&mut self.outlet))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MTU + ETHERNET;
        capabilities.checksum.tcp = phy::Checksum::None;
        capabilities
    }
}
