//! What is under way, and who could move it: for those who report that nothing moves.

use super::super::request::{Asked, Request, State};
use super::Core;
use crate::comm;

impl Core {
    /// The operations of the program, and of the collective it is in, that are not complete.
    pub fn under_way(&self) -> Vec<String> {
        let waits = |request: &&Request| !request.is_done() && !request.detached;
        let probe = self.probing.iter().map(|asked| format!("a probe {}", asked.describe(false)));
        probe.chain(self.requests.iter().filter(waits).map(describe)).collect()
    }

    /// The ranks of `MPI_COMM_WORLD` of which one has to act before that request is complete; none if that is unknown.
    pub fn partners_of(&self, request: u32) -> Option<Vec<u32>> {
        partners(&self.requests.get(request)?.asked, self.requests.get(request)?.send)
    }

    /// The same for the blocking probe that is under way.
    pub fn partners_of_probe(&self) -> Option<Vec<u32>> {
        partners(self.probing.as_ref()?, false)
    }

    /// The same for any of the requests that are not complete, if there are some.
    pub fn partners_of_any(&self) -> Option<Vec<u32>> {
        let all = self.requests.iter().filter(|request| !request.is_done());
        let all: Option<Vec<_>> = all.map(|request| partners(&request.asked, request.send)).collect();
        all.map(|all| all.concat()).filter(|all| !all.is_empty())
    }
}

fn partners(asked: &Asked, send: bool) -> Option<Vec<u32>> {
    if send {
        return asked.partner.map(|world| vec![world as u32]);
    }
    let comm = comm::of_context(asked.context)?;
    let members = comm.peers().members();
    match asked.partner {
        Some(rank) => members.get(rank as usize).map(|world| vec![*world]),
        None => Some(members.to_vec()),
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
