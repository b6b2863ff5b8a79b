//! Waiting: spin a little, then sleep; and the end of everything.

use super::super::request::State;
use super::{Core, Engine};
use crate::abi::{MPI_ERR_OTHER, MPI_ERR_PROC_ABORTED};
use crate::check::silence::Silence;
use crate::error::{MpiError, Result, err};
use crate::{node, observe, threads};
use unirank_ivc::page::Sleep;

/// How long a sleep may last before the channel is looked at anyway.
const SLEEP_NS: u64 = 100_000_000;
/// How long a rank that is finalising waits on after another one has ended.
const CLOSE_NS: u64 = 10_000_000_000;

/// How long a rank looks on once it has told the others that it is about to sleep: far longer than a store takes from a
/// sender's store buffer to the memory that all see (see [`Sleep`]).
const DROWSY_NS: u64 = 5_000;

/// How long a rank that can make way for others does so before it sleeps. While it does, nobody has to wake it, and nobody
/// who has work waits for more than the looks of the others.
const YIELD_NS: u64 = 5_000_000;

/// How this rank waits.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Nanoseconds to poll before sleeping, at most.
    pub spin_ns: u64,
    /// Other ranks wait for the processor on which this one looks.
    pub crowded: bool,
    /// Gives the processor to another rank, if ranks have to share and there is a cheap way.
    pub make_way: Option<fn()>,
    /// A clock in nanoseconds, read without a system call.
    pub now_ns: fn() -> u64,
}

/// A wait between its turns.
#[derive(Default)]
pub struct Waiting {
    idle_since: Option<u64>,
    wait: observe::Wait,
    silence: Silence,
}

/// What a turn of a wait brought.
#[derive(Clone, Copy)]
pub enum Turn {
    /// What was waited for holds.
    Over,
    /// Something else, perhaps.
    Happened,
    /// Nothing. There may be a way to let another rank have the processor.
    Idle(Option<fn()>),
}

/// So many looks in vain are taken together.
const LOOKS: u32 = 1000;
/// If they took no longer than this, the program does nothing else than look.
const LOOKS_NS: u64 = 5_000_000;
/// How long such a program then sleeps, unless something happens.
const LOOK_AGAIN_NS: u64 = 100_000;

/// Looks in vain of a program that polls (`MPI_Test`, `MPI_Iprobe`).
#[derive(Default)]
pub(super) struct Looks {
    count: u32,
    since_ns: u64,
}

impl Engine {
    /// Progress for a function that does not wait. A program that calls such functions in a loop would keep the rank it
    /// waits for from running when cores are few, so a fast loop sleeps now and then.
    pub fn look(&mut self) -> Result<()> {
        if self.progress()? {
            self.looks.count = 0;
            return Ok(());
        }
        self.looks.count += 1;
        if self.looks.count < LOOKS {
            return Ok(());
        }
        let now = (self.pace.now_ns)();
        if now - self.looks.since_ns < LOOKS_NS {
            self.nap(LOOK_AGAIN_NS, |_| false)?;
        }
        self.looks = Looks { count: 0, since_ns: (self.pace.now_ns)() };
        Ok(())
    }

    /// Sleeps unless something happens or `done` holds before. The others are told first, so that they wake this rank.
    pub(super) fn nap(&mut self, timeout_ns: u64, mut done: impl FnMut(&mut Core) -> bool) -> Result<bool> {
        self.check_rings()?;
        node::tell(Sleep::Drowsy);
        let since = (self.pace.now_ns)();
        let mut happened = false;
        while !happened && (self.pace.now_ns)() - since < DROWSY_NS {
            std::hint::spin_loop();
            happened = done(&mut self.core) || self.progress()?;
        }
        if !happened {
            node::tell(Sleep::Asleep);
            self.links.look_at_channel();
            self.links.channel.arm();
            happened = self.progress()? || done(&mut self.core);
            if !happened {
                observe::sleeping(|| self.links.channel.sleep(timeout_ns));
            }
        }
        node::tell(Sleep::Awake);
        Ok(happened)
    }

