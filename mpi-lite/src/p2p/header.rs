//! The header in front of every message between two ranks.
//!
//! Little-endian. The short form, 32 bytes, heads eager messages and credit returns; the other kinds add 32 bytes.
//!
//! | at | field |
//! |---|---|
//! | 0 | kind (u8), flags (u8), version (u8), code of the data's type (u8) |
//! | 4 | credit (u32): eager bytes which the sender of this message has consumed and gives back |
//! | 8 | context (u32), 12 source rank (i32), 16 tag (i32) |
//! | 20 | sequence number (u32) among the matchable messages of this ordered pair of ranks |
//! | 24 | token (u64): a request, see the kinds |
//! | 32 | size (u64), 40 address (u64), 48 offset or second token (u64), 56 key (u32), 60 slot (u32) |

use super::matching::Envelope;
use crate::check::TypeCode;

/// Version of this format.
pub const VERSION: u8 = 2;
/// Bytes of the short form.
pub const SHORT: usize = 32;
/// Bytes of the long form.
pub const LONG: usize = 64;

/// What a message is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Matchable; the data follows. A token other than 0 asks for [`Kind::Fin`] once matched.
    Eager = 1,
    /// Only the credit field counts.
    Credit = 2,
    /// Matchable; `size` bytes of data wait at `address` under `key` for an RDMA read, then [`Kind::Fin`]. With the flag
    /// [`PACKED`] they are scattered at the sender, which packs them on [`Kind::Clear`]; if `other` is not 0, `address` is that of
    /// as many runs (address, bytes: u64 each) that can be read instead.
    Rendezvous = 3,
    /// The send request `token` is complete.
    Fin = 4,
    /// The receive request `other` wants `size` bytes of the send request `token`, packed, in pieces or with [`STREAM`].
    Clear = 5,
    /// `size` packed bytes from byte `other` of the message on wait at `address` under `key` for receive request `token`, in `slot`.
    Piece = 6,
    /// The piece in `slot` of send request `token` was read.
    PieceRead = 7,
    /// A part of the message of receive request `token`, from byte `other` on; the data follows. After [`Kind::Clear`]
    /// with [`STREAM`]. Only in rings.
    Data = 8,
    /// The receive of send request `token` is a large copy under ticket `slot` on the desk of the sender's ring: the sender
    /// may help. Only in rings.
    Help = 9,
    /// The data of receive request `token` is at its place: the sender has packed it there. After [`Kind::Clear`] with an
    /// address. Only in rings.
    Placed = 10,
}

impl Kind {
    /// The kind of a number.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Eager,
            2 => Self::Credit,
            3 => Self::Rendezvous,
            4 => Self::Fin,
            5 => Self::Clear,
            6 => Self::Piece,
            7 => Self::PieceRead,
            8 => Self::Data,
            9 => Self::Help,
            10 => Self::Placed,
            _ => return None,
        })
    }
}

/// Flag of [`Kind::Rendezvous`].
pub const PACKED: u8 = 1;
/// Flag of a header that was received: it came through a ring. Never on the way.
pub const VIA_RING: u8 = 0x80;
/// Flag of [`Kind::Clear`]: the sender sends the data itself, as [`Kind::Data`]; or, if `address` is not 0 and the sender may
/// write there, packs it to this address, and says [`Kind::Placed`].
pub const STREAM: u8 = 1;

/// A header as values. Fields that a kind does not use are zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What the message is for.
    pub kind: Kind,
    /// Flags of the kind.
    pub flags: u8,
    /// Eager bytes given back.
    pub credit: u32,
    /// What matching compares.
    pub envelope: Envelope,
    /// Place among the matchable messages of this pair.
    pub sequence: u32,
    /// A request of the receiver of this message, or for matchable messages of its sender.
    pub token: u64,
    /// Bytes of data.
    pub size: u64,
    /// Where the data is.
    pub address: u64,
    /// An offset or a second request.
    pub other: u64,
    /// Remote key of the memory at `address`.
    pub key: u32,
    /// Number of a piece's buffer.
    pub slot: u32,
}

