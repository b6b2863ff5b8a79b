//! Messages larger than memory, on a channel that records instead of copying: only the arithmetic is at work.

use super::super::engine::{Engine, Links};
use super::super::header::{Header, Kind, PACKED};
use super::super::testing::PACE;
use super::*;
use crate::Result;
use crate::p2p::{install, progress, test, wait};
use crate::transport::{Channel, Event, MAX_READ, Payload, Read, Sleeper};
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Default)]
struct Tape {
    incoming: Vec<Vec<u8>>,
    sent: Vec<Header>,
    reads: Vec<Read>,
    done: usize,
}

struct Recorder(Rc<RefCell<Tape>>);

impl Channel for Recorder {
    fn max_message(&self) -> usize {
        1024
    }
    fn memory_key(&self) -> u32 {
        1
    }
    fn try_send(&mut self, _to: u32, header: &[u8], _data: Payload<'_>) -> Result<bool> {
        self.0.borrow_mut().sent.extend(Header::decode(header).map(|(header, _)| header));
        Ok(true)
    }
    fn try_read(&mut self, read: &Read) -> Result<bool> {
        self.0.borrow_mut().reads.push(*read);
        Ok(true)
    }
    fn poll(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        let incoming = std::mem::take(&mut self.0.borrow_mut().incoming);
        incoming.iter().for_each(|bytes| sink(Event::Message { from: 1, bytes }));
        let tokens: Vec<u64> = {
            let mut tape = self.0.borrow_mut();
            let tokens = tape.reads[tape.done..].iter().map(|read| read.token).collect();
            tape.done = tape.reads.len();
            tokens
        };
        tokens.iter().for_each(|token| sink(Event::ReadDone { token: *token }));
        Ok(!incoming.is_empty() || !tokens.is_empty())
    }
    fn arm(&mut self) {}
    fn sleep(&mut self, _timeout_ns: u64) {}
    fn sleeper(&self) -> Sleeper {
        Rc::new(|_| ())
    }

    fn quiesce(&mut self) -> bool {
        true
    }
}

#[test]
fn a_message_of_five_gib_and_a_byte_is_read_in_parts_that_cover_it_once() {
    let tape = Rc::new(RefCell::new(Tape::default()));
    install(Some(Engine::new(0, 2, Links::by_adapter(Recorder(tape.clone())), usize::MAX, PACE)));
    let size = (5 << 30) + 1;
    let (there, here) = (0x10_0000_0000u64, 0x70_0000_0000 as *mut u8);
    // SAFETY: the recorder never touches the memory.
    let receive = unsafe { irecv(0, here, size, &byte(), Source::Any, None) }.expect("irecv");
    let envelope =
        crate::p2p::matching::Envelope { context: 0, source: 1, tag: 3, types: crate::check::TypeCode::ANY };
    let control = Header::control(Kind::Rendezvous, 99);
    let header = Header { envelope, size: size as u64, address: there, key: 5, ..control };
    tape.borrow_mut().incoming.push(header.encode().to_vec());
    let status = wait(receive).expect("received");
    assert_eq!(status.count_bytes(), size as u64);
    let tape = tape.borrow();
    let mut next = 0;
    for read in &tape.reads {
        assert_eq!((read.remote, read.local as u64, read.key), (there + next, here as u64 + next, 5));
        assert!(read.len <= MAX_READ);
        next += read.len;
    }
    assert_eq!((next, tape.reads.len()), (size as u64, 6));
    assert_eq!(tape.sent.iter().map(|h| (h.kind, h.token)).collect::<Vec<_>>(), [(Kind::Fin, 99)]);
    install(None);
}

#[test]
fn a_send_of_eight_gib_says_so_and_ends_with_fin() {
    let tape = Rc::new(RefCell::new(Tape::default()));
    install(Some(Engine::new(0, 2, Links::by_adapter(Recorder(tape.clone())), usize::MAX, PACE)));
    let dt = blocks(1 << 20, 1 << 10, 1 << 10);
    let address = 0x70_0000_0000usize;
    // SAFETY: the recorder never touches the memory.
    let send =
        unsafe { isend(0, address as *const u8, 8, &dt, peer(1), 0, 3, SendMode::Standard) }.expect("isend");
    let header = tape.borrow().sent[0];
    assert_eq!((header.kind, header.size, header.address), (Kind::Rendezvous, 8 << 30, address as u64));
    assert!(!test(&send).expect("test"));
    tape.borrow_mut().incoming.push(Header::control(Kind::Fin, header.token).encode().to_vec());
    progress().expect("progress");
    assert!(test(&send).expect("test"));
    wait(send).expect("sent");
    install(None);
}

#[test]
fn runs_that_are_fewer_bytes_than_the_message_are_an_error() {
    let tape = Rc::new(RefCell::new(Tape::default()));
    install(Some(Engine::new(0, 2, Links::by_adapter(Recorder(tape.clone())), usize::MAX, PACE)));
    let mut space = vec![0; 1 << 20];
    let receive = receive_bytes(Source::Any, None, &mut space);
    let envelope =
        crate::p2p::matching::Envelope { context: 0, source: 1, tag: 3, types: crate::check::TypeCode::ANY };
    let control = Header::control(Kind::Rendezvous, 99);
    let header = Header { envelope, size: 1 << 20, address: 64, key: 5, flags: PACKED, other: 3, ..control };
    tape.borrow_mut().incoming.push(header.encode().to_vec());
    // The recorder leaves the list of runs empty.
    let error = wait(receive).expect_err("three runs of no bytes");
    assert!(
        error.text.contains("rank 1 describes 0 bytes in runs instead of 1048576 bytes"),
        "{}",
        error.text
    );
    let list = tape.borrow().reads[0];
    assert_eq!((list.remote, list.len, list.key), (64, 48, 5));
    install(None);
}
