//! Ethernet frames as they lie in memory: what is where, checked against the length (RFC 791, 826, 9293).

use core::net::Ipv4Addr;
use core::ops::Range;

/// Bytes of an Ethernet header.
pub const ETHERNET: usize = 14;
/// Bytes of an IPv4 header without options.
pub const IPV4: usize = 20;
/// Bytes of a TCP header without options.
pub const TCP_HEADER: usize = 20;
const ETHERTYPE_IPV4: [u8; 2] = [8, 0];
const ETHERTYPE_ARP: [u8; 2] = [8, 6];
/// Protocol numbers.
pub const TCP: u8 = 6;
/// UDP's.
pub const UDP: u8 = 17;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// A frame with a sound IPv4 header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Where the payload is in the frame; what follows it is padding.
    pub payload: Range<usize>,
    /// What is in it.
    pub protocol: u8,
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub target: Ipv4Addr,
    /// It is one of several pieces of a packet.
    pub fragment: bool,
}

/// The bytes from `at` on, as an array.
fn array<const N: usize>(frame: &[u8], at: usize) -> Option<[u8; N]> {
    frame.get(at..)?.first_chunk().copied()
}

fn number(frame: &[u8], at: usize) -> Option<u16> {
    array(frame, at).map(u16::from_be_bytes)
}

impl Ipv4 {
    /// Looks at a frame; `None` if it is no IPv4 or its lengths contradict each other.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        if array(frame, 12)? != ETHERTYPE_IPV4 {
            return None;
        }
        let first = *frame.get(ETHERNET)?;
        let header = usize::from(first & 15) * 4;
        let total = usize::from(number(frame, ETHERNET + 2)?);
        if first >> 4 != 4 || header < IPV4 || total < header || ETHERNET + total > frame.len() {
            return None;
        }
        Some(Self {
            payload: ETHERNET + header..ETHERNET + total,
            protocol: *frame.get(ETHERNET + 9)?,
            source: array::<4>(frame, ETHERNET + 12)?.into(),
            target: array::<4>(frame, ETHERNET + 16)?.into(),
            // More fragments, or an offset.
            fragment: number(frame, ETHERNET + 6)? & 0x3fff != 0,
        })
    }

    /// Sum over the pseudo header that TCP and UDP checksums begin with.
    fn pseudo(&self) -> u32 {
        let len = self.payload.len() as u32;
        let addresses = sum(0, &self.source.octets());
        sum(addresses, &self.target.octets()) + u32::from(self.protocol) + len
    }

    /// Where the checksum of the payload is.
    fn checksum_at(&self) -> Option<usize> {
        let offset = match self.protocol {
            TCP => 16,
            UDP => 6,
            _ => return None,
        };
        let at = self.payload.start + offset;
        (at + 2 <= self.payload.end).then_some(at)
    }

    /// Whether the checksum of a TCP or UDP payload fits.
    pub fn checksum_fits(&self, frame: &[u8]) -> bool {
        frame.get(self.payload.clone()).is_some_and(|payload| fold(sum(self.pseudo(), payload)) == 0xffff)
    }

    /// Sets the checksum: the whole, or only the pseudo header's, to which the device adds the rest.
    pub fn set_checksum(&self, frame: &mut [u8], whole: bool) {
        let Some(at) = self.checksum_at() else { return };
        frame[at..at + 2].fill(0);
        let value =
            if whole { !fold(sum(self.pseudo(), &frame[self.payload.clone()])) } else { fold(self.pseudo()) };
        frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }

    /// Says that there is no checksum, which UDP allows.
    pub fn clear_checksum(&self, frame: &mut [u8]) {
        if let Some(at) = self.checksum_at() {
            frame[at..at + 2].fill(0);
        }
    }
}

/// A TCP header in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Port of the receiver.
    pub target_port: u16,
    /// Asks for a connection: SYN, with ACK or without.
    pub syn: bool,
    /// Acknowledges.
    pub ack: bool,
    options: Range<usize>,
}

impl Tcp {
    /// Looks at an unfragmented TCP packet.
    pub fn parse(frame: &[u8], ip: &Ipv4) -> Option<Self> {
        if ip.protocol != TCP || ip.fragment || ip.payload.len() < TCP_HEADER {
            return None;
        }
        let start = ip.payload.start;
        let header = usize::from(frame.get(start + 12)? >> 4) * 4;
        if header < TCP_HEADER || header > ip.payload.len() {
            return None;
        }
        let flags = *frame.get(start + 13)?;
        Some(Self {
            target_port: number(frame, start + 2)?,
            syn: flags & SYN != 0,
            ack: flags & ACK != 0,
            options: start + TCP_HEADER..start + header,
        })
    }

    /// Where the header ends.
    pub fn end(&self) -> usize {
        self.options.end
    }

    /// Where the value of the maximum segment size option is.
    pub fn segment_size_at(&self, frame: &[u8]) -> Option<usize> {
        let mut at = self.options.start;
        while at < self.options.end {
            match *frame.get(at)? {
                0 => return None,
                1 => at += 1,
                kind => {
                    let len = usize::from(*frame.get(at + 1)?);
                    if len < 2 || at + len > self.options.end {
                        return None;
                    }
                    if kind == 2 && len == 4 {
                        return Some(at + 2);
                    }
                    at += len;
                }
            }
        }
        None
    }
}