impl Header {
    /// A header of `kind` about `token` with all else zero.
    pub const fn control(kind: Kind, token: u64) -> Self {
        Self {
            kind,
            flags: 0,
            credit: 0,
            envelope: Envelope { context: 0, source: 0, tag: 0, types: TypeCode::ANY },
            sequence: 0,
            token,
            size: 0,
            address: 0,
            other: 0,
            key: 0,
            slot: 0,
        }
    }

    /// Whether only rings carry it.
    #[inline]
    pub const fn is_for_rings(&self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Help | Kind::Placed)
    }

    /// Bytes of this header on the way.
    pub const fn wire_size(&self) -> usize {
        match self.kind {
            Kind::Eager | Kind::Credit | Kind::Fin => SHORT,
            _ => LONG,
        }
    }

    /// The bytes; the first [`Self::wire_size`] count.
    #[inline]
    pub fn encode(&self) -> [u8; LONG] {
        let mut out = [0; LONG];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &[self.kind as u8, self.flags, VERSION, self.envelope.types.to_wire()]);
        put(4, &self.credit.to_le_bytes());
        put(8, &self.envelope.context.to_le_bytes());
        put(12, &self.envelope.source.to_le_bytes());
        put(16, &self.envelope.tag.to_le_bytes());
        put(20, &self.sequence.to_le_bytes());
        put(24, &self.token.to_le_bytes());
        put(32, &self.size.to_le_bytes());
        put(40, &self.address.to_le_bytes());
        put(48, &self.other.to_le_bytes());
        put(56, &self.key.to_le_bytes());
        put(60, &self.slot.to_le_bytes());
        out
    }

    /// The header in front of `message` and the data behind it; none when the message is too short or of an unknown kind or version.
    #[inline]
    pub fn decode(message: &[u8]) -> Option<(Self, &[u8])> {
        let short = message.first_chunk::<SHORT>()?;
        let kind = Kind::from_number(short[0])?;
        if short[2] != VERSION {
            return None;
        }
        let mut header = Self::control(kind, u64_at(short, 24));
        if header.is_for_rings() {
            return None;
        }
        header.flags = short[1];
        header.credit = u32_at(short, 4);
        header.envelope = Envelope {
            context: u32_at(short, 8),
            source: u32_at(short, 12) as i32,
            tag: u32_at(short, 16) as i32,
            types: TypeCode::from_wire(short[3]),
        };
        header.sequence = u32_at(short, 20);
        if header.wire_size() == SHORT {
            return Some((header, &message[SHORT..]));
        }
        let long = message.first_chunk::<LONG>()?;
        header.size = u64_at(long, 32);
        header.address = u64_at(long, 40);
        header.other = u64_at(long, 48);
        header.key = u32_at(long, 56);
        header.slot = u32_at(long, 60);
        Some((header, &message[LONG..]))
    }
}

#[inline]
fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[inline]
fn u64_at<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_as_it_was_and_short_ones_are_short() {
        let types = TypeCode::from_wire(0x23);
        let envelope = Envelope { context: 0x0102_0304, source: 5, tag: i32::MAX, types };
        for kind in [
            Kind::Eager,
            Kind::Credit,
            Kind::Rendezvous,
            Kind::Fin,
            Kind::Clear,
            Kind::Piece,
            Kind::PieceRead,
        ] {
            let mut header =
                Header { flags: 1, credit: 77, envelope, sequence: 9, ..Header::control(kind, !0 - 1) };
            if header.wire_size() == LONG {
                header =
                    Header { size: 1 << 40, address: 1 << 41, other: 1 << 42, key: 3, slot: 4, ..header };
            }
            let mut bytes = header.encode()[..header.wire_size()].to_vec();
            bytes.extend_from_slice(b"data");
            assert_eq!(Header::decode(&bytes), Some((header, &b"data"[..])));
            assert_eq!(Header::decode(&bytes[..header.wire_size() - 1]), None);
        }
    }

    #[test]
    fn unknown_kinds_and_versions_are_refused() {
        let good = Header::control(Kind::Eager, 0).encode();
        for (at, value) in [(0, 0), (0, 8), (2, 1), (2, 3)] {
            let mut bad = good;
            bad[at] = value;
            assert_eq!(Header::decode(&bad), None);
        }
    }
}
