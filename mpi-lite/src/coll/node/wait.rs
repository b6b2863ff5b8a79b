//! How members wait for each other, and who wakes whom.
//!
//! A member looks at the line it waits for directly for a moment, then with progress of its messages, then it sleeps
//! ([`p2p::wait_for`]). With more ranks than processors each wake-up costs a switch of ranks, so nobody is woken before all
//! it waits for is there: the last of those it waits for wakes it, or another who has seen the same.
//!
//! Who reads that a member is awake need not wake it: between telling that and sleeping it looks on for longer than a
//! store takes to reach it ([`unirank_ivc::page::Sleep`]).

use super::team::Team;
use crate::error::Result;
use crate::{node, p2p};
use std::sync::atomic::{Ordering, fence};
use unirank_ivc::page::Sleep;

/// Looks before messages get their turn.
const LOOKS: u32 = 200;

impl Team {
    /// Waits until `ready`, or an error.
    #[inline]
    pub(super) fn wait(&self, mut ready: impl FnMut() -> Result<bool>) -> Result<()> {
        for _ in 0..LOOKS {
            if ready()? {
                return Ok(());
            }
            std::hint::spin_loop();
        }
        wait_long(&mut ready)
    }

    /// Waits for the lines of all others, and wakes those who wait for the same.
    #[inline]
    pub(super) fn meet(&self, phase: u64, tag: u16) -> Result<()> {
        self.gather(phase, tag)?;
        self.seat().met(phase);
        self.wake_for(phase);
        Ok(())
    }

    /// Waits for the lines of all others.
    #[inline]
    pub(super) fn gather(&self, phase: u64, tag: u16) -> Result<()> {
        let mut next = 0;
        self.wait(|| {
            while next < self.size() {
                if next != self.me() && !self.has_come(next, phase, tag)? {
                    return Ok(false);
                }
                next += 1;
            }
            Ok(true)
        })
    }

    /// Waits for the line of one member.
    #[inline]
    pub(super) fn hear(&self, member: usize, phase: u64, tag: u16) -> Result<()> {
        self.wait(|| self.has_come(member, phase, tag))
    }

    /// Wakes those who wait in `phase` for lines that are all published.
    #[inline]
    pub(super) fn wake_for(&self, phase: u64) {
        for member in 0..self.size() {
            if self.may_sleep(member) && self.seat().finished(member) < phase {
                node::wake(self.worlds[member]);
            }
        }
    }

    #[inline]
    fn may_sleep(&self, member: usize) -> bool {
        member != self.me() && self.pages[member].sleep().load(Ordering::Relaxed) != Sleep::Awake as u32
    }

    /// Wakes `member`, who waits for the lines of all others, if this was the last of them.
    #[inline]
    pub(super) fn wake_if_last(&self, member: usize, phase: u64) {
        if self.may_sleep(member) {
            // Of two who publish at the same time, at least one sees the other's line.
            fence(Ordering::SeqCst);
            let come = |other: usize| matches!(self.seat().look(other, phase), Ok(Some(_)));
            if (0..self.size()).all(|other| other == member || come(other)) {
                node::wake(self.worlds[member]);
            }
        }
    }

    /// Waits until all others have finished `phase`.
    #[inline]
    pub(super) fn until_settled(&self, phase: u64) -> Result<()> {
        if self.seat().settled(phase) { Ok(()) } else { self.wait_settled(phase) }
    }

    #[cold]
    fn wait_settled(&self, phase: u64) -> Result<()> {
        self.seat().want(phase);
        let outcome = self.wait(|| Ok(self.seat().settled(phase)));
        self.seat().unwant();
        outcome
    }

    /// This member reads nothing of `phase` any more.
    #[inline]
    pub(super) fn finish(&self, phase: u64) {
        self.seat().finish(phase);
        if self.seat().somebody_wants() {
            self.wake_served();
        }
    }

    #[cold]
    fn wake_served(&self) {
        // Of two who finish at the same time, at least one sees that both have.
        fence(Ordering::SeqCst);
        for member in 0..self.size() {
            if self.may_sleep(member) && self.seat().is_served(member) {
                node::wake(self.worlds[member]);
            }
        }
    }
}

#[cold]
#[inline(never)]
fn wait_long(ready: &mut dyn FnMut() -> Result<bool>) -> Result<()> {
    let mut outcome = Ok(());
    p2p::wait_for(|| {
        ready().unwrap_or_else(|error| {
            outcome = Err(error);
            true
        })
    })?;
    outcome
}
