//! Headers in the slots of a ring.
//!
//! | kind | words 1, 2 | data |
//! |---|---|---|
//! | eager | context and tag, source and sequence | the message's; the code of its type is in the flags |
//! | data | token, offset | a part of the message's |
//! | others | context and tag, source and sequence | token, size, address, other, key and slot (of a rendezvous the code of its type) |
//!
//! Credit goes another way: see [`unirank_ivc::ring`].

use crate::check::TypeCode;
use crate::p2p::header::{Header, Kind};
use crate::p2p::matching::Envelope;
use unirank_ivc::ring::{Head, Message, Small};

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// The head of an eager message.
#[inline]
pub fn eager(envelope: &Envelope, sequence: u32) -> Head {
    let Envelope { context, source, tag, types } = *envelope;
    Head {
        kind: Kind::Eager as u8,
        flags: types.to_wire(),
        words: [pair(context, tag as u32), pair(source as u32, sequence)],
    }
}

/// Envelope and sequence number of an eager message; none for others.
#[inline]
pub fn decode_eager(head: &Head) -> Option<(Envelope, u32)> {
    (head.kind == Kind::Eager as u8).then(|| envelope_and_sequence(head.words, head.flags))
}

/// As [`decode_eager`], of a small message.
#[inline(always)]
pub fn decode_small(small: Small<'_>) -> Option<(Envelope, u32)> {
    (small.kind() == Kind::Eager as u8).then(|| envelope_and_sequence(small.words(), small.flags()))
}

#[inline(always)]
fn envelope_and_sequence([first, second]: [u64; 2], types: u8) -> (Envelope, u32) {
    let types = TypeCode::from_wire(types);
    let envelope =
        Envelope { context: first as u32, source: second as i32, tag: (first >> 32) as i32, types };
    (envelope, (second >> 32) as u32)
}

/// The head of a message, and the words that follow when the header has more than fits it.
#[inline]
pub fn encode(header: &Header) -> (Head, Option<[u64; 5]>) {
    let Envelope { context, source, tag, types } = header.envelope;
    let (kind, flags) = (header.kind as u8, header.flags);
    match header.kind {
        Kind::Data => (Head { kind, flags, words: [header.token, header.other] }, None),
        Kind::Eager => (eager(&header.envelope, header.sequence), None),
        _ => {
            let words = [pair(context, tag as u32), pair(source as u32, header.sequence)];
            let slot = if header.kind == Kind::Rendezvous { types.to_wire().into() } else { header.slot };
            let more = [header.token, header.size, header.address, header.other, pair(header.key, slot)];
            (Head { kind, flags, words }, Some(more))
        }
    }
}

/// The header of a message; none if it is none.
#[inline]
pub fn decode(message: &Message<'_>) -> Option<Header> {
    let Head { kind, flags, words: [first, second] } = message.head;
    let kind = Kind::from_number(kind)?;
    let mut header = Header { flags, ..Header::control(kind, 0) };
    if kind == Kind::Data {
        (header.token, header.other) = (first, second);
        return Some(header);
    }
    (header.envelope, header.sequence) = envelope_and_sequence([first, second], 0);
    if kind == Kind::Eager {
        header.envelope.types = TypeCode::from_wire(flags);
        header.flags = 0;
    } else {
        if message.len != 40 {
            return None;
        }
        let [token, size, address, other, last] = *message.words();
        header =
            Header { token, size, address, other, key: last as u32, slot: (last >> 32) as u32, ..header };
        if kind == Kind::Rendezvous {
            header.envelope.types = TypeCode::from_wire(header.slot as u8);
            header.slot = 0;
        }
    }
    Some(header)
}
