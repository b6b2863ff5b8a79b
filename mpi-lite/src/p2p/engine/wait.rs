//! Waiting: spin a little, then sleep; and the end of everything.

use super::super::request::State;
use super::{Core, Engine};
use crate::abi::{MPI_ERR_OTHER, MPI_ERR_PROC_ABORTED};
use crate::check::silence::Silence;
use crate::error::{MpiError, Result, err};
use crate::transport::Sleeper;
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
pub struct Waiting {
    idle_since: Option<u64>,
    wait: observe::Wait,
    silence: Silence,
}

impl Waiting {
    /// For that request, or for [`threads::ANYTHING`].
    #[inline]
    pub fn new(request: u32) -> Self {
        Self { idle_since: None, wait: observe::Wait::default(), silence: Silence::new(request) }
    }
}

/// What a turn of a wait brought.
pub enum Turn {
    /// What was waited for holds.
    Over,
    /// Something else, perhaps.
    Happened,
    /// Nothing. There may be a way to let another rank have the processor.
    Idle(Option<fn()>),
    /// Nothing: sleep by this function for so many nanoseconds, without the engine, then [`Engine::get_up`]. With several
    /// threads only.
    Sleep(Sleeper, u64),
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
        let now = self.now_ns();
        if now - self.looks.since_ns < LOOKS_NS {
            self.nap(LOOK_AGAIN_NS, |_| false)?;
        }
        self.looks = Looks { count: 0, since_ns: self.now_ns() };
        Ok(())
    }

    /// Sleeps unless something happens or `done` holds before. The others are told first, so that they wake this rank.
    pub(super) fn nap(&mut self, timeout_ns: u64, done: impl FnMut(&mut Core) -> bool) -> Result<bool> {
        let happened = self.lie_down(done)?;
        if !happened {
            observe::sleeping(|| self.links.channel.sleep(timeout_ns));
        }
        node::tell(Sleep::Awake);
        Ok(happened)
    }

    /// Tells the others that this rank sleeps from now on, unless something happens before, or `done` holds.
    fn lie_down(&mut self, mut done: impl FnMut(&mut Core) -> bool) -> Result<bool> {
        self.check_rings()?;
        node::tell(Sleep::Drowsy);
        let since = self.now_ns();
        let mut happened = false;
        while !happened && self.now_ns() - since < DROWSY_NS {
            std::hint::spin_loop();
            happened = done(&mut self.core) || self.progress()?;
        }
        if !happened {
            node::tell(Sleep::Asleep);
            self.links.look_at_channel();
            self.links.channel.arm();
            happened = self.progress()? || done(&mut self.core);
        }
        Ok(happened)
    }

    /// The sleep that [`Turn::Sleep`] asked for is over.
    pub fn get_up(&mut self, waiting: &mut Waiting) -> Result<()> {
        node::tell(Sleep::Awake);
        let since = waiting.idle_since.unwrap_or(u64::MAX);
        self.after_sleep(waiting, since)
    }

    /// A sleep has brought nothing, as far as is known.
    fn after_sleep(&mut self, waiting: &mut Waiting, since: u64) -> Result<()> {
        let idle_ns = self.now_ns().saturating_sub(since);
        waiting.silence.lasts(idle_ns, &self.core);
        // A finalising rank whose partner has died would wait for ever.
        if self.core.closing && idle_ns > CLOSE_NS {
            self.core.give_up_on_the_gone()?;
        }
        Ok(())
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
    pub fn turn(
        &mut self,
        waiting: &mut Waiting,
        may_sleep: bool,
        mut done: impl FnMut(&mut Core) -> bool,
    ) -> Result<Turn> {
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
        let now = self.now_ns();
        let since = *waiting.idle_since.get_or_insert(now);
        if let Some(make_way) = self.pace.make_way.filter(|_| now - since < YIELD_NS) {
            return Ok(Turn::Idle(Some(make_way)));
        }
        if now - since < self.spin.ns() {
            std::hint::spin_loop();
            return Ok(Turn::Idle(None));
        }
        if threads::is_multiple() {
            if !may_sleep {
                return Ok(Turn::Idle(None));
            }
            if !self.lie_down(done)? {
                return Ok(Turn::Sleep(self.sleeper.clone(), SLEEP_NS));
            }
            node::tell(Sleep::Awake);
        } else if !self.nap(SLEEP_NS, done)? {
            self.after_sleep(waiting, since)?;
            return Ok(Turn::Idle(None));
        }
        self.spin.slept(self.now_ns() - now);
        waiting.idle_since = None;
        waiting.silence.over();
        Ok(Turn::Happened)
    }

    /// Whether `done` holds; an error if nothing will come any more.
    pub fn holds(&mut self, done: &mut dyn FnMut(&mut Core) -> bool) -> Result<bool> {
        match (done(&mut self.core), &self.core.failed) {
            (false, Some(error)) => Err(error.clone()),
            (holds, _) => Ok(holds),
        }
    }

    /// The time, of a clock that only goes on.
    pub fn now_ns(&self) -> u64 {
        (self.pace.now_ns)()
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
            if !self.progress()? {
                self.nap(SLEEP_NS / 100, |_| false)?;
            }
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
        self.backlog.is_empty()
            && self.due.is_empty()
            && !self.requests.iter().any(|r| r.detached && r.send && !r.is_done())
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
