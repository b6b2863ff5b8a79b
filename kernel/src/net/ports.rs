//! Which port numbers are taken.

use crate::errno::{Errno, Result};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

/// Numbers the kernel chooses from, as Linux does (ip_local_port_range).
const EPHEMERAL: core::ops::Range<u16> = 32768..60999;

/// Whose numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP's.
    Tcp,
    /// UDP's.
    Udp,
    /// Identifiers of ICMP echo.
    Ping,
}

/// One socket's claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose numbers.
    pub protocol: Protocol,
    /// Address and number; an unspecified address stands for all.
    pub at: SocketAddrV4,
    /// Others may claim the same, if they too say so.
    pub shared: bool,
}

/// All claims.
pub struct Ports {
    claims: Vec<Claim>,
    next: u16,
}

impl Ports {
    /// None taken.
    pub fn new(seed: u64) -> Self {
        Self { claims: Vec::new(), next: EPHEMERAL.start + (seed % EPHEMERAL.len() as u64) as u16 }
    }

    fn collides(&self, new: &Claim) -> bool {
        self.claims.iter().any(|old| {
            let (a, b) = (*old.at.ip(), *new.at.ip());
            let overlap = a == b || a == Ipv4Addr::UNSPECIFIED || b == Ipv4Addr::UNSPECIFIED;
            old.protocol == new.protocol
                && old.at.port() == new.at.port()
                && overlap
                && !(old.shared && new.shared)
        })
    }

    /// Claims a number; of 0, a free one. EADDRINUSE if there is none.
    pub fn claim(&mut self, mut claim: Claim) -> Result<Claim> {
        if claim.at.port() == 0 {
            let free = (0..EPHEMERAL.len()).find_map(|_| {
                self.next = if self.next + 1 < EPHEMERAL.end { self.next + 1 } else { EPHEMERAL.start };
                claim.at.set_port(self.next);
                // One that nobody else has, wherever.
                let taken = |c: &Claim| c.protocol == claim.protocol && c.at.port() == claim.at.port();
                (!self.claims.iter().any(taken)).then_some(claim)
            });
            claim = free.ok_or(Errno::EADDRINUSE)?;
        } else if self.collides(&claim) {
            return Err(Errno::EADDRINUSE);
        }
        self.claims.push(claim);
        Ok(claim)
    }

    /// Gives a claim up.
    pub fn release(&mut self, claim: &Claim) {
        if let Some(i) = self.claims.iter().position(|c| c == claim) {
            self.claims.swap_remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(ip: [u8; 4], port: u16, shared: bool) -> Claim {
        Claim { protocol: Protocol::Udp, at: SocketAddrV4::new(ip.into(), port), shared }
    }

    #[test]
    fn numbers_are_taken_once() {
        let mut ports = Ports::new(7);
        let first = ports.claim(claim([0; 4], 80, false)).unwrap();
        assert_eq!(ports.claim(claim([127, 0, 0, 1], 80, true)), Err(Errno::EADDRINUSE));
        ports.release(&first);
        assert!(ports.claim(claim([127, 0, 0, 1], 80, true)).is_ok());
        assert!(ports.claim(claim([127, 0, 0, 1], 80, true)).is_ok());
        assert!(ports.claim(claim([10, 0, 0, 1], 80, false)).is_ok());
    }

    #[test]
    fn chosen_numbers_differ_until_there_is_none() {
        let mut ports = Ports::new(u64::MAX);
        let mut seen = std::collections::HashSet::new();
        for _ in EPHEMERAL {
            let port = ports.claim(claim([0; 4], 0, false)).unwrap().at.port();
            assert!(EPHEMERAL.contains(&port) && seen.insert(port));
            // Claims are many in this test only.
            if seen.len() == 3000 {
                break;
            }
        }
        let all = EPHEMERAL.map(|port| claim([0; 4], port, false)).collect();
        let mut full = Ports { claims: all, next: EPHEMERAL.start };
        assert_eq!(full.claim(claim([0; 4], 0, false)), Err(Errno::EADDRINUSE));
    }
}
