//! Barrier of a team.

use super::team::{Step, Team};
use crate::error::Result;

/// Up to so many members look at the lines of all; more look at one member's, who looks at all.
const FLAT: usize = 16;

impl Team {
    /// Returns when all members have called it.
    #[inline]
    pub(super) fn barrier(&self) -> Result<()> {
        if self.size() > FLAT {
            self.report(0)?;
            return self.release(0);
        }
        let (phase, tag) = (self.begin()?, Step::Barrier.tag(0));
        self.publish(phase, tag, &[])?;
        self.meet(phase, tag)?;
        self.finish(phase);
        Ok(())
    }

    /// Returns at `leader` when all have called it, elsewhere at once.
    pub(super) fn report(&self, leader: usize) -> Result<()> {
        let (phase, tag) = (self.begin()?, Step::Barrier.tag(1));
        if self.me() == leader {
            self.gather(phase, tag)?;
        } else {
            self.publish(phase, tag, &[])?;
            self.wake_if_last(leader, phase);
        }
        self.finish(phase);
        Ok(())
    }

    /// Returns when `leader` has called it.
    pub(super) fn release(&self, leader: usize) -> Result<()> {
        let (phase, tag) = (self.begin()?, Step::Barrier.tag(2));
        if self.me() == leader {
            self.publish(phase, tag, &[])?;
            self.wake_for(phase);
        } else {
            self.hear(leader, phase, tag)?;
        }
        self.finish(phase);
        Ok(())
    }
}
