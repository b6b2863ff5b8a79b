//! What is under way, in words: for those who report that nothing moves.

use super::super::request::{Request, State};
use super::Core;
use crate::comm;

impl Core {
    /// The operations of the program, and of the collective it is in, that are not complete.
    pub fn under_way(&self) -> Vec<String> {
        let waits = |request: &&Request| !request.is_done() && !request.detached;
        let probe = self.probing.iter().map(|asked| format!("a probe {}", asked.describe(false)));
        probe.chain(self.requests.iter().filter(waits).map(describe)).collect()
    }
}

fn describe(request: &Request) -> String {
    let partner = request.asked.partner.unwrap_or(-1);
    if comm::is_collective(request.asked.context) {
        return match request.send {
            true => format!("rank {partner} of MPI_COMM_WORLD has not taken a message"),
            false => format!("no message of rank {partner} has come"),
        };
    }
    let (bytes, with) = (request.buffer.size(), request.asked.describe(request.send));
    match (request.send, &request.state) {
        (true, _) => format!("a send of {bytes} bytes {with}"),
        (_, State::Posted(_)) => format!("a receive of up to {bytes} bytes {with}"),
        _ => format!("a receive of {bytes} bytes {with}, whose data is on its way"),
    }
}
