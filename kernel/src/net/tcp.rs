//! TCP sockets.

use super::listener::Listener;
use super::options::{Options, Settings, name};
use super::ports::{Claim, Protocol};
use super::socket::{Name, Received, Socket, kind};
use super::stack::{ListenerId, Stack};
use crate::errno::{Errno, Result};
use crate::fs::like::{FileLike, event};
use crate::{irq, time};
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::net::{Ipv4Addr, SocketAddrV4};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{self, RecvError, State};
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint};

/// How long a connection may take to be made.
const CONNECT_NS: u64 = 60_000_000_000;
/// Socket files, for everybody.
pub const SOCKET_MODE: u32 = 0o140777;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    Listening(ListenerId),
    Connecting(SocketHandle, u64),
    Connected(SocketHandle),
    Failed,
}

/// A TCP socket.
pub struct TcpSocket {
    phase: Cell<Phase>,
    options: Options,
    claim: Cell<Option<Claim>>,
    /// Own and peer's address, once known.
    local: Cell<Option<SocketAddrV4>>,
    remote: Cell<Option<SocketAddrV4>>,
    error: Cell<Option<Errno>>,
    no_more_reads: Cell<bool>,
    /// Bytes read and written by the program.
    read: Cell<u64>,
    written: Cell<u64>,
}

/// An address of the stack's as the socket interface has it.
pub fn address(endpoint: IpEndpoint) -> SocketAddrV4 {
    let IpAddress::Ipv4(ip) = endpoint.addr;
    SocketAddrV4::new(ip, endpoint.port)
}

impl TcpSocket {
    /// A socket that is neither bound nor connected.
    pub fn new() -> Self {
        Self::with(Phase::Fresh, Settings::default())
    }

    fn with(phase: Phase, settings: Settings) -> Self {
        Self {
            phase: Cell::new(phase),
            options: RefCell::new(settings),
            claim: Cell::new(None),
            local: Cell::new(None),
            remote: Cell::new(None),
            error: Cell::new(None),
            no_more_reads: Cell::new(false),
            read: Cell::new(0),
            written: Cell::new(0),
        }
    }

    /// Claims a port, if the socket has none.
    fn claim(&self, stack: &mut Stack, at: SocketAddrV4) -> Result<Claim> {
        if let Some(claim) = self.claim.get() {
            return Ok(claim);
        }
        let options = self.options.borrow();
        // Connections that linger from an earlier listener do not count here, so SO_REUSEADDR needs no more.
        let shared = options.is_on(name::SO_REUSEPORT);
        let claim = stack.ports.claim(Claim { protocol: Protocol::Tcp, at, shared })?;
        self.claim.set(Some(claim));
        Ok(claim)
    }

    /// Sees what came of a connection attempt.
    fn settle(&self, stack: &mut Stack) {
        let Phase::Connecting(handle, until) = self.phase.get() else { return };
        match stack.tcp(handle).state() {
            State::SynSent | State::SynReceived => {}
            State::Closed => {
                let late = time::now_ns() >= until;
                self.error.set(Some(if late { Errno::ETIMEDOUT } else { Errno::ECONNREFUSED }));
                self.phase.set(Phase::Failed);
                stack.abandon(handle, true);
            }
            _ => {
                let socket = stack.tcp(handle);
                socket.set_timeout(None);
                self.options.borrow().apply(socket);
                self.phase.set(Phase::Connected(handle));
            }
        }
    }

    /// The connection; EAGAIN while it is being made.
    fn connection(&self, stack: &mut Stack) -> Result<SocketHandle> {
        self.settle(stack);
        match self.phase.get() {
            Phase::Connected(handle) => Ok(handle),
            Phase::Connecting(..) => Err(Errno::EAGAIN),
            _ => Err(self.error.take().unwrap_or(Errno::ENOTCONN)),
        }
    }

    fn connected_events(&self, socket: &tcp::Socket<'_>) -> u32 {
        let (capacity, queued) = (socket.send_capacity(), socket.send_queue());
        let ended = !socket.may_recv() || self.no_more_reads.get();
        let closed = matches!(socket.state(), State::Closed | State::TimeWait);
        // With a quarter free, a writer is worth waking.
        let room = !socket.may_send() || capacity - queued >= capacity / 4;
        event::when(socket.can_recv() || ended, event::READ)
            | event::when(room, event::WRITE)
            | event::when(ended, event::RDHUP)
            | event::when(closed || (ended && !socket.may_send()), event::HUP)
    }

