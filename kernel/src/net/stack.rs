//! TCP/IP: smoltcp's interface and sockets over one [`Port`], and what smoltcp leaves to its user: backlogs, sockets that
//! close behind their program, and when to look again.

use super::config::{Lease, NetConfig};
use super::link::Link;
use super::listener::Listener;
use super::port::Port;
use super::ports::Ports;
use crate::errno::{Errno, Result};
use crate::mm::room;
use crate::{irq, mm};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::{AnySocket, dhcpv4, tcp};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Cidr};

/// Frames handled before answers go out: an interrupt's worth.
const BATCH: usize = 64;
/// Rounds of frames and answers in one go: the two ends of a connection within the rank could go on forever.
const ROUNDS: usize = 32;
/// When nothing can be done now that should be, look again after this time.
const RETRY_NS: u64 = 1_000_000;
/// How long a connection whose program has closed it may take to end.
const ORPHAN: Duration = Duration::from_secs(60);
/// A DHCP server that has not answered by then is asked again.
const DHCP_RETRY: Duration = Duration::from_secs(2);
/// Sizes of a connection's buffers, by how much memory is free. A power of two keeps ring arithmetic simple.
const LEAST_BUFFER: usize = 16 << 10;
const MOST_BUFFER: usize = 512 << 10;

/// A listening socket, to the stack.
pub type ListenerId = u64;

/// The stack.
pub struct Stack {
    /// smoltcp's interface.
    pub iface: Box<Interface>,
    /// smoltcp's sockets.
    pub sockets: SocketSet<'static>,
    /// Port numbers in use.
    pub ports: Ports,
    port: Port,
    net: NetConfig,
    dhcp: Option<SocketHandle>,
    lease: Option<Lease>,
    listeners: Vec<(ListenerId, Listener)>,
    next_listener: ListenerId,
    orphans: Vec<SocketHandle>,
    deadline: Option<u64>,
}

/// The stack's notion of a time of the monotonic clock.
pub fn instant(ns: u64) -> Instant {
    Instant::from_micros((ns / 1000) as i64)
}

/// Bytes of a new connection's buffer when the program does not say.
pub fn buffer_bytes() -> usize {
    // A 256th of what is free: 88 connections take half of it.
    let share = (mm::free_bytes() / 256) as usize;
    (share.clamp(LEAST_BUFFER, MOST_BUFFER) + 1).next_power_of_two() / 2
}

/// A buffer of that many bytes, or of fewer if memory has no such piece.
pub fn buffer(bytes: usize) -> Result<Vec<u8>> {
    room::zeros(bytes.max(LEAST_BUFFER), LEAST_BUFFER).ok_or(Errno::ENOBUFS)
}

/// smoltcp's interface. Not inlined: the kernel's stack has room for it once, on its way to the heap.
#[inline(never)]
fn interface(port: &mut Port, seed: u64, now_ns: u64) -> Box<Interface> {
    let mut config = Config::new(EthernetAddress(port.mac()).into());
    config.random_seed = seed;
    Box::new(Interface::new(config, port, instant(now_ns)))
}

impl Stack {
    /// A stack over a device, or over none.
    pub fn new(link: Option<Box<dyn Link>>, net: NetConfig, seed: u64, now_ns: u64) -> Self {
        let mut port = Port::new(link);
        let iface = interface(&mut port, seed, now_ns);
        let mut stack = Self {
            iface,
            sockets: SocketSet::new(Vec::new()),
            ports: Ports::new(seed),
            port,
            net,
            dhcp: None,
            lease: None,
            listeners: Vec::new(),
            next_listener: 0,
            orphans: Vec::new(),
            deadline: None,
        };
        let fixed = stack.net.fixed();
        if stack.port.has_link() && fixed.is_none() {
            let mut dhcp = dhcpv4::Socket::new();
            let mut retry = dhcp.get_retry_config();
            retry.discover_timeout = DHCP_RETRY;
            retry.initial_request_timeout = DHCP_RETRY;
            dhcp.set_retry_config(retry);
            stack.dhcp = Some(stack.sockets.add(dhcp));
        }
        stack.set_lease(fixed);
        stack.poll(now_ns);
        stack
    }

