//! Collectives that the program waits for later.

use super::Pending;
use crate::comm::Comm;
use crate::error::Result;
use crate::{fiber, observe};
use std::rc::Rc;

/// A collective with its arguments, to be started once, or any number of times.
#[derive(Clone)]
pub struct Collective {
    /// Communicator.
    pub comm: Rc<Comm>,
    tag: i32,
    run: Rc<dyn Fn() -> Result<()>>,
}

impl Collective {
    /// `run` does it, with messages of that tag on the communicator's collective context.
    pub fn new(comm: Rc<Comm>, tag: i32, run: Rc<dyn Fn() -> Result<()>>) -> Self {
        Self { comm, tag, run }
    }

    /// Starts it.
    pub fn start(&self) -> Result<Pending> {
        let run = self.run.clone();
        fiber::start(self.tag, Box::new(move || run())).map(Pending::Task)
    }

    /// Starts a persistent one, which no function's name tells of.
    pub(super) fn start_again(&self) -> Result<Pending> {
        observe::started_collective();
        self.start()
    }
}
