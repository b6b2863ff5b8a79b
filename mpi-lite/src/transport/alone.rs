//! A job of one rank: there is nobody to talk to.

use super::{Channel, Event, Payload, Read};
use crate::Result;
use crate::abi::MPI_ERR_OTHER;
use crate::error::err;

/// The channel of a rank without others. A wait on it would never end, so it fails.
#[derive(Default)]
pub struct Alone {
    asleep: bool,
}

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
        if self.asleep {
            self.asleep = false;
            return err(MPI_ERR_OTHER, "deadlock: the only rank waits for a message that nobody can send");
        }
        Ok(false)
    }

    fn arm(&mut self) {}

    fn sleep(&mut self, _timeout_ns: u64) {
        self.asleep = true;
    }

    fn quiesce(&mut self) -> bool {
        true
    }
}