    fn set_lease(&mut self, lease: Option<Lease>) {
        let own = lease.as_ref().map(|lease| lease.address);
        self.iface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The first one is what the stack takes to ask for neighbours. There is room for two.
            if let Some(lease) = &lease {
                let _ = addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(lease.address, lease.prefix)));
            }
            let _ = addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(Ipv4Addr::LOCALHOST, 8)));
        });
        self.iface.routes_mut().remove_default_ipv4_route();
        if let Some(gateway) = lease.as_ref().and_then(|lease| lease.gateway) {
            let _ = self.iface.routes_mut().add_default_ipv4_route(gateway);
        }
        self.port.set_own(own);
        self.lease = lease;
    }

    fn poll_dhcp(&mut self) {
        let Some(handle) = self.dhcp else { return };
        let lease = match self.sockets.get_mut::<dhcpv4::Socket>(handle).poll() {
            None => return,
            Some(dhcpv4::Event::Deconfigured) => None,
            Some(dhcpv4::Event::Configured(found)) => Some(Lease {
                address: found.address.address(),
                prefix: found.address.prefix_len(),
                gateway: found.router,
                dns: if self.net.dns.is_empty() {
                    found.dns_servers.iter().map(|&server| SocketAddrV4::new(server, 53)).collect()
                } else {
                    self.net.dns.clone()
                },
            }),
        };
        // Hostile servers may offer anything.
        let sound = |lease: &Lease| {
            !(lease.address.is_unspecified()
                || lease.address.is_broadcast()
                || lease.address.is_multicast()
                || lease.address.is_loopback())
        };
        self.set_lease(lease.filter(sound));
        irq::notify();
    }

    /// Address and name servers, once there are some.
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Own address, once there is one.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.lease.as_ref().map(|lease| lease.address)
    }

    /// Whether there will be an address.
    pub fn awaits_address(&self) -> bool {
        self.dhcp.is_some() && self.lease.is_none()
    }

    /// The own address that packets to `target` come from; ENETUNREACH if there is no way.
    pub fn source_for(&self, target: Ipv4Addr) -> Result<Ipv4Addr> {
        if target.is_loopback() {
            return Ok(Ipv4Addr::LOCALHOST);
        }
        let lease = self.lease.as_ref().ok_or(Errno::ENETUNREACH)?;
        let near = Ipv4Cidr::new(lease.address, lease.prefix).contains_addr(&target);
        if near || lease.gateway.is_some() || target.is_broadcast() || target.is_multicast() {
            Ok(lease.address)
        } else {
            Err(Errno::ENETUNREACH)
        }
    }

    /// Whether packets to this address are for the rank.
    pub fn is_own(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || Some(address) == self.address()
    }

    /// Handles what has come and is due.
    pub fn poll(&mut self, now_ns: u64) {
        let now = instant(now_ns);
        let mut changed = false;
        for _ in 0..ROUNDS {
            let mut fetched = 0;
            while fetched < BATCH {
                let Some(call) = self.port.fetch() else { break };
                fetched += 1;
                let welcome = call.is_none_or(|call| self.make_room(call.target, call.port));
                if welcome {
                    self.iface.poll_ingress_single(now, &mut self.port, &mut self.sockets);
                }
                self.port.done();
            }
            let mut sent = false;
            while self.iface.poll_egress(now, &mut self.port, &mut self.sockets) != PollResult::None {
                sent = true;
            }
            self.port.flush();
            changed |= fetched > 0 || sent;
            if fetched == 0 {
                break;
            }
        }
        self.poll_dhcp();
        self.bury();
        let due = self.iface.poll_at(now, &self.sockets).map(|at| (at.total_micros().max(0) as u64) * 1000);
        self.deadline = due.map(|at| if at <= now_ns { now_ns + RETRY_NS } else { at });
        if changed {
            irq::notify();
        }
    }

    /// Whether [`Stack::poll`] has something to do.
    pub fn is_due(&self, now_ns: u64) -> bool {
        self.port.pending() || self.deadline.is_some_and(|at| now_ns >= at)
    }

    /// When it will, if no frame comes before.
    pub fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// Lets the device interrupt; whether something has come meanwhile.
    pub fn arm(&mut self) -> bool {
        self.port.arm();
        self.port.pending()
    }

    /// A connection's socket.
    pub fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// A new socket; `None` keeps it.
    pub fn add(&mut self, socket: impl AnySocket<'static>) -> SocketHandle {
        self.sockets.add(socket)
    }

    /// Starts to listen.
    pub fn listen(&mut self, listener: Listener) -> Result<ListenerId> {
        let id = self.next_listener;
        self.next_listener += 1;
        self.listeners.push((id, listener));
        match self.listener(id).map(|(listener, sockets)| listener.refill(sockets)) {
            Some(Ok(())) => Ok(id),
            _ => {
                self.listeners.retain(|entry| entry.0 != id);
                Err(Errno::ENOBUFS)
            }
        }
    }

    /// A listening socket, with the sockets it needs to work.
    pub fn listener(&mut self, id: ListenerId) -> Option<(&mut Listener, &mut SocketSet<'static>)> {
        let entry = self.listeners.iter_mut().find(|entry| entry.0 == id)?;
        Some((&mut entry.1, &mut self.sockets))
    }

    /// Makes sure that a call finds a socket. False: it is not answered, the backlog being full.
    fn make_room(&mut self, target: Ipv4Addr, port: u16) -> bool {
        let found =
            self.listeners.iter_mut().map(|entry| &mut entry.1).find(|listener| listener.hears(target, port));
        found.is_none_or(|listener| listener.refill(&mut self.sockets).is_ok())
    }

    /// Ends a listening socket and the connections that nobody has accepted.
    pub fn unlisten(&mut self, id: ListenerId) {
        let Some(at) = self.listeners.iter().position(|entry| entry.0 == id) else { return };
        let (_, listener) = self.listeners.swap_remove(at);
        for handle in listener.into_handles() {
            self.tcp(handle).abort();
            self.orphans.push(handle);
        }
    }

    /// Leaves a connection to itself: it ends with what there is to send, or with a reset.
    pub fn abandon(&mut self, handle: SocketHandle, reset: bool) {
        let socket = self.tcp(handle);
        if reset || socket.recv_queue() > 0 {
            socket.abort();
        } else {
            socket.close();
            socket.set_timeout(Some(ORPHAN));
        }
        self.orphans.push(handle);
    }

    /// Removes abandoned connections that have ended.
    fn bury(&mut self) {
        let sockets = &mut self.sockets;
        self.orphans.retain(|&handle| {
            let socket = sockets.get_mut::<tcp::Socket>(handle);
            if socket.recv_queue() > 0 {
                // Nobody will ever read it, and the sender is to know.
                socket.abort();
            }
            let ended = match socket.state() {
                // A reset may still have to go out.
                tcp::State::Closed => socket.remote_endpoint().is_none(),
                tcp::State::TimeWait => true,
                _ => false,
            };
            if ended {
                sockets.remove(handle);
            }
            !ended
        });
    }

    /// Whether a connection still has something to send.
    pub fn is_sending(&self) -> bool {
        let sends = |socket: &smoltcp::socket::Socket| match socket {
            smoltcp::socket::Socket::Tcp(socket) => match socket.state() {
                tcp::State::Closed => socket.remote_endpoint().is_some(),
                tcp::State::FinWait1 | tcp::State::Closing | tcp::State::LastAck => true,
                _ => socket.send_queue() > 0,
            },
            _ => false,
        };
        self.sockets.iter().any(|(_, socket)| sends(socket))
    }

    /// Ends all connections as the end of a process does.
    pub fn close_all(&mut self) {
        for (_, socket) in self.sockets.iter_mut() {
            if let smoltcp::socket::Socket::Tcp(socket) = socket {
                if socket.recv_queue() > 0 { socket.abort() } else { socket.close() }
            }
        }
    }
}
