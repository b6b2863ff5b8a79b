//! Deadlines in order.

use alloc::vec::Vec;

/// Deadlines on the monotonic clock, each with what it belongs to.
#[derive(Debug)]
pub struct Queue<K> {
    /// The last is the first to come.
    entries: Vec<(u64, K)>,
}

impl<K: Copy + PartialEq> Queue<K> {
    /// None.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Sets the deadline of a key, or with `None` takes it out.
    pub fn set(&mut self, key: K, deadline: Option<u64>) {
        self.entries.retain(|entry| entry.1 != key);
        if let Some(deadline) = deadline {
            let at = self.entries.partition_point(|entry| entry.0 > deadline);
            self.entries.insert(at, (deadline, key));
        }
    }

    /// The first deadline.
    pub fn first(&self) -> Option<u64> {
        self.entries.last().map(|entry| entry.0)
    }

    /// Takes the first deadline out if it is not after `now`.
    pub fn take_due(&mut self, now: u64) -> Option<K> {
        self.entries.pop_if(|entry| entry.0 <= now).map(|entry| entry.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_each_key_once() {
        let mut queue = Queue::new();
        for (key, deadline) in [(1, 50), (2, 10), (3, 30), (1, 20)] {
            queue.set(key, Some(deadline));
        }
        assert_eq!(queue.first(), Some(10));
        assert_eq!(queue.take_due(9), None);
        queue.set(3, None);
        let due: Vec<i32> = core::iter::from_fn(|| queue.take_due(100)).collect();
        assert_eq!(due, [2, 1]);
        assert_eq!(queue.first(), None);
    }
}
