//! Messages that overtook others of the same sender: kept until those have come.

use super::super::header::Header;
use super::Core;

/// So many messages no rank can be ahead. Between two messages through a ring as many lie in the adapter as its queues
/// hold, and the other way round; a sender that changes its way after [`super::links::SWITCH_MOST`] messages adds some of these.
const MOST_AHEAD: u32 = 1 << 20;

impl Core {
    /// Keeps a matchable message of `from` that is not the next one. One that has come before, or cannot have been sent
    /// yet, is garbage: nothing would ever ask for it.
    #[inline(never)]
    pub(super) fn keep_early(&mut self, from: u32, header: &Header, data: &[u8]) {
        let peer = &mut self.peers[from as usize];
        let (number, due) = (header.sequence, peer.next_in);
        if number.wrapping_sub(due) > MOST_AHEAD || peer.early.contains_key(&number) {
            self.garbage(from, &format_args!("message number {number} while number {due} is due"));
            return;
        }
        peer.early.insert(number, (*header, data.into()));
    }
}
