//! The ways to the other ranks: rings to those on this host, the adapter to all. Which one a message takes is decided
//! message by message; the order of messages does not depend on it.

use super::super::header::{Header, Kind};
use crate::abi::MPI_ERR_OTHER;
use crate::error::{Result, err};
use crate::node;
use crate::transport::ivc::Ivc;
use crate::transport::{Channel, Payload};

/// Which way messages take (`UNIRANK_CHANNEL`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Rings where there are any, else the adapter.
    Auto,
    /// Rings; a job whose ranks have none is refused.
    Ivc,
    /// The adapter.
    Hca,
    /// Rings and the adapter in turn, changing after so many messages: for tests.
    Switch(u32),
}

/// Most messages after which [`Choice::Switch`] changes: so many can overtake others, and have to be kept.
pub const SWITCH_MOST: u32 = 1 << 16;

impl Choice {
    /// Reads the environment variable's value.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "" | "auto" => Ok(Self::Auto),
            "ivc" => Ok(Self::Ivc),
            "hca" => Ok(Self::Hca),
            other => match other.strip_prefix("switch:").and_then(|n| n.parse().ok()) {
                Some(n @ 1..=SWITCH_MOST) => Ok(Self::Switch(n)),
                _ => err(
                    MPI_ERR_OTHER,
                    format!(
                        "the environment variable UNIRANK_CHANNEL is {text:?}; it can be auto, ivc, hca or switch:N with N from 1 to {SWITCH_MOST}"
                    ),
                ),
            },
        }
    }
}

/// How a message went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// There was no room.
    No,
    /// Into a ring.
    ByRing,
    /// To the adapter.
    ByAdapter,
}

/// All ways of this rank.
pub struct Links {
    /// The adapter.
    pub channel: Box<dyn Channel>,
    /// The rings, when this rank has a job region and may use it.
    pub ivc: Option<Ivc>,
    choice: Choice,
    /// Messages sent while [`Choice::Switch`] counts.
    sent: u32,
    /// Times that only the rings were looked at since the adapter was.
    since_channel: u32,
    /// The adapter was used: it is looked at every time.
    pub channel_busy: bool,
    /// A ring had no room: nothing tells when it has, so queues are tried again at every look.
    pub waits_for_ring: bool,
}

/// So often the rings are looked at before an idle adapter is.
const RINGS_PER_CHANNEL: u32 = 64;

impl Links {
    /// The adapter, and rings unless `choice` forbids them.
    pub fn new(channel: Box<dyn Channel>, ivc: Option<Ivc>, choice: Choice) -> Self {
        let ivc = ivc.filter(|_| choice != Choice::Hca);
        Self { channel, ivc, choice, sent: 0, since_channel: 0, channel_busy: false, waits_for_ring: false }
    }

    /// The adapter alone.
    pub fn by_adapter(channel: impl Channel + 'static) -> Self {
        Self::new(Box::new(channel), None, Choice::Hca)
    }

    /// The rings, if the next message may go through one.
    #[inline]
    pub fn next_ring(&mut self) -> Option<&mut Ivc> {
        match self.choice {
            Choice::Switch(n) if self.sent / n % 2 == 1 => None,
            _ => self.ivc.as_mut(),
        }
    }

    /// Whether the user wants everything to take the adapter.
    pub fn is_adapter_wanted(&self) -> bool {
        self.choice == Choice::Hca
    }

    /// The rings, if the next message to `to` goes through one.
    #[inline]
    pub fn ring(&mut self, to: u32) -> Option<&mut Ivc> {
        let ivc = self.next_ring()?;
        if ivc.reaches(to) { Some(ivc) } else { None }
    }

    /// Sends a message.
    pub fn try_send(&mut self, to: u32, header: &Header, data: Payload<'_>) -> Result<Sent> {
        let ring = match () {
            () if header.is_for_rings() => self.ivc.as_mut(),
            // It was made for the adapter, and waited: a ring has no room for its token.
            () if header.kind == Kind::Eager && header.token != 0 => None,
            () => self.ring(to),
        };
        let sent = match ring {
            Some(ivc) => {
                let sent = ivc.try_send(to, header, data);
                if sent {
                    node::wake(to);
                }
                self.waits_for_ring |= !sent;
                if sent { Sent::ByRing } else { Sent::No }
            }
            None => {
                self.channel_busy = true;
                let bytes = header.encode();
                let sent = self.channel.try_send(to, &bytes[..header.wire_size()], data)?;
                if sent { Sent::ByAdapter } else { Sent::No }
            }
        };
        self.sent = self.sent.wrapping_add(u32::from(sent != Sent::No));
        Ok(sent)
    }

    /// Counts a message that was sent past [`Self::try_send`].
    #[inline]
    pub fn count(&mut self) {
        self.sent = self.sent.wrapping_add(1);
    }

    /// Whether it is the adapter's turn to be looked at.
    #[inline]
    pub fn is_channel_due(&mut self) -> bool {
        self.since_channel += 1;
        if self.channel_busy || self.ivc.is_none() || self.since_channel >= RINGS_PER_CHANNEL {
            self.since_channel = 0;
            return true;
        }
        false
    }

    /// Makes the adapter due at the next look.
    pub fn look_at_channel(&mut self) {
        self.since_channel = RINGS_PER_CHANNEL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_and_nonsense_is_named() {
        for (text, choice) in [
            ("auto", Choice::Auto),
            ("", Choice::Auto),
            (" hca", Choice::Hca),
            ("ivc", Choice::Ivc),
            ("switch:7", Choice::Switch(7)),
        ] {
            assert_eq!(Choice::parse(text), Ok(choice));
        }
        for text in ["tcp", "switch:0", "switch:", "switch:x", "switch:65537"] {
            assert!(Choice::parse(text).is_err_and(|error| error.text.contains("UNIRANK_CHANNEL")), "{text}");
        }
    }
}