    fn try_receive(&self, stack: &mut Stack, buf: &mut [u8], peek: bool) -> Result<usize> {
        let handle = self.connection(stack)?;
        if self.no_more_reads.get() {
            return Ok(0);
        }
        let socket = stack.tcp(handle);
        if !socket.may_recv() {
            return match socket.recv(|_| (0, ())) {
                // No end was announced: told once, then it is the end.
                Err(RecvError::InvalidState) => {
                    self.no_more_reads.set(true);
                    Err(Errno::ECONNRESET)
                }
                _ => Ok(0),
            };
        }
        let n = if peek { socket.peek_slice(buf) } else { socket.recv_slice(buf) };
        match n {
            Ok(0) if !buf.is_empty() => Err(Errno::EAGAIN),
            Ok(n) => Ok(n),
            Err(_) => Ok(0),
        }
    }
}

impl Default for TcpSocket {
    fn default() -> Self {
        Self::new()
    }
}

impl FileLike for TcpSocket {
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        self.receive(buf, false).map(|received| received.copied)
    }

    fn write(&self, data: &[u8]) -> Result<usize> {
        self.send(data, None)
    }

    fn events(&self) -> u32 {
        let events = super::with(|stack| {
            self.settle(stack);
            Ok(match self.phase.get() {
                Phase::Fresh => event::WRITE | event::HUP,
                Phase::Connecting(..) => 0,
                Phase::Failed => {
                    let error = event::when(self.error.get().is_some(), event::ERR);
                    event::READ | event::WRITE | event::HUP | event::RDHUP | error
                }
                Phase::Connected(handle) => self.connected_events(stack.tcp(handle)),
                Phase::Listening(id) => {
                    let ready = stack.listener(id).is_some_and(|(l, sockets)| l.is_ready(sockets));
                    event::when(ready, event::READ)
                }
            })
        });
        events.unwrap_or(event::ERR)
    }

    fn activity(&self) -> u64 {
        let activity = super::with(|stack| {
            Ok(match self.phase.get() {
                Phase::Connected(handle) | Phase::Connecting(handle, _) => {
                    let socket = stack.tcp(handle);
                    let came = self.read.get() + socket.recv_queue() as u64;
                    let went = self.written.get().saturating_sub(socket.send_queue() as u64);
                    came.wrapping_add(went) << 4 | socket.state() as u64
                }
                Phase::Listening(id) => stack.listener(id).map_or(0, |(l, sockets)| l.activity(sockets)),
                Phase::Fresh | Phase::Failed => 0,
            })
        });
        activity.unwrap_or(0)
    }

    fn patience(&self) -> (Option<u64>, Option<u64>) {
        let options = self.options.borrow();
        (options.receive_patience, options.send_patience)
    }

    fn bytes_ahead(&self) -> Result<u32> {
        super::with(|stack| match self.phase.get() {
            Phase::Connected(handle) => Ok(stack.tcp(handle).recv_queue() as u32),
            Phase::Listening(_) => Err(Errno::EINVAL),
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

impl Socket for TcpSocket {
    fn kind(&self) -> (i32, i32, i32) {
        (kind::AF_INET, kind::SOCK_STREAM, kind::IPPROTO_TCP)
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn options_changed(&self) {
        let _ = super::with(|stack| {
            if let Phase::Connected(handle) = self.phase.get() {
                self.options.borrow().apply(stack.tcp(handle));
            }
            Ok(())
        });
    }

    fn bind(&self, at: SocketAddrV4) -> Result<()> {
        super::with(|stack| {
            if self.claim.get().is_some() || self.phase.get() != Phase::Fresh {
                return Err(Errno::EINVAL);
            }
            if !at.ip().is_unspecified() && !stack.is_own(*at.ip()) {
                return Err(Errno::EADDRNOTAVAIL);
            }
            let claim = self.claim(stack, at)?;
            self.local.set(Some(claim.at));
            Ok(())
        })
    }

    fn listen(&self, backlog: usize) -> Result<()> {
        super::with(|stack| {
            match self.phase.get() {
                Phase::Fresh => {}
                Phase::Listening(id) => {
                    if let Some((listener, _)) = stack.listener(id) {
                        listener.set_backlog(backlog);
                    }
                    return Ok(());
                }
                _ => return Err(Errno::EINVAL),
            }
            let claim = self.claim(stack, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
            self.local.set(Some(claim.at));
            let settings = self.options.borrow().clone();
            let id = stack.listen(Listener::new(claim.at, backlog, settings))?;
            self.phase.set(Phase::Listening(id));
            Ok(())
        })
    }

    fn listens(&self) -> bool {
        matches!(self.phase.get(), Phase::Listening(_))
    }

    fn accept(&self) -> Result<(Rc<dyn FileLike>, Name)> {
        let Phase::Listening(id) = self.phase.get() else { return Err(Errno::EINVAL) };
        super::retried(|stack| {
            let (listener, sockets) = stack.listener(id).ok_or(Errno::EINVAL)?;
            let handle = listener.accept(sockets)?;
            let socket = stack.tcp(handle);
            let ends = (socket.local_endpoint().map(address), socket.remote_endpoint().map(address));
            let connection = Self::with(Phase::Connected(handle), self.options.borrow().clone());
            connection.local.set(ends.0);
            connection.remote.set(ends.1);
            let peer = ends.1.unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
            Ok((Rc::new(connection) as Rc<dyn FileLike>, Name::Inet(peer)))
        })
    }

    fn connect(&self, to: Option<SocketAddrV4>) -> Result<()> {
        super::with(|stack| {
            self.settle(stack);
            match self.phase.get() {
                Phase::Connecting(..) => return Err(Errno::EALREADY),
                Phase::Connected(_) | Phase::Listening(_) => return Err(Errno::EISCONN),
                Phase::Failed | Phase::Fresh => {}
            }
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let mut to = to.ok_or(Errno::EAFNOSUPPORT)?;
            if to.ip().is_unspecified() {
                to.set_ip(Ipv4Addr::LOCALHOST);
            }
            if to.port() == 0 {
                return Err(Errno::ECONNREFUSED);
            }
            let source = stack.source_for(*to.ip())?;
            let claim = self.claim(stack, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
            let own = if claim.at.ip().is_unspecified() { source } else { *claim.at.ip() };
            let mut socket = self.options.borrow().tcp()?;
            socket.set_timeout(Some(Duration::from_micros(CONNECT_NS / 1000)));
            let local = IpEndpoint::new(own.into(), claim.at.port());
            let remote = IpEndpoint::new((*to.ip()).into(), to.port());
            socket.connect(stack.iface.context(), remote, local).map_err(|_| Errno::EINVAL)?;
            let handle = stack.add(socket);
            self.local.set(Some(address(local)));
            self.remote.set(Some(to));
            self.phase.set(Phase::Connecting(handle, time::now_ns() + CONNECT_NS));
            stack.poll(time::now_ns());
            Err(Errno::EINPROGRESS)
        })
    }

    fn send(&self, data: &[u8], _: Option<SocketAddrV4>) -> Result<usize> {
        super::retried(|stack| {
            let handle = self.connection(stack)?;
            match stack.tcp(handle).send_slice(data) {
                Ok(0) if !data.is_empty() => Err(Errno::EAGAIN),
                Ok(n) => {
                    self.written.set(self.written.get() + n as u64);
                    stack.poll(time::now_ns());
                    Ok(n)
                }
                Err(_) => Err(self.error.take().unwrap_or(Errno::EPIPE)),
            }
        })
    }

    fn receive(&self, buf: &mut [u8], peek: bool) -> Result<Received> {
        let n = super::retried(|stack| {
            let n = self.try_receive(stack, buf, peek)?;
            if !peek && n > 0 {
                let before = self.read.get();
                self.read.set(before + n as u64);
                if let Phase::Connected(handle) = self.phase.get() {
                    // Each quarter of the window that gets free is worth telling the peer.
                    let quarter = (stack.tcp(handle).recv_capacity() / 4).max(1) as u64;
                    if before / quarter != self.read.get() / quarter {
                        stack.poll(time::now_ns());
                    }
                }
            }
            Ok(n)
        })?;
        Ok(Received { copied: n, whole: n, from: None })
    }

    fn shutdown(&self, read: bool, write: bool) -> Result<()> {
        super::with(|stack| {
            match self.phase.get() {
                Phase::Connected(handle) => {
                    if read {
                        self.no_more_reads.set(true);
                    }
                    if write {
                        stack.tcp(handle).close();
                        stack.poll(time::now_ns());
                    }
                }
                // As on Linux, the end of a listening socket's reads is the end of its listening.
                Phase::Listening(id) if read => {
                    stack.unlisten(id);
                    self.phase.set(Phase::Failed);
                }
                _ => return Err(Errno::ENOTCONN),
            }
            irq::notify();
            Ok(())
        })
    }

    fn local(&self) -> Name {
        Name::Inet(self.local.get().unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))
    }

    fn peer(&self) -> Result<Name> {
        let _ = super::with(|stack| {
            self.settle(stack);
            Ok(())
        });
        match self.phase.get() {
            Phase::Connected(_) => self.remote.get().map(Name::Inet).ok_or(Errno::ENOTCONN),
            _ => Err(Errno::ENOTCONN),
        }
    }

    fn take_error(&self) -> Option<Errno> {
        let _ = super::with(|stack| {
            self.settle(stack);
            Ok(())
        });
        self.error.take()
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        let _ = super::with(|stack| {
            match self.phase.get() {
                Phase::Connecting(handle, _) => stack.abandon(handle, true),
                Phase::Connected(handle) => {
                    let reset = self.options.borrow().linger == Some(0);
                    stack.abandon(handle, reset);
                }
                Phase::Listening(id) => stack.unlisten(id),
                Phase::Fresh | Phase::Failed => {}
            }
            if let Some(claim) = self.claim.get() {
                stack.ports.release(&claim);
            }
            stack.poll(time::now_ns());
            Ok(())
        });
    }
}
