//! Operations that go on while the program does something else: each runs in a *fiber*, a stack of its own.
//!
//! | file | question |
//! |---|---|
//! | [`switch`](mod@switch) | how does the processor go from one stack to another? |
//! | [`stack`] | where is their memory? |
//!
//! A fiber runs ordinary blocking code. Where that would wait ([`wait`]), the fiber leaves what it waits for as a condition
//! and goes back to whoever let it run. Whoever makes progress outside of fibers then asks all conditions ([`proceed`]) and
//! lets those run on whose condition holds. Nobody looks for messages inside of a fiber.
//!
//! There are no threads in this: a fiber runs on the thread that lets it run, which may be another one each time, and
//! whoever switches holds no borrow of the library's state.

mod stack;
mod switch;
#[cfg(test)]
mod tests;

use crate::error::{MpiError, Result};
use crate::p2p::engine::Core;
use crate::per_rank::per_rank;
use crate::threads;
use stack::Stack;
use std::cell::{Cell, RefCell};
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

/// What a fiber waits for.
type Condition<'a> = dyn FnMut(&mut Core) -> bool + 'a;

/// What a fiber does.
pub type Body = Box<dyn FnOnce() -> Result<()>>;

/// An operation that runs in a fiber, as its request knows it. It goes on when nobody knows it any more.
#[derive(Clone)]
pub struct Task(Rc<RefCell<Option<Result<()>>>>);

impl Task {
    /// Whether it has ended.
    pub fn is_done(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Why it failed, if it has.
    pub fn error(&self) -> Option<MpiError> {
        self.0.borrow().as_ref().and_then(|outcome| outcome.as_ref().err().cloned())
    }
}

struct Fiber {
    stack: Stack,
    /// Where it goes on.
    pointer: *mut u8,
    /// Where whoever let it run goes on.
    resumer: *mut u8,
    /// What it waits for: something on its own stack. None: it may run.
    condition: Option<NonNull<Condition<'static>>>,
    /// Tag of its messages.
    tag: i32,
    body: Option<Body>,
    task: Task,
}

/// The fibers of this rank.
struct Fibers {
    /// How many have not ended.
    under_way: Cell<usize>,
    /// The one that runs.
    current: Cell<*mut Fiber>,
    /// All others, oldest first. Boxed: a fiber knows its own address.
    #[allow(clippy::vec_box, reason = "the address has to stay while the list grows")]
    waiting: RefCell<Vec<Box<Fiber>>>,
}

per_rank! {
    static FIBERS: Fibers =
        Fibers { under_way: Cell::new(0), current: Cell::new(null_mut()), waiting: RefCell::new(Vec::new()) };
}

/// Whether any operation is under way.
#[inline]
pub fn are_under_way() -> bool {
    FIBERS.with(|fibers| fibers.under_way.get() != 0)
}

/// Whether the caller runs in a fiber.
#[inline]
pub fn is_inside() -> bool {
    FIBERS.with(|fibers| !fibers.current.get().is_null())
}

/// The tag for messages of the fiber that runs, if one does.
#[inline]
pub fn tag() -> Option<i32> {
    let current = FIBERS.with(|fibers| fibers.current.get());
    // SAFETY: the running fiber is alive.
    unsafe { current.as_ref() }.map(|fiber| fiber.tag)
}

/// Starts an operation whose messages have that tag. It runs up to its first wait before this returns.
pub fn start(tag: i32, body: Body) -> Result<Task> {
    let task = Task(Rc::default());
    let stack = Stack::take()?;
    let mut fiber = Box::new(Fiber {
        stack,
        pointer: null_mut(),
        resumer: null_mut(),
        condition: None,
        tag,
        body: Some(body),
        task: task.clone(),
    });
    // SAFETY: an unused stack; the box keeps the address that the function gets.
    fiber.pointer = unsafe { switch::begin(fiber.stack.top(), run, (&raw mut *fiber).cast()) };
    FIBERS.with(|fibers| fibers.under_way.set(fibers.under_way.get() + 1));
    if is_inside() {
        // One that a reduction function of the program starts has its turn later.
        FIBERS.with(|fibers| fibers.waiting.borrow_mut().push(fiber));
    } else {
        resume(fiber);
    }
    Ok(task)
}

/// What runs on a new stack. A panic ends the process here, as it cannot unwind further.
extern "C" fn run(fiber: *mut u8) -> ! {
    let fiber: *mut Fiber = fiber.cast();
    // SAFETY: `start` gives its address; the fiber lives until it has ended, and only it uses these fields while it runs.
    let (body, task) = unsafe { ((*fiber).body.take(), (*fiber).task.clone()) };
    let outcome = body.map_or(Ok(()), |body| body());
    *task.0.borrow_mut() = Some(outcome);
    // What is on this stack is never dropped.
    drop(task);
    // SAFETY: the pointers are those of whoever let it run, and of this fiber.
    unsafe { switch::switch(&raw mut (*fiber).pointer, (*fiber).resumer) };
    unreachable!("an operation that has ended goes on")
}

/// Lets a fiber run until it waits or ends. If it waits, it joins the list.
fn resume(mut fiber: Box<Fiber>) {
    let at: *mut Fiber = &raw mut *fiber;
    FIBERS.with(|fibers| fibers.current.set(at));
    // SAFETY: the fiber is not running, and its pointer is that of its last switch or a new stack's.
    unsafe { switch::switch(&raw mut (*at).resumer, (*at).pointer) };
    FIBERS.with(|fibers| {
        fibers.current.set(null_mut());
        if fiber.task.is_done() {
            fibers.under_way.set(fibers.under_way.get() - 1);
            fiber.stack.put_back();
            threads::happened();
        } else {
            fibers.waiting.borrow_mut().push(fiber);
        }
    });
}

/// In a fiber: returns when `condition` holds. It is asked between the turns of those who make progress.
pub fn wait(condition: &mut Condition<'_>) {
    let fiber = FIBERS.with(|fibers| fibers.current.get());
    // SAFETY: only the lifetime changes, and it is forgotten before this returns.
    let condition: NonNull<Condition<'static>> = unsafe { std::mem::transmute(NonNull::from(condition)) };
    // SAFETY: the running fiber is alive, and nobody else uses it.
    unsafe {
        (*fiber).condition = Some(condition);
        switch::switch(&raw mut (*fiber).pointer, (*fiber).resumer);
        (*fiber).condition = None;
    }
}

/// Lets all operations go on that can. `ask` runs a condition on the engine. Called outside of fibers, when something has
/// happened; in a fiber it does nothing.
pub fn proceed(mut ask: impl FnMut(&mut Condition<'_>) -> bool) {
    if is_inside() {
        return;
    }
    let mut again = true;
    // What one does may be what another waits for.
    while again {
        again = false;
        for mut fiber in FIBERS.with(|fibers| fibers.waiting.take()) {
            let ready = match &mut fiber.condition {
                // SAFETY: it lies on the fiber's stack, which stands still.
                Some(condition) => ask(unsafe { condition.as_mut() }),
                None => true,
            };
            if ready {
                again = true;
                resume(fiber);
            } else {
                FIBERS.with(|fibers| fibers.waiting.borrow_mut().push(fiber));
            }
        }
    }
}
