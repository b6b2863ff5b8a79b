//! The rank's address in the network: given by the launcher or by DHCP.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::{Ipv4Addr, SocketAddrV4};

/// The port that the C library asks name servers at.
const DNS_PORT: u16 = 53;

/// What the launcher says of the network.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct NetConfig {
    /// A fixed address and the bits of it that name the network; DHCP without.
    pub address: Option<(Ipv4Addr, u8)>,
    /// The way to other networks, for a fixed address.
    pub gateway: Option<Ipv4Addr>,
    /// Name servers instead of those that DHCP tells.
    pub dns: Vec<SocketAddrV4>,
}

/// The address at work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Own address.
    pub address: Ipv4Addr,
    /// Bits of it that name the network.
    pub prefix: u8,
    /// The way to other networks.
    pub gateway: Option<Ipv4Addr>,
    /// Name servers.
    pub dns: Vec<SocketAddrV4>,
}

impl NetConfig {
    /// The lease that needs no server.
    pub fn fixed(&self) -> Option<Lease> {
        let (address, prefix) = self.address?;
        Some(Lease { address, prefix, gateway: self.gateway, dns: self.dns.clone() })
    }

    /// Reads the boot configuration's value: `dhcp` or `ADDRESS/PREFIX`, then `gw=ADDRESS` and any number of
    /// `dns=ADDRESS[:PORT]`, separated by commas.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        const FORM: &str = "expected dhcp or ADDRESS/PREFIX, then gw=ADDRESS, dns=ADDRESS[:PORT]";
        let text = core::str::from_utf8(value).map_err(|_| FORM)?;
        let mut config = Self::default();
        for (i, part) in text.split(',').enumerate() {
            let address = |text: &str| text.parse::<Ipv4Addr>().map_err(|_| FORM);
            match part.split_once('=') {
                Some(("gw", gateway)) if i > 0 => config.gateway = Some(address(gateway)?),
                Some(("dns", server)) if i > 0 => config.dns.push(name_server(server).ok_or(FORM)?),
                None if i == 0 && part == "dhcp" => {}
                None if i == 0 => {
                    let (own, prefix) = part.split_once('/').ok_or(FORM)?;
                    let prefix = prefix.parse().ok().filter(|&bits: &u8| bits <= 32).ok_or(FORM)?;
                    config.address = Some((address(own)?, prefix));
                }
                _ => return Err(FORM),
            }
        }
        Ok(config)
    }
}

fn name_server(text: &str) -> Option<SocketAddrV4> {
    text.parse().ok().or_else(|| Some(SocketAddrV4::new(text.parse().ok()?, DNS_PORT)))
}

impl Lease {
    /// Where a datagram really goes: the C library knows one port of name servers only.
    pub fn name_server_at(&self, to: SocketAddrV4) -> SocketAddrV4 {
        let listed = self.dns.iter().find(|server| server.ip() == to.ip() && to.port() == DNS_PORT);
        listed.copied().unwrap_or(to)
    }

    /// Where it seems to come from, the other way round.
    pub fn seen_from(&self, from: SocketAddrV4) -> SocketAddrV4 {
        let listed = self.dns.contains(&from);
        if listed { SocketAddrV4::new(*from.ip(), DNS_PORT) } else { from }
    }
}

/// The lease at work.
fn lease() -> Option<Lease> {
    super::STACK.borrow().as_ref().and_then(|stack| stack.lease().cloned())
}

/// Text of /etc/resolv.conf.
pub fn resolv_conf() -> Vec<u8> {
    // A program opens it to resolve a name, which needs the address anyway.
    let _ = super::await_address();
    let servers = lease().map(|lease| lease.dns).unwrap_or_default();
    let mut text = String::new();
    for server in servers {
        let _ = writeln!(text, "nameserver {}", server.ip());
    }
    text.into_bytes()
}

/// Text of /etc/hosts.
pub fn hosts() -> Vec<u8> {
    let name = &crate::bootconfig::get().hostname;
    let mut text = String::from("127.0.0.1 localhost\n");
    if !name.is_empty() {
        let own = lease().map_or(Ipv4Addr::LOCALHOST, |lease| lease.address);
        let _ = writeln!(text, "{own} {}", String::from_utf8_lossy(name));
    }
    text.into_bytes()
}

/// Text of /etc/nsswitch.conf: the C library looks into /etc/hosts, then asks name servers.
pub fn nsswitch() -> Vec<u8> {
    b"hosts: files dns\nservices: files\nprotocols: files\n".to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        assert_eq!(NetConfig::parse(b"dhcp"), Ok(NetConfig::default()));
        let config = NetConfig::parse(b"10.1.2.3/24,gw=10.1.2.1,dns=1.1.1.1:5353,dns=8.8.8.8").unwrap();
        assert_eq!(config.address, Some((Ipv4Addr::new(10, 1, 2, 3), 24)));
        let lease = config.fixed().unwrap();
        assert_eq!((lease.gateway, lease.dns.len()), (Some(Ipv4Addr::new(10, 1, 2, 1)), 2));
        let asked = SocketAddrV4::new(Ipv4Addr::new(1, 1, 1, 1), 53);
        let server = lease.name_server_at(asked);
        assert_eq!((server.port(), lease.seen_from(server)), (5353, asked));
        for bad in ["", "10.1.2.3", "10.1.2.3/33", "dhcp,dhcp", "gw=1.2.3.4", "dhcp,dns=x", "dhcp,mtu=3"] {
            assert!(NetConfig::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
