//! Active target synchronisation: fence, and post, start, complete, wait (MPI 5.0, sections 12.5.1 and 12.5.2).
//!
//! The words "posted" and "complete" are empty messages on the window's own communicator, so ranks wait for them as for any
//! message: with progress, and asleep when it takes long.

use super::Window;
use super::epoch::{Access, Everyone};
use super::lock::check_assert;
use crate::abi::{
    MPI_ERR_GROUP, MPI_ERR_RMA_SYNC, MPI_MODE_NOCHECK, MPI_MODE_NOPRECEDE, MPI_MODE_NOPUT, MPI_MODE_NOSTORE,
    MPI_MODE_NOSUCCEED,
};
use crate::error::{Result, err};
use crate::group::Group;
use crate::p2p::{self, Req, SendMode, Source};
use crate::{coll, datatype};
use std::ffi::c_int;
use std::sync::atomic::{Ordering, fence};

/// Tag of "you may use my memory".
const POSTED: i32 = 0;
/// Tag of "I am done with your memory".
const COMPLETE: i32 = 1;

impl Window {
    /// `MPI_Win_fence`.
    pub fn fence(&self, assert: c_int) -> Result<()> {
        let allowed = MPI_MODE_NOSTORE | MPI_MODE_NOPUT | MPI_MODE_NOPRECEDE | MPI_MODE_NOSUCCEED;
        check_assert(assert, allowed)?;
        if self.exposed.borrow().is_some() {
            return self.conflict("MPI_Win_fence", "MPI_Win_post");
        }
        self.open("MPI_Win_fence")?;
        self.land_all()?;
        fence(Ordering::SeqCst);
        coll::barrier::barrier(&self.comm)?;
        let next = if assert & MPI_MODE_NOSUCCEED != 0 { Everyone::None } else { Everyone::Fence };
        self.everyone.set(next);
        Ok(())
    }

    /// Ranks in the window of the members of a group.
    fn ranks(&self, group: &Group) -> Result<Vec<usize>> {
        let rank_of = |world: &u32| match self.comm.group().rank_of(*world) {
            Some(rank) => Ok(rank),
            None => {
                err(MPI_ERR_GROUP, format!("world rank {world} of the group is not in {}", self.describe()))
            }
        };
        group.members().iter().map(rank_of).collect()
    }

    fn tell(&self, rank: usize, tag: i32) -> Result<()> {
        let (byte, me) = (datatype::byte(), self.comm.rank() as i32);
        let (context, to) = (self.comm.context(), self.comm.member(rank));
        // SAFETY: no bytes are sent. Dropped, the request completes by itself.
        let sent =
            unsafe { p2p::isend(context, std::ptr::null(), 0, &byte, to, me, tag, SendMode::Standard)? };
        drop(sent);
        Ok(())
    }

    fn expect(&self, rank: usize, tag: i32) -> Result<Req> {
        let from = Source::Rank(self.comm.member(rank));
        // SAFETY: no bytes are received.
        unsafe {
            p2p::irecv(self.comm.context(), std::ptr::null_mut(), 0, &datatype::byte(), from, Some(tag))
        }
    }

    /// `MPI_Win_post`: opens an exposure epoch for the group.
    pub fn post(&self, group: &Group, assert: c_int) -> Result<()> {
        check_assert(assert, MPI_MODE_NOCHECK | MPI_MODE_NOSTORE | MPI_MODE_NOPUT)?;
        if self.exposed.borrow().is_some() {
            return self.conflict("MPI_Win_post", "an earlier MPI_Win_post");
        }
        let origins = self.ranks(group)?;
        fence(Ordering::SeqCst);
        if assert & MPI_MODE_NOCHECK == 0 {
            origins.iter().try_for_each(|&rank| self.tell(rank, POSTED))?;
        }
        let words = origins.iter().map(|&rank| self.expect(rank, COMPLETE)).collect::<Result<_>>()?;
        *self.exposed.borrow_mut() = Some(words);
        Ok(())
    }

    /// `MPI_Win_start`: opens an access epoch at the group; returns when all of it have posted.
    pub fn start(&self, group: &Group, assert: c_int) -> Result<()> {
        check_assert(assert, MPI_MODE_NOCHECK)?;
        self.open("MPI_Win_start")?;
        let targets = self.ranks(group)?;
        if assert & MPI_MODE_NOCHECK == 0 {
            let words = targets.iter().map(|&rank| self.expect(rank, POSTED)).collect::<Result<Vec<_>>>()?;
            p2p::wait_all(words)?;
        }
        targets.iter().for_each(|&rank| self.targets[rank].access.set(Access::Started));
        *self.started.borrow_mut() = Some(targets);
        Ok(())
    }

    /// `MPI_Win_complete`: ends the access epoch.
    pub fn complete_started(&self) -> Result<()> {
        let Some(targets) = self.started.borrow_mut().take() else {
            return self.out_of_order("MPI_Win_complete", "MPI_Win_start");
        };
        for &rank in &targets {
            self.targets[rank].access.set(Access::None);
            self.targets[rank].flights.land()?;
        }
        fence(Ordering::SeqCst);
        targets.iter().try_for_each(|&rank| self.tell(rank, COMPLETE))
    }

    /// `MPI_Win_wait`: ends the exposure epoch when all origins are done.
    pub fn wait(&self) -> Result<()> {
        let Some(words) = self.exposed.borrow_mut().take() else {
            return self.out_of_order("MPI_Win_wait", "MPI_Win_post");
        };
        p2p::wait_all(words)?;
        fence(Ordering::SeqCst);
        Ok(())
    }

    /// `MPI_Win_test`: as [`Self::wait`] if all origins are done; says whether they are.
    pub fn test(&self) -> Result<bool> {
        let done = match self.exposed.borrow().as_ref() {
            None => return self.out_of_order("MPI_Win_test", "MPI_Win_post").map(|()| false),
            Some(words) if words.iter().all(p2p::is_done) => true,
            Some(words) => {
                p2p::progress()?;
                words.iter().all(p2p::is_done)
            }
        };
        if done {
            self.wait()?;
        }
        Ok(done)
    }

    #[cold]
    fn out_of_order(&self, what: &str, before: &str) -> Result<()> {
        err(MPI_ERR_RMA_SYNC, format!("{what} on {} without {before} before it", self.describe()))
    }
}
