//! One-sided access over the HCA: RDMA write, read and atomics.
//!
//! A window needs no registration of its own. The first one registers all of this rank's memory once more, with the rights to write
//! and to use atomics; the key of messages stays a key to read with. One region for all windows, because a dynamic window may
//! cover anything, and because registration then costs one command in a job, and none in a job without windows.

use super::super::remote::{Action, Remote};
use super::link::Held;
use super::{HcaChannel, failed, internal};
use crate::Result;
use crate::abi::MPI_ERR_NO_MEM;
use crate::error::err;
use std::alloc::Layout;
use std::ptr::NonNull;
use unirank_hca::{Access, GuestAddr, Rkey, SendRequest, Sge};

impl HcaChannel {
    /// The key of the memory with all rights.
    pub(super) fn open_window(&mut self) -> Result<u32> {
        if let Some(region) = &self.window {
            return Ok(region.rkey().0);
        }
        let (start, len) = self.reach;
        // SAFETY: the memory of the process as a whole lives as long as the process; the program makes a window and so
        // expects the others' accesses, which are checked against the window's bounds where they start.
        let region = unsafe { self.device.reg_mr(&self.pd, GuestAddr(start), len, Access::ALL) }
            .map_err(failed("registering memory for a window"))?;
        Ok(self.window.insert(region).rkey().0)
    }

    /// Memory that the host maps, so that its atomics are those of a processor.
    pub(super) fn adapter_memory(&mut self, bytes: usize) -> Result<NonNull<u8>> {
        let layout = Layout::from_size_align(bytes.max(64), 64).ok();
        match layout.and_then(|layout| self.device.platform().alloc_dma(layout)) {
            Some(memory) => Ok(memory),
            None => err(MPI_ERR_NO_MEM, format!("no adapter memory for {bytes} bytes of a window's locks")),
        }
    }

    /// Posts an access. False: no room, or not connected yet.
    pub(super) fn access_now(&mut self, access: &Remote) -> Result<bool> {
        let Remote { to, remote, key, local, len, action, token } = *access;
        if !self.ready(to)? {
            return Ok(false);
        }
        let Some(link) = self.links.get_mut(&to) else { return Ok(false) };
        let (number, address, key) = (link.number(), GuestAddr(remote), Rkey(key));
        let request = match action {
            Action::Read => SendRequest::read(number, address, key),
            Action::Write => SendRequest::write(number, address, key),
            Action::FetchAdd(add) => SendRequest::fetch_add(number, address, key, add),
            Action::CompareSwap { compare, swap } => {
                SendRequest::compare_swap(number, address, key, compare, swap)
            }
        };
        let sges = [Sge::new(local, len as u32, self.device.lkey())];
        // SAFETY: the caller keeps the memory until the access is reported.
        let sent = unsafe { link.post(request.sges(&sges), Some(Held::Read(token)), true) }
            .map_err(|error| internal(format!("accessing a window of rank {to}: {error}")))?;
        self.signals -= u32::from(sent);
        Ok(sent)
    }
}
