//! C functions for collectives (MPI 5.0, chapter 6, and section 8.7): checks of the arguments, then [`crate::coll`].
//!
//! | file | question |
//! |---|---|
//! | [`buffers`] | which buffers are right, and what is kept of them? |
//! | [`barrier`], [`rooted`], [`exchange`], [`reducing`], [`neighbor`] | the collectives |
//!
//! A collective has three forms: blocking, non-blocking, and persistent. They share the description of a call ([`Call`]),
//! which holds all arguments, checked: the first runs it at once, the others give it to a [`request::Collective`].
//!
//! Arguments that the standard calls significant at the root only are looked at there only.

mod barrier;
mod buffers;
mod exchange;
mod neighbor;
mod reducing;
mod rooted;

pub use barrier::*;
pub use exchange::*;
pub use neighbor::*;
pub use reducing::*;
pub use rooted::*;

use super::input::store;
use crate::abi::{MPI_ERR_ARG, MPI_Info, MPI_Request};
use crate::comm::Comm;
use crate::error::{Result, err};
use crate::info;
use crate::request::{self, Collective, Operation};
use std::rc::Rc;

/// A call of a collective, its arguments checked and kept. It can be done any number of times.
trait Call: 'static {
    /// On which communicator.
    fn comm(&self) -> &Rc<Comm>;

    /// Does it.
    ///
    /// # Safety
    /// The buffers are as the standard asks until this returns.
    unsafe fn run(&self) -> Result<()>;
}

fn check_place(request: *mut MPI_Request) -> Result<()> {
    if request.is_null() { err(MPI_ERR_ARG, "request is a null pointer") } else { Ok(()) }
}

/// Starts a call and gives its request.
fn start(call: impl Call, request: *mut MPI_Request) -> Result<()> {
    check_place(request)?;
    let comm = call.comm().clone();
    let tag = comm.sequence.started();
    // SAFETY: the program keeps the buffers until the request is complete.
    let collective = Collective::new(comm.clone(), tag, Rc::new(move || unsafe { call.run() }));
    let pending = collective.start()?;
    // SAFETY: the caller's result place.
    unsafe { store("request", request, request::insert(comm, pending)?) }
}

/// Gives a persistent request for a call. Hints change nothing.
fn prepare(call: impl Call, hints: MPI_Info, request: *mut MPI_Request) -> Result<()> {
    check_place(request)?;
    info::get_or_empty(hints)?;
    let comm = call.comm().clone();
    let tag = comm.sequence.prepared();
    // SAFETY: the program keeps the buffers while the request is active.
    let collective = Collective::new(comm, tag, Rc::new(move || unsafe { call.run() }));
    let handle = request::insert_persistent(Operation::Collective(collective))?;
    // SAFETY: the caller's result place.
    unsafe { store("request", request, handle) }
}

/// Defines the C functions of collectives: blocking, non-blocking and persistent, each with `int` and with large counts
/// (see [`mpi_fn`](crate::mpi_fn)), from the arguments that all have and what makes a [`Call`] of them.
macro_rules! collectives {
    ($(
        $(#[$doc:meta])*
        $now:ident, $now_c:ident; $later:ident, $later_c:ident; $again:ident, $again_c:ident
        ($($args:tt)*) on $comm:ident => $call:expr;
    )*) => { $crate::mpi_fn! { $(
        $(#[$doc])*
        large fn $now, $now_c($($args)*) on $comm {
            let call = $call?;
            // SAFETY: the program gives buffers as the standard asks.
            unsafe { call.run() }
        }

        #[doc = concat!("Starts what `", stringify!($now), "` does.")]
        large fn $later, $later_c($($args)*, request: *mut MPI_Request) on $comm {
            super::start($call?, request)
        }

        #[doc = concat!("Makes a persistent request for what `", stringify!($now), "` does.")]
        large fn $again, $again_c($($args)*, hints: MPI_Info, request: *mut MPI_Request) on $comm {
            super::prepare($call?, hints, request)
        }
    )* } };
}
use collectives;
