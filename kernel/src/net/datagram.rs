//! UDP sockets, and datagram sockets of ICMP, which send pings (icmp(7)).

use super::options::{Options, name};
use super::ports::{Claim, Protocol};
use super::socket::{Name, Received, Socket, kind};
use super::stack::Stack;
use super::tcp::{SOCKET_MODE, address};
use crate::errno::{Errno, Result};
use crate::fs::like::{FileLike, event};
use crate::time;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::{Ipv4Addr, SocketAddrV4};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::{icmp, udp};
use smoltcp::wire::{IpAddress, IpEndpoint, IpListenEndpoint};

/// Datagrams that may wait to be received, and their bytes if the program does not say (rmem_default).
const PACKETS: usize = 256;
const BYTES: usize = 208 << 10;
/// Datagrams that may wait to be sent: for the neighbour's address, or for the device.
const SEND_PACKETS: usize = 64;
const SEND_BYTES: usize = 128 << 10;
/// Longest UDP payload.
const LONGEST: usize = 65507;
/// Header of an echo request, and its type.
const ECHO_HEADER: usize = 8;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// A UDP or ping socket.
pub struct DatagramSocket {
    protocol: Protocol,
    options: Options,
    claim: Cell<Option<Claim>>,
    handle: Cell<Option<SocketHandle>>,
    peer: Cell<Option<SocketAddrV4>>,
    /// Reads and writes that were ended.
    ended: Cell<(bool, bool)>,
    received: Cell<u64>,
    /// Answers to pings, sorted out of what the stack's socket gets, which includes the questions.
    answers: RefCell<VecDeque<(Vec<u8>, Ipv4Addr)>>,
}

impl DatagramSocket {
    /// A UDP socket, or with [`Protocol::Ping`] one for pings.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            options: RefCell::default(),
            claim: Cell::new(None),
            handle: Cell::new(None),
            peer: Cell::new(None),
            ended: Cell::new((false, false)),
            received: Cell::new(0),
            answers: RefCell::default(),
        }
    }

    /// The stack's socket, bound to an own address.
    fn open(&self, stack: &mut Stack, at: SocketAddrV4) -> Result<SocketHandle> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let options = self.options.borrow();
        let shared = options.is_on(name::SO_REUSEADDR) || options.is_on(name::SO_REUSEPORT);
        let receive = options.receive_buffer.unwrap_or(BYTES).max(2048);
        let send = options.send_buffer.unwrap_or(SEND_BYTES).max(2048);
        let claim = stack.ports.claim(Claim { protocol: self.protocol, at, shared })?;
        self.claim.set(Some(claim));
        let (receive, send) = (super::stack::buffer(receive)?, super::stack::buffer(send)?);
        let ip = (!at.ip().is_unspecified()).then_some(IpAddress::Ipv4(*at.ip()));
        let handle = if self.protocol == Protocol::Ping {
            let receive = icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; PACKETS], receive);
            let send = icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; SEND_PACKETS], send);
            let mut socket = icmp::Socket::new(receive, send);
            socket.bind(icmp::Endpoint::Ident(claim.at.port())).map_err(|_| Errno::EINVAL)?;
            socket.set_hop_limit(options.hop_limit());
            stack.add(socket)
        } else {
            let receive = udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; PACKETS], receive);
            let send = udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; SEND_PACKETS], send);
            let mut socket = udp::Socket::new(receive, send);
            let endpoint = IpListenEndpoint { addr: ip, port: claim.at.port() };
            socket.bind(endpoint).map_err(|_| Errno::EINVAL)?;
            socket.set_hop_limit(options.hop_limit());
            stack.add(socket)
        };
        self.handle.set(Some(handle));
        Ok(handle)
    }

    fn anywhere(&self, stack: &mut Stack) -> Result<SocketHandle> {
        self.open(stack, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
    }

    /// Puts one datagram into the stack's queue.
    fn queue(&self, stack: &mut Stack, data: &[u8], to: SocketAddrV4) -> Result<()> {
        let to = stack.lease().map_or(to, |lease| lease.name_server_at(to));
        let source = stack.source_for(*to.ip())?;
        let handle = self.anywhere(stack)?;
        if self.protocol == Protocol::Ping {
            // The kernel chooses the identifier, by which answers find their way, and the stack sets the checksum.
            if data.len() < ECHO_HEADER || data[..2] != [ECHO_REQUEST, 0] {
                return Err(Errno::EINVAL);
            }
            let mut packet = data.to_vec();
            let ident = self.claim.get().map_or(0, |claim| claim.at.port());
            packet[4..6].copy_from_slice(&ident.to_be_bytes());
            let socket = stack.sockets.get_mut::<icmp::Socket>(handle);
            return match socket.send_slice(&packet, IpAddress::Ipv4(*to.ip())) {
                Ok(()) => Ok(()),
                Err(icmp::SendError::BufferFull) => Err(Errno::EAGAIN),
                Err(icmp::SendError::Unaddressable) => Err(Errno::EINVAL),
            };
        }
        let socket = stack.sockets.get_mut::<udp::Socket>(handle);
        if data.len() > LONGEST.min(socket.payload_send_capacity()) {
            return Err(Errno::EMSGSIZE);
        }
        let mut meta = udp::UdpMetadata::from(IpEndpoint::new((*to.ip()).into(), to.port()));
        meta.local_address = Some(source.into());
        match socket.send_slice(data, meta) {
            Ok(()) => Ok(()),
            Err(udp::SendError::BufferFull) => Err(Errno::EAGAIN),
            Err(udp::SendError::Unaddressable) => Err(Errno::EINVAL),
        }
    }

    /// Takes one datagram, or looks at it: bytes copied, bytes there were, and who sent it.
    fn take(&self, stack: &mut Stack, buf: &mut [u8], peek: bool) -> Result<(usize, usize, SocketAddrV4)> {
        let handle = self.handle.get().ok_or(Errno::EAGAIN)?;
        let mut copy = |data: &[u8]| {
            let n = data.len().min(buf.len());
            buf[..n].copy_from_slice(&data[..n]);
            (n, data.len())
        };
        let ((n, whole), from) = if self.protocol == Protocol::Ping {
            let mut answers = self.answers.borrow_mut();
            let (data, from) = answers.front().ok_or(Errno::EAGAIN)?;
            let taken = (copy(data), SocketAddrV4::new(*from, 0));
            if !peek {
                answers.pop_front();
            }
            taken
        } else {
            let socket = stack.sockets.get_mut::<udp::Socket>(handle);
            if peek {
                let (data, meta) = socket.peek().map_err(|_| Errno::EAGAIN)?;
                (copy(data), address(meta.endpoint))
            } else {
                let (data, meta) = socket.recv().map_err(|_| Errno::EAGAIN)?;
                (copy(data), address(meta.endpoint))
            }
        };
        let from = stack.lease().map_or(from, |lease| lease.seen_from(from));
        if !peek {
            self.received.set(self.received.get() + 1 + whole as u64);
        }
        Ok((n, whole, from))
    }

    /// Whether a datagram is from whom the socket is connected to.
    fn is_welcome(&self, from: SocketAddrV4) -> bool {
        self.peer
            .get()
            .is_none_or(|peer| peer.ip() == from.ip() && (from.port() == 0 || peer.port() == from.port()))
    }

    /// Throws away what others than the peer have sent.
    fn sort_out(&self, stack: &mut Stack) {
        if self.protocol == Protocol::Ping {
            return self.sort_out_answers(stack);
        }
        if self.peer.get().is_none() {
            return;
        }
        while let Ok((_, _, from)) = self.take(stack, &mut [], true) {
            if self.is_welcome(from) {
                return;
            }
            let _ = self.take(stack, &mut [], false);
        }
    }
}

