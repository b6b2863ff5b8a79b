//! All timers, and what each has counted.

use alloc::vec::Vec;

use super::clock::TimerClock;
use super::queue::Queue;
use crate::errno::{Errno, Result};
use crate::signal::Info;

/// Most timers a program can have.
const MOST: usize = 4096;

/// Number of a timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id(pub u32);

/// When a timer expires, relative to now: `struct itimerspec` in nanoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Until it expires; 0 if it does not run.
    pub value: u64,
    /// From then on every so often; 0 for once.
    pub interval: u64,
}

/// Who hears of an expiration, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Nobody: the owner looks.
    None,
    /// The process gets a signal.
    Process(Info),
    /// A thread gets a signal.
    Thread(u64, Info),
}

/// A timer.
#[derive(Debug)]
struct Timer {
    clock: TimerClock,
    /// Reading of the clock at which it expires; `None` if it does not run.
    next: Option<u64>,
    interval: u64,
    notice: Notice,
    /// Expirations since its owner has heard of the last.
    count: u64,
    /// Expirations beyond the one that the last delivered signal tells of.
    overrun: u32,
}

/// The timers by number, and their deadlines.
pub struct Table {
    timers: Vec<Option<Timer>>,
    deadlines: Queue<Id>,
}

impl Timer {
    /// Counts what has expired when the clock reads `now`; whether it has.
    fn advance(&mut self, now: u64) -> bool {
        let Some(next) = self.next.filter(|&next| next <= now) else { return false };
        let more = (now - next).checked_div(self.interval).unwrap_or(0);
        self.count = self.count.saturating_add(1 + more);
        self.next = (self.interval > 0).then(|| next.saturating_add(self.interval.saturating_mul(1 + more)));
        true
    }

    fn deadline_ns(&self) -> Option<u64> {
        self.next.map(|next| self.clock.deadline_ns(next))
    }

    fn setting(&self) -> Setting {
        let value = self.next.map_or(0, |next| next.saturating_sub(self.clock.now()).max(1));
        Setting { value, interval: self.interval }
    }
}

impl Table {
    /// No timers.
    pub const fn new() -> Self {
        Self { timers: Vec::new(), deadlines: Queue::new() }
    }

