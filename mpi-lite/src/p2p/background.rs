//! What has to be done between messages: steps of operations that the engine cannot take, because they start others.
//!
//! A step is taken between the turns of every wait, and when a program polls, whatever it waits for.

use crate::Result;
use crate::per_rank::per_rank;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An operation with steps.
pub trait Steps {
    /// Takes what steps can be taken; false when there will be no more.
    fn step(&self) -> Result<bool>;
}

per_rank! { static OPERATIONS: RefCell<Vec<Rc<dyn Steps>>> = RefCell::new(Vec::new()); }
per_rank! { static ANY: Cell<bool> = const { Cell::new(false) }; }

/// Takes the steps of an operation from here on.
pub fn add(operation: Rc<dyn Steps>) {
    OPERATIONS.with(|all| all.borrow_mut().push(operation));
    ANY.with(|any| any.set(true));
}

/// Takes all steps that can be taken.
#[inline]
pub fn advance() -> Result<()> {
    if ANY.with(Cell::get) { advance_all() } else { Ok(()) }
}

#[cold]
fn advance_all() -> Result<()> {
    let all = OPERATIONS.with(|all| all.borrow().clone());
    let mut outcome = Ok(());
    for operation in all {
        let step = operation.step();
        if !matches!(step, Ok(true)) {
            OPERATIONS.with(|all| all.borrow_mut().retain(|other| !Rc::ptr_eq(other, &operation)));
        }
        outcome = outcome.and(step.map(|_| ()));
    }
    ANY.with(|any| any.set(OPERATIONS.with(|all| !all.borrow().is_empty())));
    outcome
}

/// Forgets all operations; MPI ends.
pub fn clear() {
    let all = OPERATIONS.with(|all| std::mem::take(&mut *all.borrow_mut()));
    ANY.with(|any| any.set(false));
    drop(all);
}
