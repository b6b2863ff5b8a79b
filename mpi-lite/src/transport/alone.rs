//! A job of one rank: there is nobody to talk to.

use super::{Channel, Event, Payload, Read};
use crate::Result;

/// How long a thread of the only rank sleeps before it lets others into MPI.
const NAP_NS: u64 = 50_000;

/// The channel of a rank without others.
pub struct Alone;

impl Channel for Alone {
    fn max_message(&self) -> usize {
        8 << 10
    }

    fn memory_key(&self) -> u32 {
        0
    }

    fn try_send(&mut self, _to: u32, _header: &[u8], _data: Payload<'_>) -> Result<bool> {
        Ok(false)
    }

    fn try_read(&mut self, _read: &Read) -> Result<bool> {
        Ok(false)
    }

    fn poll(&mut self, _sink: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        Ok(false)
    }

    fn arm(&mut self) {}

    fn sleep(&mut self, timeout_ns: u64) {
        std::thread::sleep(std::time::Duration::from_nanos(timeout_ns.min(NAP_NS)));
    }

    fn quiesce(&mut self) -> bool {
        true
    }
}
