//! Which message belongs to which receive: a pure data structure.
//!
//! Two queues: *posted* receives that found no message yet, *unexpected* messages that found no receive yet. The rules
//! (MPI 5.0, section 3.5): a message goes to the earliest posted receive whose pattern it fits; a receive takes the
//! earliest arrived message that fits its pattern. Messages of one source and context are handed in here in the order they were sent.
//!
//! A posted receive sits in the one bin of its pattern, wildcards included, so an arrival looks at four bins at most
//! and takes the oldest head. An unexpected message sits in the four bins of all patterns that it fits, so a receive looks at one.
//! Every operation is constant-time, however many entries wait.

mod bins;
#[cfg(test)]
mod tests;

use crate::check::TypeCode;
use bins::Bins;

/// What a message carries to be matched by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Context of the communicator and kind of operation.
    pub context: u32,
    /// Rank of the sender in the communicator; not negative.
    pub source: i32,
    /// Tag; not negative.
    pub tag: i32,
    /// What the data is; matching does not look at it.
    pub types: TypeCode,
}

/// What a receive accepts; `None` is a wildcard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pattern {
    /// Context of the communicator and kind of operation.
    pub context: u32,
    /// Rank of the sender in the communicator.
    pub source: Option<i32>,
    /// Tag.
    pub tag: Option<i32>,
    /// What the data is wanted as; matching does not look at it.
    pub types: TypeCode,
}

/// Stands for a wildcard in a key: no source or tag is negative.
const ANY: i32 = -1;

/// Name of a bin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    context: u32,
    source: i32,
    tag: i32,
}

impl Pattern {
    fn key(&self) -> Key {
        Key { context: self.context, source: self.source.unwrap_or(ANY), tag: self.tag.unwrap_or(ANY) }
    }

    /// Whether a message of that envelope fits.
    pub fn accepts(&self, envelope: &Envelope) -> bool {
        self.context == envelope.context
            && self.source.is_none_or(|source| source == envelope.source)
            && self.tag.is_none_or(|tag| tag == envelope.tag)
    }
}

impl Envelope {
    /// The bins of all patterns that accept this envelope: exact, any tag, any source, both.
    fn keys(&self) -> [Key; 4] {
        let Envelope { context, source, tag, .. } = *self;
        [(source, tag), (source, ANY), (ANY, tag), (ANY, ANY)].map(|(source, tag)| Key {
            context,
            source,
            tag,
        })
    }
}

/// Names a receive in the posted queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PostedId(u32);

struct Posted<P> {
    order: u64,
    wild: bool,
    value: P,
}

/// The two queues; `P` stands for a receive, `U` for a message.
pub struct Matcher<P, U> {
    posted: Bins<Posted<P>, 1>,
    unexpected: Bins<(Envelope, U), 4>,
    next_order: u64,
    /// Posted receives with a wildcard: while there are none an arrival looks at one bin only.
    wild: usize,
}

impl<P, U> Default for Matcher<P, U> {
    fn default() -> Self {
        Self { posted: Bins::default(), unexpected: Bins::default(), next_order: 0, wild: 0 }
    }
}

impl<P, U> Matcher<P, U> {
    /// Puts a receive into the posted queue. Call [`Self::take`] first: it has to come out empty.
    #[inline]
    pub fn post(&mut self, pattern: &Pattern, value: P) -> PostedId {
        let wild = pattern.source.is_none() || pattern.tag.is_none();
        self.wild += usize::from(wild);
        self.next_order += 1;
        PostedId(self.posted.insert([pattern.key()], Posted { order: self.next_order, wild, value }))
    }

    /// The receive for an arriving message, taken out of the posted queue.
    #[inline]
    pub fn arrive(&mut self, envelope: &Envelope) -> Option<P> {
        if self.posted.count() == 0 {
            return None;
        }
        if self.wild == 0 {
            let Envelope { context, source, tag, .. } = *envelope;
            return self.posted.pop(&Key { context, source, tag }).map(|posted| posted.value);
        }
        let keys = envelope.keys();
        let heads = keys.iter().filter_map(|key| self.posted.front(key));
        let (id, _) = heads.min_by_key(|(_, posted)| posted.order)?;
        self.withdraw(PostedId(id))
    }

    /// Takes a receive out of the posted queue; none if it is not there any more.
    #[inline]
    pub fn withdraw(&mut self, id: PostedId) -> Option<P> {
        let posted = self.posted.remove(id.0)?;
        self.wild -= usize::from(posted.wild);
        Some(posted.value)
    }

    /// Puts a message into the unexpected queue. Call [`Self::arrive`] first: it has to come out empty.
    pub fn keep(&mut self, envelope: &Envelope, value: U) {
        self.unexpected.insert(envelope.keys(), (*envelope, value));
    }

    /// The earliest unexpected message that fits, left in the queue.
    pub fn peek(&self, pattern: &Pattern) -> Option<(&Envelope, &U)> {
        self.unexpected.front(&pattern.key()).map(|(_, (envelope, value))| (envelope, value))
    }

    /// The earliest unexpected message that fits, taken out of the queue.
    #[inline]
    pub fn take(&mut self, pattern: &Pattern) -> Option<(Envelope, U)> {
        if !self.has_unexpected() {
            return None;
        }
        let (id, _) = self.unexpected.front(&pattern.key())?;
        self.unexpected.remove(id)
    }

    /// Whether no receive waits for a message.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.posted.count() == 0
    }

    /// Whether any message waits for a receive.
    #[inline]
    pub fn has_unexpected(&self) -> bool {
        self.unexpected.count() > 0
    }

    /// All unexpected messages, in no order.
    pub fn unexpected(&self) -> impl Iterator<Item = &(Envelope, U)> {
        self.unexpected.iter()
    }

    /// Lengths of the posted and the unexpected queue.
    pub fn lens(&self) -> (usize, usize) {
        (self.posted.count(), self.unexpected.count())
    }
}
