//! Waiting and progress, on this process's engine: turns of the engine, between which operations in fibers go on and other
//! threads enter MPI.

use super::api::with;
use super::engine::{Core, Engine, Turn, Waiting};
use super::request::Request;
use super::{Req, Watched, background, finish};
use crate::Result;
use crate::abi::MPI_Status;
use crate::{fiber, threads};

/// Completes `req`, blocking until it is done. The status holds source (rank in the communicator), tag and bytes.
pub fn wait(req: Req) -> Result<MPI_Status> {
    wait_done(&req)?;
    finish(req)
}

/// Blocks until `req` is done; [`finish`] then gives its outcome.
pub fn wait_done(req: &Req) -> Result<()> {
    wait_watched(req.watch())
}

/// Blocks until the request is done, or gone.
pub fn wait_watched(Watched(request): Watched) -> Result<()> {
    if with(|engine| Ok(engine.request(request).is_none_or(Request::is_done)))? {
        return Ok(());
    }
    until_called(request, |core| core.is_done(request))
}

/// Takes turns until `done` holds. Other operations of this rank proceed, and other threads enter MPI, between them.
pub(super) fn until(done: impl FnMut(&mut Core) -> bool) -> Result<()> {
    until_called(threads::ANYTHING, done)
}

/// As [`until`], for what holds when that request is complete.
fn until_called(request: u32, mut done: impl FnMut(&mut Core) -> bool) -> Result<()> {
    if fiber::are_under_way() && fiber::is_inside() {
        return until_inside(&mut done);
    }
    let (mut waiting, mut waiter) = (Waiting::new(request), threads::Waiter::new(request));
    // Before this wait something may have come, too.
    let mut happened = true;
    loop {
        background::advance()?;
        if happened && fiber::are_under_way() {
            let_operations_proceed();
        }
        match with(|engine| engine.turn(&mut waiting, waiter.may_sleep(), &mut done))? {
            Turn::Over => return Ok(()),
            Turn::Happened => {
                happened = true;
                waiter.pause(false, None);
            }
            Turn::Idle(make_way) => {
                happened = threads::is_multiple();
                waiter.pause(true, make_way);
            }
            Turn::Sleep(sleeper, most_ns) => {
                happened = true;
                waiter.sleep(most_ns, &*sleeper);
                with(|engine| engine.get_up(&mut waiting))?;
            }
        }
    }
}

/// As [`until`] for an operation that runs in a fiber: others make progress, and let it go on when `done` holds.
#[cold]
fn until_inside(done: &mut dyn FnMut(&mut Core) -> bool) -> Result<()> {
    while !with(|engine| engine.holds(done))? {
        fiber::wait(done);
    }
    Ok(())
}

/// Lets all operations in fibers go on that can, and those that never will, so that they tell.
#[cold]
fn let_operations_proceed() {
    fiber::proceed(|condition| with(|engine| Ok(engine.holds(condition).unwrap_or(true))).unwrap_or(false));
}

/// Blocks until `done` holds; it is asked again after each piece of progress, with a test for requests.
pub fn wait_until(mut done: impl FnMut(&dyn Fn(&Req) -> bool) -> bool) -> Result<()> {
    until(|core| done(&|req: &Req| core.is_done(req.0)))
}

/// Makes progress until `done` holds, with sleeps while nothing happens. What makes it true has to come with a message or
/// with [`crate::node::wake`]. `done` must not call back into this module.
pub fn wait_for(mut done: impl FnMut() -> bool) -> Result<()> {
    until(|_| done())
}

/// Completes all of `reqs`; the first error is returned after all are done.
pub fn wait_all(reqs: impl IntoIterator<Item = Req>) -> Result<()> {
    let mut first = Ok(());
    for req in reqs {
        let done = wait(req).map(|_| ());
        first = first.and(done);
    }
    first
}

/// Lets the transport work; waits for nothing.
pub fn progress() -> Result<()> {
    with_progress(Engine::look)?;
    background::advance()
}

/// Lets the transport work, without a pause for a program that asks often.
pub fn serve() -> Result<()> {
    with_progress(|engine| engine.progress().map(|_| ()))
}

/// Runs `f`, which makes progress, on this process's engine. In a fiber nobody makes progress.
pub(super) fn with_progress(f: impl FnOnce(&mut Engine) -> Result<()>) -> Result<()> {
    if fiber::is_inside() {
        return Ok(());
    }
    with(f)?;
    if fiber::are_under_way() {
        let_operations_proceed();
    }
    Ok(())
}

/// Blocks until no operation runs in a fiber any more.
pub fn finish_operations() -> Result<()> {
    until(|_| !fiber::are_under_way())
}

/// Waits until everything sent, and every operation that nobody waits for, is delivered.
pub fn drain() -> Result<()> {
    until(|core| core.is_drained())?;
    while !with(Engine::settle)? {}
    Ok(())
}
