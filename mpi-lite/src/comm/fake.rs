//! A network inside the test process: each thread is a rank.
//!
//! Sends are synchronous: they complete when a receive has matched, whatever their size. An algorithm that relies on
//! buffering therefore hangs here, and a wait that lasts too long panics and says for what.

use super::Comm;
use crate::abi::MPI_ERR_TRUNCATE;
use crate::datatype::{Datatype, Packer};
use crate::error::{Result, err};
use crate::p2p::Peer;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Receiver's rank in the world, context, sender's rank in the communicator, tag.
type Address = (u32, u32, i32, i32);

#[derive(Default)]
struct State {
    next: u64,
    unexpected: Vec<(Address, u64, Vec<u8>)>,
    posted: Vec<(Address, u64)>,
    /// Data of matched receives.
    arrived: HashMap<u64, Vec<u8>>,
    /// Sends that wait to be matched.
    unmatched: HashMap<u64, Address>,
    messages: u64,
}

/// The network of one job.
#[derive(Default)]
pub struct Net {
    state: Mutex<State>,
    changed: Condvar,
}

thread_local! {
    static NET: RefCell<Option<Arc<Net>>> = const { RefCell::new(None) };
}

/// Whether this thread is a rank of a fake job.
pub fn active() -> bool {
    NET.with(|n| n.borrow().is_some())
}

/// Runs `body` on `size` ranks; returns what they returned, by rank.
pub fn run<R: Send + 'static>(size: usize, body: impl Fn(usize) -> R + Send + Sync + 'static) -> Vec<R> {
    let net = Arc::new(Net::default());
    let body = Arc::new(body);
    let start = |rank: usize| {
        let (net, body) = (net.clone(), body.clone());
        let spawned = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
            NET.with(|n| *n.borrow_mut() = Some(net));
            super::on_init(rank as u32, size as u32);
            let result = body(rank);
            super::shutdown();
            result
        });
        spawned.expect("a thread for each rank")
    };
    let threads: Vec<_> = (0..size).map(start).collect();
    let results = threads.into_iter().map(|t| t.join().expect("the rank's own message is above")).collect();
    let state = net.lock();
    assert!(state.unexpected.is_empty() && state.posted.is_empty(), "messages or receives are left over");
    results
}

/// An operation under way.
pub enum Pending {
    Send(u64),
    Receive { id: u64, address: Address, into: Packer },
}

impl Net {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no rank has panicked")
    }

    fn wait_until(&self, what: &dyn Fn() -> String, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let limit = Duration::from_secs(30);
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |state| !done(state));
        let (state, timeout) = waited.expect("no rank has panicked");
        assert!(!timeout.timed_out(), "waited too long for {}", what());
        state
    }
}

fn net() -> Arc<Net> {
    NET.with(|n| n.borrow().clone()).expect("called on a rank of a fake job")
}

fn world_of(peer: Peer) -> u32 {
    peer.world
}

/// See [`super::wire::start_send`].
///
/// # Safety
/// As there.
pub unsafe fn start_send(
    comm: &Comm,
    to: usize,
    tag: i32,
    buf: *const u8,
    count: usize,
    dt: &Datatype,
) -> Result<Pending> {
    // SAFETY: the caller's promise; packing only reads.
    let mut packer = unsafe { Packer::new(dt, count, buf.cast_mut()) };
    let mut data = vec![0; packer.len()];
    packer.pack(&mut data);
    let address = (world_of(comm.member(to)), comm.collective_context(), comm.rank() as i32, tag);
    let net = net();
    let mut state = net.lock();
    state.next += 1;
    state.messages += 1;
    let id = state.next;
    match state.posted.iter().position(|(a, _)| *a == address) {
        Some(position) => {
            let (_, receive) = state.posted.remove(position);
            state.arrived.insert(receive, data);
            net.changed.notify_all();
        }
        None => {
            state.unexpected.push((address, id, data));
            state.unmatched.insert(id, address);
        }
    }
    Ok(Pending::Send(id))
}

/// See [`super::wire::start_receive`].
///
/// # Safety
/// As there.
pub unsafe fn start_receive(
    comm: &Comm,
    from: usize,
    tag: i32,
    buf: *mut u8,
    count: usize,
    dt: &Datatype,
) -> Result<Pending> {
    // SAFETY: the caller's promise.
    let into = unsafe { Packer::new(dt, count, buf) };
    let address = (super::me()?, comm.collective_context(), from as i32, tag);
    let net = net();
    let mut state = net.lock();
    state.next += 1;
    let id = state.next;
    match state.unexpected.iter().position(|(a, _, _)| *a == address) {
        Some(position) => {
            let (_, send, data) = state.unexpected.remove(position);
            state.unmatched.remove(&send);
            state.arrived.insert(id, data);
            net.changed.notify_all();
        }
        None => state.posted.push((address, id)),
    }
    Ok(Pending::Receive { id, address, into })
}

/// See [`super::wire::finish`].
pub fn finish(pending: Pending) -> Result<usize> {
    let net = net();
    match pending {
        Pending::Send(id) => {
            let what = || format!("a receive that matches send {id}");
            drop(net.wait_until(&what, |state| !state.unmatched.contains_key(&id)));
            Ok(0)
        }
        Pending::Receive { id, address, mut into } => {
            let what = || format!("message (to, context, from, tag) {address:?}");
            let mut state = net.wait_until(&what, |state| state.arrived.contains_key(&id));
            let data = state.arrived.remove(&id).unwrap_or_default();
            drop(state);
            let room = into.len();
            into.unpack(&data[..data.len().min(room)]);
            if data.len() > room {
                return err(MPI_ERR_TRUNCATE, format!("{} bytes for a buffer of {room}", data.len()));
            }
            Ok(data.len())
        }
    }
}
