//! Listening sockets. smoltcp's socket listens until it becomes a connection; a backlog is many of them, and the next
//! one is made when a call comes ([`super::stack`]), so that waiting costs the memory of one connection.

use super::options::Settings;
use super::stack;
use crate::errno::{Errno, Result};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::wire::IpListenEndpoint;

/// Most connections that wait to be accepted, as Linux has it (somaxconn).
const MOST: usize = 4096;

/// A listening socket.
pub struct Listener {
    at: SocketAddrV4,
    backlog: usize,
    settings: Settings,
    /// Sockets that listen, are being connected, or wait to be accepted, in the order of calls.
    queue: Vec<SocketHandle>,
    accepted: u64,
}

impl Listener {
    /// Listens at an address, of which an unspecified one stands for all.
    pub fn new(at: SocketAddrV4, backlog: usize, settings: Settings) -> Self {
        Self { at, backlog: backlog.clamp(1, MOST), settings, queue: Vec::new(), accepted: 0 }
    }

    /// Changes the backlog.
    pub fn set_backlog(&mut self, backlog: usize) {
        self.backlog = backlog.clamp(1, MOST);
    }

    /// Whether a call to this address and port is for this socket.
    pub fn hears(&self, target: Ipv4Addr, port: u16) -> bool {
        self.at.port() == port && (self.at.ip().is_unspecified() || *self.at.ip() == target)
    }

    /// Makes sure that one socket listens. An error if the backlog is full, or memory.
    pub fn refill(&mut self, sockets: &mut SocketSet<'static>) -> Result<()> {
        self.forget_failed(sockets);
        let listens = |&handle: &SocketHandle| sockets.get::<tcp::Socket>(handle).is_listening();
        if self.queue.iter().any(listens) {
            return Ok(());
        }
        if self.queue.len() >= self.backlog {
            return Err(Errno::EAGAIN);
        }
        let mut socket = self.settings.tcp()?;
        let ip = (!self.at.ip().is_unspecified()).then_some((*self.at.ip()).into());
        let endpoint = IpListenEndpoint { addr: ip, port: self.at.port() };
        socket.listen(endpoint).map_err(|_| Errno::EADDRNOTAVAIL)?;
        self.queue.push(sockets.add(socket));
        Ok(())
    }

    /// Callers may give up before they are accepted.
    fn forget_failed(&mut self, sockets: &mut SocketSet<'static>) {
        self.queue.retain(|&handle| {
            let socket = sockets.get::<tcp::Socket>(handle);
            let failed = socket.state() == tcp::State::Closed && socket.remote_endpoint().is_none();
            if failed {
                sockets.remove(handle);
            }
            !failed
        });
    }

    fn ready(&self, sockets: &SocketSet<'static>) -> Option<usize> {
        self.queue.iter().position(|&handle| {
            let state = sockets.get::<tcp::Socket>(handle).state();
            !matches!(state, tcp::State::Listen | tcp::State::SynReceived | tcp::State::Closed)
        })
    }

    /// Whether there is a connection to accept.
    pub fn is_ready(&self, sockets: &SocketSet<'static>) -> bool {
        self.ready(sockets).is_some()
    }

    /// Changes when a connection has come.
    pub fn activity(&self, sockets: &SocketSet<'static>) -> u64 {
        let waits = |&&handle: &&SocketHandle| {
            let state = sockets.get::<tcp::Socket>(handle).state();
            !matches!(state, tcp::State::Listen | tcp::State::SynReceived)
        };
        self.accepted + self.queue.iter().filter(waits).count() as u64
    }

    /// The next connection; EAGAIN if there is none.
    pub fn accept(&mut self, sockets: &SocketSet<'static>) -> Result<SocketHandle> {
        let at = self.ready(sockets).ok_or(Errno::EAGAIN)?;
        self.accepted += 1;
        Ok(self.queue.remove(at))
    }

    /// The sockets it leaves behind.
    pub fn into_handles(self) -> Vec<SocketHandle> {
        self.queue
    }
}

impl Settings {
    /// A connection's socket with these settings.
    pub fn tcp(&self) -> Result<tcp::Socket<'static>> {
        let bytes = |wanted: Option<usize>| stack::buffer(wanted.unwrap_or_else(stack::buffer_bytes));
        let receive = tcp::SocketBuffer::new(bytes(self.receive_buffer)?);
        let send = tcp::SocketBuffer::new(bytes(self.send_buffer)?);
        let mut socket = tcp::Socket::new(receive, send);
        socket.set_congestion_control(tcp::CongestionControl::Reno);
        // What came in one batch is acknowledged at once, by one packet.
        socket.set_ack_delay(None);
        self.apply(&mut socket);
        Ok(socket)
    }
}
