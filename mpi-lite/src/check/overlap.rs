//! Is a buffer received into while another operation uses it? Only operations that do not complete at once are looked at, and
//! only contiguous buffers.
//!
//! Receives lie in an array ordered by address. A new one mostly goes behind all others, at the cost of a comparison; where
//! receives are done is seen only when their place is looked at, so completing one costs nothing.
//!
//! Several receives into the very same buffer are let pass, except when checks are strict, and so is a send from where a receive
//! begins: programs that measure bandwidth do the one, ping-pongs with receives posted early (NetPIPE) the other.

use std::collections::VecDeque;

/// Operations of a kind that are known; more are not looked at.
const MOST: usize = 1024;
/// Sends of which a receive is told apart.
const MOST_SENDS: usize = 32;

/// A buffer in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Address of the first byte.
    pub start: usize,
    /// Behind the last.
    pub end: usize,
    /// Request, and what tells it from others of that number.
    pub request: (u32, u32),
}

impl Span {
    fn meets(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.start, self.end) == (other.start, other.end)
    }
}

/// The buffers in use.
#[derive(Default)]
pub struct Spans {
    /// By address. Those under way overlap only when they are the same.
    receives: VecDeque<Span>,
    sends: Vec<Span>,
    /// So many receives are let pass before there may be room again.
    skip: usize,
}

impl Spans {
    /// A receive begins. Gives what uses its buffer already, if something does.
    #[inline]
    pub fn receive(&mut self, new: Span, strict: bool, live: impl Fn(&Span) -> bool) -> Option<Span> {
        if new.start == new.end {
            return None;
        }
        if let Some(last) = self.receives.back_mut().filter(|last| !strict && last.is_same(&new)) {
            if self.sends.is_empty() {
                // The youngest stands for all of them: mostly it is the last to be done.
                last.request = new.request;
                return None;
            }
        }
        if !self.sends.is_empty() {
            self.sends.retain(&live);
            let collides = |send: &&Span| send.meets(&new) && (strict || send.start != new.start);
            if let Some(send) = self.sends.iter().find(collides) {
                return Some(*send);
            }
        }
        while self.receives.front().is_some_and(|span| !live(span)) {
            self.receives.pop_front();
        }
        let goes_behind = self.receives.back().is_none_or(|last| last.end <= new.start);
        if goes_behind || !strict && self.receives.back().is_some_and(|last| last.is_same(&new)) {
            if self.receives.len() < MOST {
                self.receives.push_back(new);
                return None;
            }
        }
        self.insert(new, strict, &live)
    }

    /// A send looks whether its buffer is received into.
    #[inline]
    pub fn sends(&mut self, new: &Span, strict: bool, live: impl Fn(&Span) -> bool) -> Option<Span> {
        if self.receives.is_empty() || new.start == new.end {
            return None;
        }
        self.receives.retain(&live);
        let collides = |span: &&Span| span.meets(new) && (strict || span.start != new.start);
        self.receives.iter().find(collides).copied()
    }

    /// A send is under way.
    pub fn add_send(&mut self, new: Span, live: impl Fn(&Span) -> bool) {
        if self.sends.len() >= MOST_SENDS {
            self.sends.retain(live);
        }
        if self.sends.len() < MOST_SENDS && new.start < new.end {
            self.sends.push(new);
        }
    }

    #[cold]
    fn insert(&mut self, new: Span, strict: bool, live: &impl Fn(&Span) -> bool) -> Option<Span> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.receives.retain(live);
        if self.receives.len() >= MOST {
            self.skip = MOST;
            return None;
        }
        let place = self.receives.partition_point(|span| span.start < new.end);
        // Of those before, the last reaches farthest; those that are the same buffer are neighbours.
        let before = place.checked_sub(1).map(|at| self.receives[at]).filter(|span| span.meets(&new));
        if let Some(before) = before.filter(|span| strict || !span.is_same(&new)) {
            return Some(before);
        }
        self.receives.insert(place, new);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::HashSet;

    fn span(start: usize, len: usize, number: u32) -> Span {
        Span { start, end: start + len, request: (number, 1) }
    }

    #[test]
    fn receives_may_touch_but_not_overlap() {
        let mut spans = Spans::default();
        let all = |_: &Span| true;
        for (start, len, meets) in [
            (100, 50, None),
            (150, 50, None),
            (50, 50, None),
            (300, 10, None),
            (199, 1, Some(150)),
            (90, 20, Some(100)),
            (0, 1000, Some(300)),
            (305, 1, Some(300)),
            (250, 50, None),
            (120, 0, None),
        ] {
            let found = spans.receive(span(start, len, start as u32), false, all);
            assert_eq!(found.map(|span| span.start), meets, "{start} {len}");
        }
    }

    #[test]
    fn the_same_buffer_twice_is_a_mistake_only_when_checks_are_strict() {
        let mut spans = Spans::default();
        for n in 0..10 {
            assert_eq!(spans.receive(span(100, 50, n), false, |_| true), None);
        }
        assert_eq!(spans.receive(span(0, 50, 11), false, |_| true), None);
        assert_eq!(spans.receive(span(100, 50, 12), false, |_| true), None);
        assert!(spans.receive(span(100, 50, 13), true, |_| true).is_some());
        assert!(spans.receive(span(100, 49, 14), false, |_| true).is_some());
    }

    #[test]
    fn sends_share_with_sends_but_not_with_receives() {
        let mut spans = Spans::default();
        let all = |_: &Span| true;
        for n in 0..3 {
            assert_eq!(spans.sends(&span(100, 50, n), true, all), None);
            spans.add_send(span(100, 50, n), all);
        }
        assert!(spans.receive(span(149, 50, 9), false, all).is_some());
        assert_eq!(spans.receive(span(150, 50, 9), false, all), None);
        assert!(spans.sends(&span(140, 20, 10), false, all).is_some());
        assert_eq!(spans.sends(&span(140, 20, 10), false, |_| false), None, "they are done");
    }

    #[test]
    fn random_histories_agree_with_a_look_at_all() {
        let done = RefCell::new(HashSet::new());
        let live = |span: &Span| !done.borrow().contains(&span.request.0);
        let (mut spans, mut naive, mut state) = (Spans::default(), Vec::<Span>::new(), 7u64);
        let mut below = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        for number in 0..20_000 {
            let new = span(16 * below(64), 1 + below(40), number);
            let expected = naive.iter().any(|other| other.meets(&new));
            let found = spans.receive(new, true, live);
            assert_eq!(found.is_some(), expected, "{number}");
            if !expected {
                naive.push(new);
            }
            if naive.len() > 8 {
                let gone = naive.swap_remove(below(naive.len()));
                done.borrow_mut().insert(gone.request.0);
            }
        }
    }

    #[test]
    fn there_is_a_bound_and_the_rest_is_let_pass() {
        let mut spans = Spans::default();
        for n in 0..5 * MOST {
            assert_eq!(spans.receive(span(8 * n, 8, n as u32), false, |_| true), None);
        }
        assert!(spans.receives.len() <= MOST);
        assert_eq!(spans.receive(span(0, 8, 0), true, |_| false), None, "all are done");
    }
}
