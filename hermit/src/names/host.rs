//! Addresses of a host: by number, from `/etc/hosts`, from a name server.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hermit_abi::EAI_NONAME;

use super::dns::Kind;
use super::{Eai, resolver, text};

/// Flags of `addrinfo` (`netdb.h`; the crate has no names for them).
const PASSIVE: i32 = 0x1;
const NUMERIC: i32 = 0x4;
const ALL: i32 = 0x100;
const MAPPED: i32 = 0x800;

/// Most addresses of one host that are of use.
const MOST: usize = 16;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub v4: bool,
    pub v6: bool,
    pub flags: i32,
}

impl Wanted {
    fn takes(&self, address: &IpAddr) -> bool {
        if address.is_ipv4() { self.v4 } else { self.v6 }
    }

    fn has(&self, flag: i32) -> bool {
        self.flags & flag != 0
    }
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    all: [IpAddr; MOST],
    len: usize,
}

impl Found {
    pub fn new() -> Self {
        Self { all: [IpAddr::V4(Ipv4Addr::UNSPECIFIED); MOST], len: 0 }
    }

    /// Adds one; those beyond the most are of no use.
    pub fn add(&mut self, address: IpAddr) {
        if self.len < MOST && !self.addresses().contains(&address) {
            self.all[self.len] = address;
            self.len += 1;
        }
    }

    pub fn addresses(&self) -> &[IpAddr] {
        &self.all[..self.len]
    }

    fn or_none(self) -> Result<Self, Eai> {
        if self.len == 0 { Err(EAI_NONAME) } else { Ok(self) }
    }
}

/// Addresses of a name; without one, of this host.
pub fn find(name: Option<&str>, wanted: Wanted) -> Result<Found, Eai> {
    let mut found = Found::new();
    let (v4, v6) = match name {
        None if wanted.has(PASSIVE) => (Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
        _ => (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST),
    };
    let own = [IpAddr::V4(v4), IpAddr::V6(v6)];
    let Some(name) = name else {
        own.into_iter().filter(|a| wanted.takes(a)).for_each(|a| found.add(a));
        return found.or_none();
    };
    if let Ok(address) = name.parse() {
        if wanted.takes(&address) {
            found.add(address);
        }
        return found.or_none();
    }
    if wanted.has(NUMERIC) {
        return Err(EAI_NONAME);
    }
    text::with_file(c"/etc/hosts", |hosts| {
        text::addresses(hosts, name).filter(|a| wanted.takes(a)).for_each(|a| found.add(a));
    });
    // This name means this host whatever files and servers say (RFC 6761, section 6.3).
    if found.len == 0 && name.eq_ignore_ascii_case("localhost") {
        own.into_iter().filter(|a| wanted.takes(a)).for_each(|a| found.add(a));
    }
    if found.len == 0 {
        ask(name, wanted, &mut found)?;
    }
    found.or_none()
}

/// Asks the name servers. An IPv6 address may be made of an IPv4 one, when the caller says so.
fn ask(name: &str, wanted: Wanted, found: &mut Found) -> Result<(), Eai> {
    let mut result = Ok(());
    if wanted.v4 {
        result = resolver::ask(name, Kind::A, found);
    }
    if wanted.v6 {
        result = result.and(resolver::ask(name, Kind::Aaaa, found));
    }
    if wanted.v6 && !wanted.v4 && wanted.has(MAPPED) && (found.len == 0 || wanted.has(ALL)) {
        let mut v4 = Found::new();
        result = resolver::ask(name, Kind::A, &mut v4);
        for address in v4.addresses() {
            if let IpAddr::V4(address) = address {
                found.add(IpAddr::V6(address.to_ipv6_mapped()));
            }
        }
    }
    // One family's addresses are an answer, whatever became of the other question.
    if found.len > 0 { Ok(()) } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: Option<&str>, v4: bool, v6: bool, flags: i32) -> Result<Vec<String>, Eai> {
        let found = find(name, Wanted { v4, v6, flags })?;
        Ok(found.addresses().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn numbers_need_nobody() {
        assert_eq!(found(Some("10.1.2.3"), true, true, 0), Ok(vec!["10.1.2.3".into()]));
        assert_eq!(found(Some("fe80::2"), false, true, NUMERIC), Ok(vec!["fe80::2".into()]));
        assert_eq!(found(Some("fe80::2"), true, false, 0), Err(EAI_NONAME));
        assert_eq!(found(Some("host"), true, false, NUMERIC), Err(EAI_NONAME));
    }

    #[test]
    fn no_name_is_this_host() {
        assert_eq!(found(None, true, true, 0), Ok(vec!["127.0.0.1".into(), "::1".into()]));
        assert_eq!(found(None, true, false, PASSIVE), Ok(vec!["0.0.0.0".into()]));
        assert_eq!(found(None, false, false, 0), Err(EAI_NONAME));
        assert_eq!(found(Some("localhost"), true, false, 0), Ok(vec!["127.0.0.1".into()]));
    }
}
