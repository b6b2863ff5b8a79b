//! Rendezvous of data that lies in a few runs at the sender: the receiver reads the list of them, then each run straight to its
//! place, and nobody packs.

use super::super::buffer::Run;
use super::super::header::{Header, Kind, VIA_RING};
use super::super::peer::Outgoing;
use super::super::request::State;
use super::pull::Part;
use super::{Core, Reading};
use crate::abi::MPI_ERR_INTERN;
use crate::error::MpiError;
use crate::node;
use crate::transport::{MAX_READ, Read};

/// In place of the number of a piece's buffer: the reading is that of the list.
pub(super) const RUNS: u32 = u32::MAX;
/// More runs than a sender has are not believed.
const MOST: u64 = 1 << 12;
/// Bytes that runs must have, on average, when each costs a system call or a request to the adapter.
const LEAST_READ: u64 = 8 << 10;
/// The same when the sender can pack straight to the receiver's place (64 runs of 1, 4 and 16 KiB, two VMs: read 14, 26 and 36
/// GB/s, packed 38, 49 and 43).
const LEAST_PLACED: u64 = 16 << 10;

impl Core {
    /// Whether the sender has a list of its runs, and reading them is better than having them packed.
    pub(super) fn reads_runs(&self, request: u32, from: u32, header: &Header) -> bool {
        let Some(entry) = self.requests.get(request) else { return false };
        let is_dense = entry.buffer.address(0).is_some();
        let is_mapped = |write| self.shares_memory && node::direct(from, 0, 0, write).is_some();
        // Windows are symmetric: who can be written here writes here.
        let least = match () {
            () if is_dense && header.flags & VIA_RING != 0 && is_mapped(true) => LEAST_PLACED,
            () if is_mapped(false) => 0,
            () if is_dense => LEAST_READ,
            () => return false,
        };
        (1..=MOST).contains(&header.other) && header.size / header.other >= least
    }

    /// Starts to read the list of the sender's runs, which [`Self::reads_runs`] has said is good. The request is a receive that
    /// pulls.
    pub(super) fn read_runs(&mut self, request: u32, from: u32, header: &Header) {
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Pulling(pulling) = &mut entry.state else { return };
        pulling.packed = false;
        pulling.runs = vec![Run::default(); header.other as usize].into();
        let (local, len) = (pulling.runs.as_mut_ptr().cast(), size_of_val(&*pulling.runs));
        let token = u64::from(self.readings.insert(Reading { request, offset: 0, len, slot: RUNS }));
        let (remote, key) = (header.address, header.key);
        self.enqueue(from, Outgoing::Read(Read { from, remote, key, local, len: len as u64, token }));
    }

    /// The list is there.
    pub(super) fn runs_are_there(&mut self, request: u32) {
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Pulling(pulling) = &mut entry.state else { return };
        let (from, key, total) = (pulling.from, pulling.key, pulling.total);
        let runs = std::mem::take(&mut pulling.runs);
        let all = runs.iter().try_fold(0u64, |sum, run| sum.checked_add(run.len));
        // A receive may take less than the message, never more.
        if all.is_none_or(|all| all < total as u64) {
            let all = all.map_or("more than any memory has".into(), |all| format!("{all} bytes"));
            let text = format!("rank {from} describes {all} in runs instead of {total} bytes");
            self.failed = Some(MpiError::new(MPI_ERR_INTERN, text));
            return;
        }
        if entry.buffer.address(0).is_none() {
            return self.copy_runs(request, &runs);
        }
        pulling.started = total;
        let mut offset = 0;
        for run in &runs {
            let end = total.min(offset + run.len as usize);
            let mut remote = run.at;
            while offset < end {
                let len = (end - offset).min(MAX_READ as usize);
                self.read_part(request, &Part { remote, key, offset, len, slot: 0 });
                offset += len;
                remote += len as u64;
            }
        }
    }

    /// Copies the runs out of the sender's window into a scattered buffer.
    fn copy_runs(&mut self, request: u32, runs: &[Run]) {
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Pulling(pulling) = &entry.state else { return };
        let (from, sender, total) = (pulling.from, pulling.sender, pulling.total);
        let mut offset = 0;
        for run in runs {
            let len = (total - offset).min(run.len as usize);
            let Some(source) = node::direct(from, run.at, len as u64, false) else {
                let text =
                    format!("rank {from} describes {len} bytes at {:#x}, outside of its window", run.at);
                self.failed = Some(MpiError::new(MPI_ERR_INTERN, text));
                return;
            };
            // SAFETY: the window is mapped over these bytes, and the sender leaves its buffer alone until `Fin`.
            entry.buffer.write(offset, unsafe { std::slice::from_raw_parts(source, len) });
            offset += len;
        }
        self.control(from, Header::control(Kind::Fin, sender));
        self.complete(request);
    }
}