impl DatagramSocket {
    fn sort_out_answers(&self, stack: &mut Stack) {
        let Some(handle) = self.handle.get() else { return };
        let mut answers = self.answers.borrow_mut();
        while let Ok((data, IpAddress::Ipv4(from))) = stack.sockets.get_mut::<icmp::Socket>(handle).recv() {
            let welcome = self.is_welcome(SocketAddrV4::new(from, 0));
            if data.first() == Some(&ECHO_REPLY) && welcome && answers.len() < PACKETS {
                answers.push_back((data.to_vec(), from));
            }
        }
    }
}

impl FileLike for DatagramSocket {
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        self.receive(buf, false).map(|received| received.copied)
    }

    fn write(&self, data: &[u8]) -> Result<usize> {
        self.send(data, None)
    }

    fn events(&self) -> u32 {
        let events = super::with(|stack| {
            self.sort_out(stack);
            let Some(handle) = self.handle.get() else { return Ok(event::WRITE) };
            let (receives, sends) = if self.protocol == Protocol::Ping {
                let socket = stack.sockets.get::<icmp::Socket>(handle);
                (!self.answers.borrow().is_empty(), socket.can_send())
            } else {
                let socket = stack.sockets.get::<udp::Socket>(handle);
                (socket.can_recv(), socket.can_send())
            };
            Ok(event::when(receives || self.ended.get().0, event::READ) | event::when(sends, event::WRITE))
        });
        events.unwrap_or(event::ERR)
    }

    fn activity(&self) -> u64 {
        let queued = super::with(|stack| {
            let Some(handle) = self.handle.get() else { return Ok(0) };
            Ok(if self.protocol == Protocol::Ping {
                self.sort_out_answers(stack);
                self.answers.borrow().len()
            } else {
                // An empty datagram counts as well: it makes the socket readable.
                let socket = stack.sockets.get::<udp::Socket>(handle);
                socket.recv_queue() + usize::from(socket.can_recv())
            })
        });
        self.received.get() + queued.unwrap_or(0) as u64
    }

    fn patience(&self) -> (Option<u64>, Option<u64>) {
        let options = self.options.borrow();
        (options.receive_patience, options.send_patience)
    }

    fn has_messages(&self) -> bool {
        true
    }

    fn bytes_ahead(&self) -> Result<u32> {
        super::with(|stack| match self.handle.get() {
            Some(_) => {
                self.sort_out(stack);
                Ok(self.take(stack, &mut [], true).map_or(0, |(_, whole, _)| whole as u32))
            }
            _ => Ok(0),
        })
    }

    fn mode(&self) -> u32 {
        SOCKET_MODE
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl Socket for DatagramSocket {
    fn kind(&self) -> (i32, i32, i32) {
        let protocol = if self.protocol == Protocol::Ping { kind::IPPROTO_ICMP } else { kind::IPPROTO_UDP };
        (kind::AF_INET, kind::SOCK_DGRAM, protocol)
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn options_changed(&self) {
        let limit = self.options.borrow().hop_limit();
        let _ = super::with(|stack| {
            match self.handle.get() {
                Some(handle) if self.protocol == Protocol::Ping => {
                    stack.sockets.get_mut::<icmp::Socket>(handle).set_hop_limit(limit);
                }
                Some(handle) => stack.sockets.get_mut::<udp::Socket>(handle).set_hop_limit(limit),
                None => {}
            }
            Ok(())
        });
    }

    fn bind(&self, at: SocketAddrV4) -> Result<()> {
        super::with(|stack| {
            if self.handle.get().is_some() {
                return Err(Errno::EINVAL);
            }
            if !at.ip().is_unspecified() && !at.ip().is_broadcast() && !stack.is_own(*at.ip()) {
                return Err(Errno::EADDRNOTAVAIL);
            }
            self.open(stack, at).map(|_| ())
        })
    }

    fn connect(&self, to: Option<SocketAddrV4>) -> Result<()> {
        super::with(|stack| {
            let Some(mut to) = to else {
                self.peer.set(None);
                return Ok(());
            };
            if to.ip().is_unspecified() {
                to.set_ip(Ipv4Addr::LOCALHOST);
            }
            stack.source_for(*to.ip())?;
            self.anywhere(stack)?;
            self.peer.set(Some(to));
            Ok(())
        })
    }

    fn send(&self, data: &[u8], to: Option<SocketAddrV4>) -> Result<usize> {
        let mut to = to.or(self.peer.get()).ok_or(Errno::EDESTADDRREQ)?;
        if to.ip().is_unspecified() {
            to.set_ip(Ipv4Addr::LOCALHOST);
        }
        if to.port() == 0 && self.protocol == Protocol::Udp {
            return Err(Errno::EINVAL);
        }
        if self.ended.get().1 {
            return Err(Errno::EPIPE);
        }
        if to.ip().is_broadcast() && !self.options.borrow().is_on(name::SO_BROADCAST) {
            return Err(Errno::EACCES);
        }
        super::retried(|stack| {
            self.queue(stack, data, to)?;
            stack.poll(time::now_ns());
            Ok(data.len())
        })
    }

    fn receive(&self, buf: &mut [u8], peek: bool) -> Result<Received> {
        super::retried(|stack| {
            self.sort_out(stack);
            match self.take(stack, buf, peek) {
                Err(Errno::EAGAIN) if self.ended.get().0 => Ok(Received { copied: 0, whole: 0, from: None }),
                taken => taken.map(|(copied, whole, from)| Received {
                    copied,
                    whole,
                    from: Some(Name::Inet(from)),
                }),
            }
        })
    }

    fn shutdown(&self, read: bool, write: bool) -> Result<()> {
        if self.peer.get().is_none() {
            return Err(Errno::ENOTCONN);
        }
        let before = self.ended.get();
        self.ended.set((before.0 || read, before.1 || write));
        crate::irq::notify();
        Ok(())
    }

    fn local(&self) -> Name {
        let mut own = self.claim.get().map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), |claim| claim.at);
        if let Some(peer) = self.peer.get().filter(|_| own.ip().is_unspecified()) {
            let source = super::with(|stack| stack.source_for(*peer.ip()));
            own.set_ip(source.unwrap_or(Ipv4Addr::UNSPECIFIED));
        }
        Name::Inet(own)
    }

    fn peer(&self) -> Result<Name> {
        self.peer.get().map(Name::Inet).ok_or(Errno::ENOTCONN)
    }
}

impl Drop for DatagramSocket {
    fn drop(&mut self) {
        let _ = super::with(|stack| {
            // What was sent just before goes out first.
            stack.poll(time::now_ns());
            if let Some(handle) = self.handle.get() {
                stack.sockets.remove(handle);
            }
            if let Some(claim) = self.claim.get() {
                stack.ports.release(&claim);
            }
            Ok(())
        });
    }
}
