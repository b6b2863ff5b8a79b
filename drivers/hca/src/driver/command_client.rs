//! Commands, one at a time, with a bound on every wait.

use core::cell::Cell;
use core::hint::spin_loop;
use core::sync::atomic::{Ordering, fence};

use super::error::Error;
use crate::command::{Command, Reply, Request, Response};
use crate::num::Rank;
use crate::platform::Platform;
use crate::region::ControlPage;

/// How long the host may take for a command. Commands take microseconds; a loaded machine with emulated processors may
/// not run the daemon for seconds.
const ANSWER_WITHIN_NS: u64 = 60_000_000_000;
/// How long to spin before halting.
const SPIN_NS: u64 = 20_000;
/// How long to halt before looking again, in case that the host does not raise the interrupt.
const HALT_NS: u64 = 2_000_000;

/// Guest's end of the command ring. The indices here are the trusted copies.
pub(super) struct CommandClient {
    control: ControlPage,
    rank: Rank,
    next: Cell<u32>,
    /// Set once the host did not answer: whoever tears down many objects does not wait for each.
    given_up: Cell<Option<u64>>,
}

impl CommandClient {
    pub(super) fn new(control: ControlPage, rank: Rank) -> CommandClient {
        // A guest that starts over continues where its predecessor stopped.
        let next = control.cmd_producer().load(Ordering::Relaxed);
        CommandClient { control, rank, next: Cell::new(next), given_up: Cell::new(None) }
    }

    /// Runs one command to its end.
    pub(super) fn call(&self, platform: &dyn Platform, command: Command) -> Result<Reply, Error> {
        let index = self.next.get();
        let opcode = command.opcode();
        let no_answer = |waited_ms| Error::NoAnswer { opcode, rank: self.rank, waited_ms };
        if let Some(waited_ms) = self.given_up.get() {
            return Err(no_answer(waited_ms));
        }
        self.control.write_request(index, &Request { id: index, command }.encode());
        self.next.set(index.wrapping_add(1));
        self.control.cmd_producer().store(index.wrapping_add(1), Ordering::Release);
        wake_if_asleep(&self.control, platform);
        self.wait(platform, index.wrapping_add(1)).map_err(|waited_ms| {
            self.given_up.set(Some(waited_ms));
            no_answer(waited_ms)
        })?;
        let response = Response::decode(&self.control.read_response(index), opcode);
        if response.id != index {
            return Err(Error::BadAnswer(opcode));
        }
        response.result.map_err(|status| Error::Refused { opcode, status })
    }

    /// Waits until the host's consumer index is `until`; the milliseconds waited in vain otherwise.
    fn wait(&self, platform: &dyn Platform, until: u32) -> Result<(), u64> {
        let answered = || self.control.cmd_consumer().load(Ordering::Acquire) == until;
        let start = platform.now_ns();
        let elapsed = || platform.now_ns().saturating_sub(start);
        while !answered() {
            if elapsed() < SPIN_NS {
                spin_loop();
                continue;
            }
            self.control.cmd_armed().store(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if !answered() {
                platform.wait_event(HALT_NS);
            }
            self.control.cmd_armed().store(0, Ordering::Relaxed);
            if !answered() && elapsed() > ANSWER_WITHIN_NS {
                return Err(elapsed() / 1_000_000);
            }
        }
        Ok(())
    }
}

/// After a doorbell or command: wakes the engine if it said that it sleeps. The fence pairs with the one between the
/// engine's store of the flag and its last look at the rings.
#[inline]
pub(super) fn wake_if_asleep(control: &ControlPage, platform: &dyn Platform) {
    fence(Ordering::SeqCst);
    if control.engine_asleep().load(Ordering::Relaxed) != 0 {
        platform.wake_engine();
    }
}
