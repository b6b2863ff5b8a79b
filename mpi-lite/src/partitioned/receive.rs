//! The receiving side: a receive for each partition of the sender, as soon as these are known.

use super::send::partitions;
use super::{SETUP, Setup, data_context, setup_context};
use crate::Result;
use crate::abi::*;
use crate::comm::{self, Comm};
use crate::datatype::{self};
use crate::error::{MpiError, err};
use crate::p2p::background::{self, Steps};
use crate::p2p::buffer::Buffer;
use crate::p2p::{self, Peer, Req, Source};
use crate::request::{self, Activity};
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::c_void;
use std::rc::{Rc, Weak};

/// A message of this start.
struct Part {
    /// None once it is ended.
    request: Option<Req>,
    /// Where it is received, if the program's buffer is scattered.
    aside: Option<Box<[u8]>>,
}

/// A partitioned receive.
pub struct Receive {
    comm: Rc<Comm>,
    /// None for `MPI_PROC_NULL`.
    from: Option<Peer>,
    tag: i32,
    partitions: u32,
    /// Bytes of all partitions.
    total: usize,
    buffer: RefCell<Buffer>,
    /// The receive of the setup, and where it goes.
    setup: RefCell<(Option<Req>, Box<[u8; SETUP]>)>,
    known: OnceCell<Setup>,
    is_active: Cell<bool>,
    /// Per partition of the sender, once these are known.
    parts: RefCell<Option<Vec<Part>>>,
    /// Bytes that have come in this start, and the first error.
    came: Cell<u64>,
    failed: RefCell<Option<MpiError>>,
    own: Weak<Self>,
}

impl Receive {
    /// `MPI_Precv_init`: checks arguments and expects the sender's setup.
    ///
    /// # Safety
    /// The buffer is writable, and otherwise unused, while the operation is active.
    pub unsafe fn new(
        buf: *mut c_void,
        partitions: i32,
        count: i64,
        datatype: MPI_Datatype,
        source: i32,
        tag: i32,
        comm: MPI_Comm,
    ) -> Result<Rc<Self>> {
        let comm = comm::get(comm)?;
        let partitions = self::partitions(partitions)?;
        let count = request::count(count)?.saturating_mul(partitions as usize);
        let dt = datatype::get(datatype)?;
        let from = match source {
            MPI_PROC_NULL => None,
            MPI_ANY_SOURCE => return err(MPI_ERR_RANK, "a partitioned receive names its source"),
            _ => Some(comm.peer(source)?),
        };
        if tag < 0 {
            return err(MPI_ERR_TAG, format!("invalid tag {tag} for a partitioned receive: 0 to MPI_TAG_UB"));
        }
        let total = dt.packed_size(count)?;
        // SAFETY: the caller's promise.
        let buffer = RefCell::new(unsafe { Buffer::new(buf.cast(), count, &dt)? });
        let mut bytes = Box::new([0; SETUP]);
        let mut expected = None;
        let known = OnceCell::new();
        match from {
            Some(from) => {
                let (context, byte) = (setup_context(&comm), datatype::byte());
                let (at, source) = (bytes.as_mut_ptr(), Source::Rank(from));
                // SAFETY: the box lives until the setup has come, see `drop`.
                expected = Some(unsafe { p2p::irecv(context, at, SETUP, &byte, source, Some(tag))? });
            }
            None => drop(known.set(Setup { partitions: 0, first_tag: 0, bytes: 0 })),
        }
        let setup = RefCell::new((expected, bytes));
        Ok(Rc::new_cyclic(|own| Self {
            comm,
            from,
            tag,
            partitions,
            total,
            buffer,
            setup,
            known,
            is_active: Cell::new(false),
            parts: RefCell::new(None),
            came: Cell::new(0),
            failed: RefCell::new(None),
            own: own.clone(),
        }))
    }

    /// Its communicator.
    pub fn comm(&self) -> Rc<Comm> {
        self.comm.clone()
    }

    /// What the sender has told, if it has.
    fn setup(&self) -> Result<Option<Setup>> {
        if let Some(known) = self.known.get() {
            return Ok(Some(*known));
        }
        let mut setup = self.setup.borrow_mut();
        let Some(request) = setup.0.take_if(|request| p2p::is_done(request)) else { return Ok(None) };
        p2p::finish(request)?;
        Ok(Some(*self.known.get_or_init(|| Setup::decode(&setup.1))))
    }

