//! The matcher against a naive reference that scans two lists, over random histories; and its speed class.

use super::{Envelope, Matcher, Pattern, PostedId};
use crate::check::TypeCode;

/// The rules, literally.
#[derive(Default)]
struct Naive {
    posted: Vec<(Pattern, u32)>,
    unexpected: Vec<(Envelope, u32)>,
}

impl Naive {
    fn receive(&mut self, pattern: Pattern, value: u32) -> Option<(Envelope, u32)> {
        match self.unexpected.iter().position(|(envelope, _)| pattern.accepts(envelope)) {
            Some(at) => Some(self.unexpected.remove(at)),
            None => {
                self.posted.push((pattern, value));
                None
            }
        }
    }

    fn message(&mut self, envelope: Envelope, value: u32) -> Option<u32> {
        match self.posted.iter().position(|(pattern, _)| pattern.accepts(&envelope)) {
            Some(at) => Some(self.posted.remove(at).1),
            None => {
                self.unexpected.push((envelope, value));
                None
            }
        }
    }
}

/// xorshift64*: reproducible histories without a dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn pattern(&mut self) -> Pattern {
        let envelope = self.envelope();
        let source = (self.below(3) != 0).then_some(envelope.source);
        let tag = (self.below(3) != 0).then_some(envelope.tag);
        Pattern { context: envelope.context, source, tag, types: TypeCode::ANY }
    }

    fn envelope(&mut self) -> Envelope {
        Envelope {
            context: self.below(2) as u32,
            source: self.below(3) as i32,
            tag: self.below(3) as i32,
            types: TypeCode::ANY,
        }
    }
}

fn history(seed: u64, steps: u32) {
    let mut random = Random(seed);
    let mut naive = Naive::default();
    let mut matcher: Matcher<u32, u32> = Matcher::default();
    let mut ids: Vec<(u32, PostedId)> = Vec::new();
    for value in 0..steps {
        // Long runs of one kind make deep queues.
        let receives = random.below(steps.into()) < u64::from(steps / 2) || value % 64 < 20;
        match (receives, random.below(12)) {
            (true, 0) if !ids.is_empty() => {
                let (value, id) = ids.swap_remove(random.below(ids.len() as u64) as usize);
                assert_eq!(matcher.withdraw(id), Some(value), "seed {seed}");
                naive.posted.retain(|(_, posted)| *posted != value);
            }
            (true, _) => {
                let pattern = random.pattern();
                let expected = naive.receive(pattern, value);
                assert_eq!(matcher.peek(&pattern).map(|(e, v)| (*e, *v)), expected, "seed {seed}");
                let got = matcher.take(&pattern);
                assert_eq!(got, expected, "seed {seed}");
                if got.is_none() {
                    ids.push((value, matcher.post(&pattern, value)));
                }
            }
            (false, _) => {
                let envelope = random.envelope();
                let got = matcher.arrive(&envelope);
                assert_eq!(got, naive.message(envelope, value), "seed {seed}");
                match got {
                    Some(posted) => ids.retain(|(value, _)| *value != posted),
                    None => matcher.keep(&envelope, value),
                }
            }
        }
        assert_eq!(matcher.lens(), (naive.posted.len(), naive.unexpected.len()), "seed {seed}");
    }
}

#[test]
fn agrees_with_the_naive_reference_on_random_histories() {
    for seed in 1..400 {
        history(seed * 0x9e37_79b9, 300);
    }
}

#[test]
fn a_withdrawn_receive_is_not_matched_and_the_next_one_is() {
    let mut matcher: Matcher<&str, ()> = Matcher::default();
    let pattern = Pattern { context: 1, source: None, tag: Some(5), types: TypeCode::ANY };
    let first = matcher.post(&pattern, "first");
    matcher.post(&pattern, "second");
    assert_eq!(matcher.withdraw(first), Some("first"));
    assert_eq!(matcher.withdraw(first), None);
    let envelope = Envelope { context: 1, source: 3, tag: 5, types: TypeCode::ANY };
    assert_eq!(matcher.arrive(&envelope), Some("second"));
    assert_eq!(matcher.arrive(&envelope), None);
}

#[test]
fn a_hundred_thousand_entries_taken_in_the_worst_order_are_all_found() {
    // Last first, over distinct tags, in both queues: quadratic matching would need 10^10 steps and time out the run.
    const N: i32 = 100_000;
    let mut matcher: Matcher<i32, i32> = Matcher::default();
    let envelope = |tag| Envelope { context: 0, source: 0, tag, types: TypeCode::ANY };
    let exact = |tag| Pattern { context: 0, source: Some(0), tag: Some(tag), types: TypeCode::ANY };
    (0..N).for_each(|tag| matcher.keep(&envelope(tag), tag));
    for tag in (0..N).rev() {
        assert_eq!(matcher.take(&exact(tag)), Some((envelope(tag), tag)));
    }
    (0..N).for_each(|tag| _ = matcher.post(&exact(tag), tag));
    for tag in (0..N).rev() {
        assert_eq!(matcher.arrive(&envelope(tag)), Some(tag));
    }
    assert_eq!(matcher.lens(), (0, 0));
}