/// If the frame asks who has an address by ARP: the address.
pub fn arp_target(frame: &[u8]) -> Option<Ipv4Addr> {
    let request = array::<10>(frame, 12)? == [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
    array::<4>(frame, 38).filter(|_| request).map(Into::into)
}

/// The answer of `mac` to an ARP request.
pub fn arp_reply(request: &[u8], mac: [u8; 6]) -> Option<[u8; 42]> {
    let mut reply: [u8; 42] = array(request, 0)?;
    let (sender, target) = (array::<10>(request, 22)?, array::<4>(request, 38)?);
    reply[..6].copy_from_slice(&sender[..6]);
    reply[6..12].copy_from_slice(&mac);
    // Operation: reply.
    reply[21] = 2;
    reply[22..28].copy_from_slice(&mac);
    reply[28..32].copy_from_slice(&target);
    reply[32..42].copy_from_slice(&sender);
    Some(reply)
}

/// Whether the frame is ARP.
pub fn is_arp(frame: &[u8]) -> bool {
    array(frame, 12) == Some(ETHERTYPE_ARP)
}

/// Whom ARP says an address belongs to: sender and receiver.
pub fn arp_addresses(frame: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    Some((array::<4>(frame, 28)?.into(), array::<4>(frame, 38)?.into()))
}

/// Adds bytes to a ones' complement sum (RFC 1071). A frame has too few to overflow it.
pub fn sum(mut sum: u32, bytes: &[u8]) -> u32 {
    // Words of eight bytes: the sum is the same whatever the width.
    let mut wide = 0u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_be_bytes(*word);
        wide += (word >> 32) + (word & 0xffff_ffff);
    }
    let (pairs, rest) = rest.as_chunks::<2>();
    for pair in pairs {
        wide += u64::from(u16::from_be_bytes(*pair));
    }
    if let [last] = rest {
        wide += u64::from(*last) << 8;
    }
    while wide > 0xffff {
        wide = (wide & 0xffff) + (wide >> 16);
    }
    sum += wide as u32;
    sum
}

/// The sum in 16 bits.
pub fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with an IPv4 header and this payload.
    pub fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; ETHERNET + IPV4];
        frame[12..14].copy_from_slice(&ETHERTYPE_IPV4);
        frame[14] = 0x45;
        frame[16..18].copy_from_slice(&((IPV4 + payload.len()) as u16).to_be_bytes());
        frame[23] = protocol;
        frame[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn checksums_are_set_and_checked() {
        for len in [20, 21, 27, 28, 1459, 65000] {
            let mut payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            payload[12] = 0x50;
            let mut frame = packet(TCP, &payload);
            let ip = Ipv4::parse(&frame).unwrap();
            ip.set_checksum(&mut frame, true);
            assert!(ip.checksum_fits(&frame));
            frame[ETHERNET + IPV4 + 5] ^= 1;
            assert!(!ip.checksum_fits(&frame));
        }
    }

    #[test]
    fn the_devices_half_completes_ours() {
        let mut frame = packet(TCP, &[3; 33]);
        let ip = Ipv4::parse(&frame).unwrap();
        ip.set_checksum(&mut frame, false);
        // What a device does: the sum over everything from the start of the header on.
        let value = !fold(sum(0, &frame[ip.payload.clone()]));
        let at = ip.checksum_at().unwrap();
        frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
        assert!(ip.checksum_fits(&frame));
    }

    #[test]
    fn lengths_that_contradict_are_refused() {
        let frame = packet(TCP, &[0; 20]);
        assert!(Ipv4::parse(&frame).is_some());
        for (at, value) in [(12, 9), (14, 0x44), (14, 0x4f), (14, 0x65), (16, 1), (17, 19), (17, 41)] {
            let mut bad = frame.clone();
            bad[at] = value;
            assert_eq!(Ipv4::parse(&bad).filter(|ip| ip.payload.end > bad.len() || at != 14), None, "{at}");
        }
        for len in 0..frame.len() {
            assert_eq!(Ipv4::parse(&frame[..len]), None);
        }
    }

    #[test]
    fn segment_size_is_found_among_options() {
        let mut tcp = [0u8; 32];
        tcp[12] = 0x80;
        tcp[13] = SYN;
        tcp[20..28].copy_from_slice(&[1, 3, 3, 7, 2, 4, 5, 0xb4]);
        let frame = packet(TCP, &tcp);
        let parsed = Tcp::parse(&frame, &Ipv4::parse(&frame).unwrap()).unwrap();
        assert!(parsed.syn && !parsed.ack);
        let at = parsed.segment_size_at(&frame).unwrap();
        assert_eq!(number(&frame, at), Some(1460));
        // Options of no length, and ones beyond the end.
        for len in [0, 1, 200] {
            let mut bad = frame.clone();
            bad[ETHERNET + IPV4 + 22] = len;
            assert_eq!(parsed.segment_size_at(&bad), None);
        }
    }

    #[test]
    fn arp_requests_are_answered() {
        let mut request = vec![0xff; 6];
        request.extend([2; 6]);
        request.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        request.extend([2, 2, 2, 2, 2, 2, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1]);
        assert_eq!(arp_target(&request), Some(Ipv4Addr::LOCALHOST));
        let reply = arp_reply(&request, [4; 6]).unwrap();
        assert_eq!(arp_target(&reply), None);
        assert_eq!(arp_addresses(&reply), Some((Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 0, 0, 1))));
        assert_eq!((&reply[..6], &reply[6..12]), (&[2; 6][..], &[4; 6][..]));
        for len in 0..request.len() {
            assert_eq!(arp_target(&request[..len]), None);
        }
    }
}