    /// Posts the receives of this start, if the sender's partitions are known.
    fn post(&self) -> Result<bool> {
        if !self.is_active.get() || self.parts.borrow().is_some() {
            return Ok(true);
        }
        let Some(setup) = self.setup()? else { return Ok(false) };
        let mut parts = Vec::with_capacity(setup.partitions as usize);
        for number in 0..setup.partitions {
            // What is beyond the buffer is cut off, and told.
            let offset = (u64::from(number) * setup.bytes).min(self.total as u64) as usize;
            let len = (setup.bytes.min((self.total - offset) as u64)) as usize;
            let mut aside = None;
            let at = match &*self.buffer.borrow() {
                Buffer::Bytes { at, .. } => at.wrapping_add(offset),
                Buffer::Scattered(_) => aside.insert(vec![0; len].into_boxed_slice()).as_mut_ptr(),
            };
            let (context, tag) = (data_context(&self.comm), setup.first_tag + number as i32);
            let Some(from) = self.from else { continue };
            // SAFETY: `new`'s promise, or memory that is kept until the message has come.
            let request =
                unsafe { p2p::irecv(context, at, len, &datatype::byte(), Source::Rank(from), Some(tag))? };
            parts.push(Part { request: Some(request), aside });
        }
        *self.parts.borrow_mut() = Some(parts);
        Ok(true)
    }

    /// Ends the message of a part, which has come.
    fn settle(&self, number: usize, part: &mut Part) {
        let Some(request) = part.request.take() else { return };
        match p2p::finish(request) {
            Ok(status) => self.came.set(self.came.get() + status.count_bytes()),
            Err(error) => drop(self.failed.borrow_mut().get_or_insert(error)),
        }
        if let (Some(data), Some(setup)) = (part.aside.take(), self.known.get()) {
            self.buffer.borrow_mut().write(number * setup.bytes as usize, &data);
        }
    }

    /// `MPI_Parrived`.
    pub fn has_arrived(&self, partition: i32) -> Result<bool> {
        let Some(place) = u32::try_from(partition).ok().filter(|place| *place < self.partitions) else {
            let n = self.partitions;
            return err(MPI_ERR_ARG, format!("partition {partition} of a receive of {n} partitions"));
        };
        if self.is_idle() {
            return Ok(true);
        }
        if self.look_at(place)? {
            return Ok(true);
        }
        p2p::progress()?;
        self.look_at(place)
    }

    fn look_at(&self, partition: u32) -> Result<bool> {
        self.post()?;
        let Some(setup) = self.known.get() else { return Ok(false) };
        let mut parts = self.parts.borrow_mut();
        let Some(parts) = parts.as_mut() else { return Ok(false) };
        let own = self.total as u64 / u64::from(self.partitions);
        let (start, end) = (u64::from(partition) * own, (u64::from(partition) + 1) * own);
        for (number, part) in parts.iter_mut().enumerate() {
            let from = number as u64 * setup.bytes;
            // Messages without bytes belong to every partition without bytes.
            let overlaps = if own == 0 { true } else { from < end && from + setup.bytes > start };
            if !overlaps {
                continue;
            }
            if !part.request.as_ref().is_none_or(p2p::is_done) {
                return Ok(false);
            }
            self.settle(number, part);
        }
        Ok(true)
    }
}

impl Steps for Receive {
    fn step(&self) -> Result<bool> {
        Ok(!self.post()?)
    }
}

/// A receive that the program gave up while it was active.
struct Abandoned(Rc<Receive>);

impl Steps for Abandoned {
    fn step(&self) -> Result<bool> {
        self.0.post()?;
        let is_done = self.0.is_done(&p2p::is_done);
        if is_done {
            self.0.end();
        }
        Ok(!is_done)
    }
}

impl Activity for Receive {
    fn is_idle(&self) -> bool {
        !self.is_active.get()
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn is_done(&self, is_done: &dyn Fn(&Req) -> bool) -> bool {
        let all = |parts: &Vec<Part>| parts.iter().all(|part| part.request.as_ref().is_none_or(is_done));
        self.is_idle() || self.parts.borrow().as_ref().is_some_and(all)
    }

    fn look(&self) -> Result<MPI_Status> {
        let Some(from) = self.from.filter(|_| !self.is_idle()) else {
            return Ok(if self.is_idle() { MPI_Status::EMPTY } else { MPI_Status::PROC_NULL });
        };
        if let Some(parts) = self.parts.borrow_mut().as_mut() {
            for (number, part) in parts.iter_mut().enumerate() {
                self.settle(number, part);
            }
        }
        Ok(MPI_Status::received(from.rank, self.tag, self.came.get()))
    }

    fn end(&self) -> (MPI_Status, Option<MpiError>) {
        let status = self.look().unwrap_or(MPI_Status::EMPTY);
        *self.parts.borrow_mut() = None;
        self.is_active.set(false);
        (status, self.failed.borrow_mut().take())
    }

    fn start(&self) -> Result<()> {
        if self.is_active.replace(true) {
            return err(MPI_ERR_REQUEST, "the request is active already; complete it first");
        }
        self.came.set(0);
        if !self.post()? {
            if let Some(own) = self.own.upgrade() {
                background::add(own);
            }
        }
        Ok(())
    }

    fn free(&self) -> Result<bool> {
        if let (false, Some(own)) = (self.is_idle(), self.own.upgrade()) {
            background::add(Rc::new(Abandoned(own)));
        }
        Ok(true)
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        let (expected, bytes) = self.setup.get_mut();
        if expected.as_ref().is_some_and(|request| !p2p::is_done(request)) {
            std::mem::forget(std::mem::replace(bytes, Box::new([0; SETUP])));
        }
    }
}
