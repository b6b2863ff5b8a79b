//! The sending side: a message for each partition, when the program says that it is ready.

use super::tags::Range;
use super::{SETUP, Setup, data_context, setup_context};
use crate::Result;
use crate::abi::*;
use crate::comm::{self, Comm};
use crate::datatype::{self, Datatype};
use crate::error::{MpiError, err};
use crate::p2p::{self, Peer, Req, SendMode};
use crate::request::{self, Activity};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::rc::Rc;

/// A partitioned send.
pub struct Send {
    comm: Rc<Comm>,
    buf: *const u8,
    count: usize,
    dt: Datatype,
    /// None for `MPI_PROC_NULL`.
    to: Option<Peer>,
    tags: Range,
    is_active: Cell<bool>,
    /// Per partition the request of its message, once it is ready.
    messages: RefCell<Vec<Option<Req>>>,
    /// The setup under way, and its bytes.
    setup: RefCell<(Req, Box<[u8; SETUP]>)>,
}

/// The number of partitions that the program gives.
pub(super) fn partitions(number: i32) -> Result<u32> {
    u32::try_from(number).or_else(|_| err(MPI_ERR_ARG, format!("negative number of partitions {number}")))
}

impl Send {
    /// `MPI_Psend_init`: checks arguments and tells the receiver.
    ///
    /// # Safety
    /// The buffer is readable while the operation is active.
    pub unsafe fn new(
        buf: *const c_void,
        partitions: i32,
        count: i64,
        datatype: MPI_Datatype,
        dest: i32,
        tag: i32,
        comm: MPI_Comm,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let partitions = self::partitions(partitions)?;
        let count = request::count(count)?;
        let dt = datatype::get(datatype)?;
        let to = if dest == MPI_PROC_NULL { None } else { Some(comm.peer(dest)?) };
        if tag < 0 {
            return err(MPI_ERR_TAG, format!("invalid tag {tag} for a send: tags are 0 to MPI_TAG_UB"));
        }
        dt.packed_size(count.saturating_mul(partitions as usize))?;
        let bytes = dt.packed_size(count)? as u64;
        let tags = Range::take(partitions)?;
        let setup = Box::new(Setup { partitions, first_tag: tags.first(), bytes }.encode());
        let mut sent = Req::complete();
        if let Some(to) = to {
            let (context, me, byte) = (setup_context(&comm), comm.rank() as i32, datatype::byte());
            // SAFETY: the box lives until the setup is sent, see `drop`.
            sent = unsafe {
                p2p::isend(context, setup.as_ptr(), SETUP, &byte, to, me, tag, SendMode::Standard)?
            };
        }
        let messages = RefCell::new((0..partitions).map(|_| None).collect());
        let setup = RefCell::new((sent, setup));
        Ok(Self { comm, buf: buf.cast(), count, dt, to, tags, is_active: Cell::new(false), messages, setup })
    }

    /// Its communicator.
    pub fn comm(&self) -> Rc<Comm> {
        self.comm.clone()
    }

    /// `MPI_Pready`.
    pub fn ready(&self, partition: i32) -> Result<()> {
        if !self.is_active.get() {
            return err(MPI_ERR_REQUEST, "the partitioned send is not started");
        }
        let len = self.messages.borrow().len();
        let Some(place) = usize::try_from(partition).ok().filter(|place| *place < len) else {
            return err(MPI_ERR_ARG, format!("partition {partition} of a send of {len} partitions"));
        };
        if self.messages.borrow()[place].is_some() {
            return err(MPI_ERR_ARG, format!("partition {partition} is marked as ready already"));
        }
        let mut sent = Req::complete();
        if let Some(to) = self.to {
            let offset = (place * self.count) as isize * self.dt.extent();
            let (context, me, tag) =
                (data_context(&self.comm), self.comm.rank() as i32, self.tags.first() + partition);
            let at = self.buf.wrapping_offset(offset);
            // SAFETY: `new`'s promise.
            sent = unsafe { p2p::isend(context, at, self.count, &self.dt, to, me, tag, SendMode::Standard)? };
        }
        self.messages.borrow_mut()[place] = Some(sent);
        Ok(())
    }
}

impl Activity for Send {
    fn is_idle(&self) -> bool {
        !self.is_active.get()
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn is_done(&self, is_done: &dyn Fn(&Req) -> bool) -> bool {
        self.is_idle() || self.messages.borrow().iter().all(|sent| sent.as_ref().is_some_and(is_done))
    }

    fn look(&self) -> Result<MPI_Status> {
        Ok(MPI_Status::EMPTY)
    }

    fn end(&self) -> (MPI_Status, Option<MpiError>) {
        self.is_active.set(false);
        let sent: Vec<_> = self.messages.borrow_mut().iter_mut().filter_map(Option::take).collect();
        let errors = sent.into_iter().filter_map(|req| p2p::finish(req).err());
        // All of them are ended, whatever the first says.
        (MPI_Status::EMPTY, errors.fold(None, |first, error| first.or(Some(error))))
    }

    fn start(&self) -> Result<()> {
        if self.is_active.replace(true) {
            return err(MPI_ERR_REQUEST, "the request is active already; complete it first");
        }
        Ok(())
    }

    /// Messages under way complete by themselves.
    fn free(&self) -> Result<bool> {
        Ok(true)
    }
}

impl Drop for Send {
    fn drop(&mut self) {
        let (sent, bytes) = self.setup.get_mut();
        if !p2p::is_done(sent) {
            std::mem::forget(std::mem::replace(bytes, Box::new([0; SETUP])));
        }
    }
}