    /// The first moment at which a timer has to be looked at.
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.deadlines.first()
    }

    /// Adds a timer that does not run; `notice` is told its number. EAGAIN if there are too many.
    pub fn add(&mut self, clock: TimerClock, notice: impl FnOnce(Id) -> Notice) -> Result<Id> {
        let free = self.timers.iter().position(Option::is_none).unwrap_or(self.timers.len());
        if free >= MOST {
            return Err(Errno::EAGAIN);
        }
        let id = Id(free as u32);
        let timer = Timer { clock, next: None, interval: 0, notice: notice(id), count: 0, overrun: 0 };
        if free == self.timers.len() {
            self.timers.push(Some(timer));
        } else {
            self.timers[free] = Some(timer);
        }
        Ok(id)
    }

    /// Takes a timer out.
    pub fn remove(&mut self, id: Id) {
        self.deadlines.set(id, None);
        if let Some(timer) = self.timers.get_mut(id.0 as usize) {
            *timer = None;
        }
    }

    fn timer(&mut self, id: Id) -> Result<&mut Timer> {
        self.timers.get_mut(id.0 as usize).and_then(Option::as_mut).ok_or(Errno::EINVAL)
    }

    /// Starts or stops a timer, at a time from now or at a reading of its clock; returns what was set before.
    pub fn set(&mut self, id: Id, setting: Setting, absolute: bool) -> Result<Setting> {
        let timer = self.timer(id)?;
        let before = timer.setting();
        let start = if absolute { 0 } else { timer.clock.now() };
        timer.next = (setting.value > 0).then(|| start.saturating_add(setting.value));
        timer.interval = setting.interval;
        timer.count = 0;
        timer.overrun = 0;
        let deadline = timer.deadline_ns();
        self.deadlines.set(id, deadline);
        Ok(before)
    }

    /// How long a timer still runs.
    pub fn get(&mut self, id: Id) -> Result<Setting> {
        Ok(self.timer(id)?.setting())
    }

    /// Expirations since the last time this was asked; asks with `take`.
    pub fn count(&mut self, id: Id, take: bool) -> u64 {
        let Ok(timer) = self.timer(id) else { return 0 };
        if take { core::mem::take(&mut timer.count) } else { timer.count }
    }

    /// Its signal is delivered now: how often it expired beyond the first time.
    pub fn accept_signal(&mut self, id: Id) -> u32 {
        let Ok(timer) = self.timer(id) else { return 0 };
        let beyond = core::mem::take(&mut timer.count).saturating_sub(1);
        timer.overrun = beyond.min(i32::MAX as u64) as u32;
        timer.overrun
    }

    /// What [`Table::accept_signal`] said last.
    pub fn overrun(&mut self, id: Id) -> Result<u32> {
        Ok(self.timer(id)?.overrun)
    }

    /// Lets expire what is due, and says who is to hear of it.
    pub fn expire(&mut self, now_ns: u64) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut looked_at = Vec::new();
        while let Some(id) = self.deadlines.take_due(now_ns) {
            let Ok(timer) = self.timer(id) else { continue };
            if timer.advance(timer.clock.now()) {
                notices.push(timer.notice);
            }
            looked_at.push((id, timer.deadline_ns()));
        }
        // Only now: a deadline may again be in the past, and it must not keep the loop going.
        for (id, deadline) in looked_at {
            self.deadlines.set(id, deadline);
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(next: u64, interval: u64) -> Timer {
        let clock = TimerClock::Monotonic;
        Timer { clock, next: Some(next), interval, notice: Notice::None, count: 0, overrun: 0 }
    }

    #[test]
    fn a_timer_expires_once_or_keeps_its_rhythm() {
        let mut once = timer(100, 0);
        assert!(!once.advance(99));
        assert!(once.advance(100));
        assert_eq!((once.count, once.next), (1, None));

        let mut often = timer(100, 10);
        assert!(often.advance(135));
        assert_eq!((often.count, often.next), (4, Some(140)), "at 100, 110, 120, 130");
        assert!(!often.advance(139));
    }

    #[test]
    fn times_out_of_range_saturate() {
        let mut far = timer(1, u64::MAX);
        assert!(far.advance(u64::MAX));
        assert_eq!(far.next, Some(u64::MAX));
    }

    #[test]
    fn overruns_are_what_came_beyond_the_first() {
        let mut table = Table::new();
        let id = table.add(TimerClock::Monotonic, |_| Notice::None).unwrap();
        table.timer(id).unwrap().count = 4;
        assert_eq!((table.accept_signal(id), table.overrun(id)), (3, Ok(3)));
        assert_eq!((table.accept_signal(id), table.overrun(id)), (0, Ok(0)));
        assert_eq!(table.accept_signal(Id(99)), 0);
    }

    #[test]
    fn the_numbers_of_removed_timers_are_used_again() {
        let mut table = Table::new();
        let ids: Vec<Id> =
            (0..3).map(|_| table.add(TimerClock::Monotonic, |_| Notice::None).unwrap()).collect();
        table.remove(ids[1]);
        assert_eq!(table.get(ids[1]), Err(Errno::EINVAL));
        assert_eq!(table.add(TimerClock::Monotonic, |_| Notice::None), Ok(ids[1]));
    }

    #[test]
    fn a_stopped_timer_has_no_deadline() {
        let mut table = Table::new();
        let id = table.add(TimerClock::Monotonic, |_| Notice::None).unwrap();
        table.set(id, Setting { value: 1 << 60, interval: 5 }, true).unwrap();
        assert_eq!(table.next_deadline_ns(), Some(1 << 60));
        let before = table.set(id, Setting::default(), false).unwrap();
        assert!(before.value > 0 && before.interval == 5);
        assert_eq!((table.next_deadline_ns(), table.get(id)), (None, Ok(Setting::default())));
    }
}
