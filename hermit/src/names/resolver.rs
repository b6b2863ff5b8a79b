//! Asks name servers over UDP.

use core::net::{IpAddr, SocketAddr};

use hermit_abi::{EAI_AGAIN, EAI_FAIL, EAI_NONAME, POLLIN, SOCK_DGRAM, pollfd};

use super::dns::{Kind, Outcome, Question};
use super::host::Found;
use super::{Eai, text};
use crate::socket::{LINUX_AF_INET, LINUX_AF_INET6, LINUX_SOCK_CLOEXEC};
use crate::time::{Clock, Moment};

const PORT: u16 = 53;
/// Servers of `/etc/resolv.conf` that are asked, rounds, and patience with each server: the C library's.
const SERVERS: usize = 3;
const ROUNDS: usize = 2;
const PATIENCE_NS: u64 = 5_000_000_000;

/// Asks the servers of `/etc/resolv.conf` in turn.
pub fn ask(name: &str, kind: Kind, found: &mut Found) -> Result<(), Eai> {
    let (mut servers, mut count) = ([None; SERVERS], 0);
    text::with_file(c"/etc/resolv.conf", |text| {
        for address in text::name_servers(text).take(SERVERS) {
            servers[count] = Some(SocketAddr::new(address, PORT));
            count += 1;
        }
    });
    if count == 0 {
        return Err(EAI_FAIL);
    }
    ask_servers(servers.into_iter().flatten(), name, kind, found)
}

fn ask_servers(
    servers: impl Iterator<Item = SocketAddr> + Clone,
    name: &str,
    kind: Kind,
    found: &mut Found,
) -> Result<(), Eai> {
    for _ in 0..ROUNDS {
        for server in servers.clone() {
            let mut id = [0u8; 2];
            linux!(GETRANDOM, id.as_mut_ptr(), id.len(), 0);
            let Some(question) = Question::new(u16::from_ne_bytes(id), name, kind) else {
                return Err(EAI_NONAME);
            };
            match ask_server(server, &question, found) {
                Some(Outcome::Answered) => return Ok(()),
                Some(Outcome::NoSuchName) => return Err(EAI_NONAME),
                _ => {}
            }
        }
    }
    Err(EAI_AGAIN)
}

/// None when the server is not reached or says nothing in time.
fn ask_server(server: SocketAddr, question: &Question, found: &mut Found) -> Option<Outcome> {
    let (address, len) = linux_address(server);
    let family = u16::from_ne_bytes([address[0], address[1]]);
    let fd = linux!(SOCKET, u64::from(family), SOCK_DGRAM as u64 | LINUX_SOCK_CLOEXEC, 0);
    if fd < 0 {
        return None;
    }
    let outcome = exchange(fd, &address[..len], question, found);
    linux!(CLOSE, fd);
    outcome
}

fn exchange(fd: isize, server: &[u8], question: &Question, found: &mut Found) -> Option<Outcome> {
    let bytes = question.bytes();
    if linux!(CONNECT, fd, server.as_ptr(), server.len()) < 0
        || linux!(WRITE, fd, bytes.as_ptr(), bytes.len()) < 0
    {
        return None;
    }
    let end = Moment::after(Clock::Monotonic, PATIENCE_NS).ns;
    loop {
        let left = end.saturating_sub(Moment::now(Clock::Monotonic).ns) / 1_000_000;
        if left == 0 {
            return None;
        }
        let mut wait = pollfd { fd: fd as i32, events: POLLIN, revents: 0 };
        if linux!(POLL, &raw mut wait, 1, left) <= 0 {
            continue;
        }
        let mut answer = [0u8; 1232];
        // An error here is the news that nobody listens there.
        let len = usize::try_from(linux!(READ, fd, answer.as_mut_ptr(), answer.len())).ok()?;
        match question.take(&answer[..len.min(1232)], found) {
            Outcome::Garbage => {}
            outcome => return Some(outcome),
        }
    }
}

/// An address in Linux' layout, and how long it is.
fn linux_address(address: SocketAddr) -> ([u8; 28], usize) {
    let mut bytes = [0; 28];
    bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(v4) => {
            bytes[..2].copy_from_slice(&LINUX_AF_INET.to_ne_bytes());
            bytes[4..8].copy_from_slice(&v4.octets());
            (bytes, 16)
        }
        IpAddr::V6(v6) => {
            bytes[..2].copy_from_slice(&LINUX_AF_INET6.to_ne_bytes());
            bytes[8..24].copy_from_slice(&v6.octets());
            (bytes, 28)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    /// A server that first sends garbage, then the answer.
    fn server(code: u8) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            let (len, from) = socket.recv_from(&mut bytes).expect("a question");
            socket.send_to(b"garbage", from).expect("sent");
            let mut answer = bytes[..len].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80 | code]);
            answer[7] = u8::from(code == 0);
            if code == 0 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3]);
            }
            socket.send_to(&answer, from).expect("sent");
        });
        address
    }

    #[test]
    fn servers_are_asked_in_turn() {
        let nobody = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let mut found = Found::new();
        let servers = [nobody, server(2), server(0)];
        assert_eq!(ask_servers(servers.into_iter(), "host.lab", Kind::A, &mut found), Ok(()));
        assert_eq!(found.addresses(), ["10.1.2.3".parse::<IpAddr>().expect("an address")]);
        let result = ask_servers([server(3)].into_iter(), "host.lab", Kind::A, &mut Found::new());
        assert_eq!(result, Err(EAI_NONAME));
        let result = ask_servers([nobody].into_iter(), "host.lab", Kind::A, &mut Found::new());
        assert_eq!(result, Err(EAI_AGAIN));
        assert_eq!(ask_servers([nobody].into_iter(), "..", Kind::A, &mut Found::new()), Err(EAI_NONAME));
    }
}
