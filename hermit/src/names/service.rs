//! Ports and protocols of services: numbers, and the two names that Hermit knows.

use hermit_abi::{
    EAI_NONAME, EAI_SERVICE, EAI_SOCKTYPE, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM,
    SOCK_STREAM,
};

use super::Eai;

/// `AI_NUMERICSERV`
const NUMERIC: i32 = 0x8;

/// Where and how a service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    pub port: u16,
    pub protocol: i32,
    pub kind: i32,
}

/// At most one of each protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct Services {
    all: [Service; 2],
    len: usize,
}

impl Services {
    fn of(tcp: Option<u16>, udp: Option<u16>) -> Self {
        let service = |port, protocol, kind| Service { port, protocol, kind };
        let all = [
            tcp.map(|port| service(port, IPPROTO_TCP, SOCK_STREAM)),
            udp.map(|port| service(port, IPPROTO_UDP, SOCK_DGRAM)),
        ];
        let mut services = Self { all: [service(0, 0, 0); 2], len: 0 };
        for one in all.into_iter().flatten() {
            services.all[services.len] = one;
            services.len += 1;
        }
        services
    }

    pub fn as_slice(&self) -> &[Service] {
        &self.all[..self.len]
    }
}

/// Which of TCP and UDP a kind of socket and a protocol leave.
fn protocols(kind: i32, protocol: i32) -> Result<(bool, bool), Eai> {
    let any = matches!(protocol, IPPROTO_IP | IPPROTO_IPV6);
    match (kind, protocol) {
        (0, _) if any => Ok((true, true)),
        (0 | SOCK_STREAM, IPPROTO_TCP) => Ok((true, false)),
        (0 | SOCK_DGRAM, IPPROTO_UDP) => Ok((false, true)),
        (SOCK_STREAM, _) if any => Ok((true, false)),
        (SOCK_DGRAM, _) if any => Ok((false, true)),
        (SOCK_STREAM | SOCK_DGRAM | 0, _) => Err(EAI_SERVICE),
        _ => Err(EAI_SOCKTYPE),
    }
}

/// The services of a name; without one, those that the kind and protocol leave, at port 0.
pub fn find(name: Option<&str>, kind: i32, protocol: i32, flags: i32) -> Result<Services, Eai> {
    let (tcp, udp) = protocols(kind, protocol)?;
    let ports = |of_tcp: Option<u16>, of_udp: Option<u16>| {
        let services = Services::of(of_tcp.filter(|_| tcp), of_udp.filter(|_| udp));
        if services.as_slice().is_empty() { Err(EAI_SERVICE) } else { Ok(services) }
    };
    let Some(name) = name else { return ports(Some(0), Some(0)) };
    if let Ok(port) = name.parse() {
        return ports(Some(port), Some(port));
    }
    match name {
        _ if flags & NUMERIC != 0 => Err(EAI_NONAME),
        "http" => ports(Some(80), None),
        "https" => ports(Some(443), Some(443)),
        _ => Err(EAI_SERVICE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: Option<&str>, kind: i32, protocol: i32, flags: i32) -> Result<Vec<(u16, i32)>, Eai> {
        let services = find(name, kind, protocol, flags)?;
        Ok(services.as_slice().iter().map(|service| (service.port, service.protocol)).collect())
    }

    #[test]
    fn numbers_and_names() {
        let (tcp, udp) = (IPPROTO_TCP, IPPROTO_UDP);
        assert_eq!(found(Some("8080"), 0, 0, 0), Ok(vec![(8080, tcp), (8080, udp)]));
        assert_eq!(found(Some("8080"), SOCK_DGRAM, 0, NUMERIC), Ok(vec![(8080, udp)]));
        assert_eq!(found(None, SOCK_STREAM, IPPROTO_IPV6, 0), Ok(vec![(0, tcp)]));
        assert_eq!(found(Some("http"), SOCK_STREAM, 0, 0), Ok(vec![(80, tcp)]));
        assert_eq!(found(Some("http"), SOCK_DGRAM, 0, 0), Err(EAI_SERVICE));
        assert_eq!(found(Some("http"), 0, 0, NUMERIC), Err(EAI_NONAME));
        assert_eq!(found(Some("https"), 0, udp, 0), Ok(vec![(443, udp)]));
        assert_eq!(found(Some("65536"), 0, 0, 0), Err(EAI_SERVICE));
        assert_eq!(found(Some("1"), SOCK_STREAM, udp, 0), Err(EAI_SERVICE));
        assert_eq!(found(Some("1"), 3, 0, 0), Err(EAI_SOCKTYPE));
    }
}