    /// Fails if what lies in front of a ring can never become a message: nothing else would end the wait for it.
    fn check_rings(&mut self) -> Result<()> {
        let core = &mut self.core;
        let outcome = self.links.ivc.as_ref().map_or(Ok(()), |ivc| ivc.check());
        outcome.inspect_err(|error| core.failed = Some(error.clone()))
    }

    /// One turn of a wait: looks whether `done` holds, makes progress, and passes the time if there is none. The caller loops;
    /// between turns nothing of the engine is in use, so that other operations and other threads get theirs.
    #[inline]
    pub fn turn(&mut self, waiting: &mut Waiting, mut done: impl FnMut(&mut Core) -> bool) -> Result<Turn> {
        if done(&mut self.core) {
            return Ok(Turn::Over);
        }
        if self.progress()? {
            waiting.wait.over();
            waiting.silence.over();
            if waiting.idle_since.take().is_some() {
                self.spin.caught();
            }
            return Ok(Turn::Happened);
        }
        if self.core.peers.len() == 1 && !threads::is_multiple() {
            return err(MPI_ERR_OTHER, "deadlock: the only rank waits for a message that nobody can send");
        }
        waiting.wait.begin();
        let now = (self.pace.now_ns)();
        let since = *waiting.idle_since.get_or_insert(now);
        if let Some(make_way) = self.pace.make_way.filter(|_| now - since < YIELD_NS) {
            return Ok(Turn::Idle(Some(make_way)));
        }
        if now - since < self.spin.ns() {
            std::hint::spin_loop();
            return Ok(Turn::Idle(None));
        }
        let napped =
            threads::sleeping(SLEEP_NS, |ns| self.nap(ns, |core| done(core) || threads::somebody_waits()));
        if napped? {
            self.spin.slept((self.pace.now_ns)() - now);
            waiting.idle_since = None;
            waiting.silence.over();
            return Ok(Turn::Happened);
        }
        waiting.silence.lasts((self.pace.now_ns)() - since, &self.core);
        // A finalising rank whose partner has died would wait for ever.
        if self.core.closing && now - since > CLOSE_NS {
            self.core.give_up_on_the_gone()?;
        }
        Ok(Turn::Idle(None))
    }

    /// Whether `done` holds; an error if nothing will come any more.
    pub fn holds(&mut self, done: &mut dyn FnMut(&mut Core) -> bool) -> Result<bool> {
        match (done(&mut self.core), &self.core.failed) {
            (false, Some(error)) => Err(error.clone()),
            (holds, _) => Ok(holds),
        }
    }

    /// From here on ranks may end.
    pub fn close(&mut self) {
        self.core.closing = true;
    }

    /// MPI goes on, after all.
    pub fn reopen(&mut self) {
        self.core.closing = false;
    }

    /// From here on the end of a rank is no failure of the job.
    pub fn let_ranks_end(&mut self) {
        self.core.ranks_may_end = true;
    }

    /// Whether all that was sent, and all that its receivers have to take from here, has left; some progress if not.
    pub fn settle(&mut self) -> Result<bool> {
        if !self.all_offers_taken() {
            self.pause(SLEEP_NS / 100)?;
            return Ok(false);
        }
        if self.links.channel.quiesce() {
            return Ok(true);
        }
        self.links.look_at_channel();
        self.links.channel.arm();
        if !self.progress()? {
            observe::sleeping(|| self.links.channel.sleep(SLEEP_NS / 100));
        }
        Ok(false)
    }
}

impl Core {
    /// Whether nothing is queued and every send that nobody waits for is complete.
    pub fn is_drained(&self) -> bool {
        self.backlog.is_empty() && !self.requests.iter().any(|r| r.detached && r.send && !r.is_done())
    }

    /// Whether a request is complete; one that does not exist is.
    pub fn is_done(&self, request: u32) -> bool {
        self.requests.get(request).is_none_or(|entry| matches!(entry.state, State::Done))
    }

    fn give_up_on_the_gone(&self) -> Result<()> {
        match self.peers.iter().position(|peer| peer.gone) {
            Some(rank) => Err(MpiError::new(
                MPI_ERR_PROC_ABORTED,
                format!("rank {} waits in MPI_Finalize, but rank {rank} has ended", self.rank),
            )),
            None => Ok(()),
        }
    }
}
