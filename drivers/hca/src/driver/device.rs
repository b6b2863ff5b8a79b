//! The adapter: opening it, protection domains, memory regions, events.

use alloc::rc::Rc;
use core::cell::Cell;
use core::sync::atomic::Ordering;

use super::command_client::{CommandClient, wake_if_asleep};
use super::completion_queue::CompletionQueue;
use super::error::Error;
use super::event_queue::EventQueue;
use super::qp_table::QpTable;
use super::queue_pair::{QpInit, QueuePair};
use super::shared_receive_queue::SharedReceiveQueue;
use crate::access::Access;
use crate::command::{Command, Opcode, QpState, Reply, Status};
use crate::event::Event;
use crate::limits::Limits;
use crate::num::{GuestAddr, Lkey, PdNum, Rank, Rkey};
use crate::platform::Platform;
use crate::region::{ControlPage, VERSION};

/// An open adapter. Everything made from it keeps it alive.
#[derive(Clone)]
pub struct Device(Rc<Core>);

/// What all objects of a device share.
pub(super) struct Core {
    pub(super) platform: Rc<dyn Platform>,
    pub(super) limits: Limits,
    pub(super) qps: QpTable,
    control: ControlPage,
    client: CommandClient,
    events: EventQueue,
    rank: Rank,
    size: u32,
    lkey: Lkey,
}

impl Core {
    pub(super) fn call(&self, command: Command) -> Result<Reply, Error> {
        self.client.call(&*self.platform, command)
    }

    /// Stores a doorbell, already in the adapter's byte order, after everything before it.
    #[inline]
    pub(super) fn ring_uar(&self, offset: usize, value: u64) {
        // SAFETY: SSE is part of the target. As on the adapter, the doorbell must not pass the doorbell record.
        unsafe { core::arch::x86_64::_mm_sfence() };
        self.control.doorbell(offset).store(value, Ordering::Release);
    }

    #[inline]
    pub(super) fn wake_if_asleep(&self) {
        wake_if_asleep(&self.control, &*self.platform);
    }
}

impl Device {
    /// Opens the adapter of this rank: checks the region, tells the DMA window, shakes hands with the host.
    pub fn open(platform: Rc<dyn Platform>) -> Result<Device, Error> {
        // SAFETY: `Platform` promises a mapped, page-aligned region of `region_len` bytes; `check` refuses a short one
        // before it reads anything, and `platform` is kept beside the view.
        let control = unsafe { ControlPage::new(platform.region()) };
        control.check(platform.region_len() as u64)?;
        let (rank, size) = control.rank_and_size();
        let (base, len) = platform.dma_window();
        control.dma_base().store(base, Ordering::Relaxed);
        control.dma_len().store(len, Ordering::Release);
        let client = CommandClient::new(control, Rank(rank));
        let (lkey, limits) = handshake(&client, &*platform)?;
        Ok(Device(Rc::new(Core {
            events: EventQueue::new(control),
            platform,
            limits,
            qps: QpTable::default(),
            control,
            client,
            rank: Rank(rank),
            size,
            lkey,
        })))
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.0.rank
    }

    /// Ranks of the job.
    pub fn size(&self) -> u32 {
        self.0.size
    }

    /// What the adapter can hold.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Key for local access to all of this rank's memory: no registration is needed to send or receive.
    pub fn lkey(&self) -> Lkey {
        self.0.lkey
    }

    /// Where the driver runs.
    pub fn platform(&self) -> &dyn Platform {
        &*self.0.platform
    }

    /// Interrupts another rank of the job through the host, for ranks that have no doorbell of their own: it ends a wait
    /// in [`Platform::wait_event`]. Far slower than a doorbell.
    pub fn wake_rank(&self, rank: Rank) -> Result<(), Error> {
        self.0.call(Command::WakeRank(rank)).map(drop)
    }

    /// A new protection domain.
    pub fn alloc_pd(&self) -> Result<ProtectionDomain, Error> {
        match self.0.call(Command::AllocPd)? {
            Reply::Pd(pd) => Ok(ProtectionDomain(Rc::new(PdState { core: self.0.clone(), pd }))),
            _ => Err(Error::BadAnswer(Opcode::AllocPd)),
        }
    }

    /// Registers memory, so that peers can use it. Not needed for local access: see [`Device::lkey`].
    ///
    /// # Safety
    /// The memory stays valid as long as the region lives, and the program expects what peers with the key do to it.
    pub unsafe fn reg_mr(
        &self,
        pd: &ProtectionDomain,
        addr: GuestAddr,
        len: u64,
        access: Access,
    ) -> Result<MemoryRegion, Error> {
        match self.0.call(Command::RegMr { pd: pd.number(), addr, len, access })? {
            Reply::Mr { lkey, rkey } => {
                Ok(MemoryRegion { core: self.0.clone(), _pd: pd.clone(), lkey, rkey, gone: Cell::new(false) })
            }
            _ => Err(Error::BadAnswer(Opcode::RegMr)),
        }
    }

    /// A completion queue of at least `entries` entries.
    pub fn create_cq(&self, entries: usize) -> Result<CompletionQueue, Error> {
        CompletionQueue::create(&self.0, entries)
    }

    /// A shared receive queue for at least `wqes` receives of up to `max_sges` entries.
    pub fn create_srq(
        &self,
        pd: &ProtectionDomain,
        wqes: usize,
        max_sges: usize,
    ) -> Result<SharedReceiveQueue, Error> {
        SharedReceiveQueue::create(&self.0, pd, wqes, max_sges)
    }

    /// A queue pair, to be connected with [`QueuePair::connect`].
    pub fn create_qp(&self, init: &QpInit) -> Result<QueuePair, Error> {
        QueuePair::create(&self.0, init)
    }

    /// Next asynchronous event. Events about queue pairs change their state on the way.
    #[inline]
    pub fn poll_event(&self) -> Result<Option<Event>, Error> {
        let event = self.0.events.poll()?;
        match event {
            Some(Event::Connected { qpn, .. }) => self.set_phase(qpn, QpState::Rts),
            Some(Event::QpFatal { qpn, .. }) => self.set_phase(qpn, QpState::Error),
            _ => {}
        }
        Ok(event)
    }

    fn set_phase(&self, qpn: crate::num::QpNum, phase: QpState) {
        self.0.qps.with(qpn, |qp| {
            if let Some(qp) = qp {
                qp.set_phase(phase);
            }
        });
    }

    /// Halts until the adapter's interrupt or the timeout. Arm the completion queues and poll once more before.
    pub fn wait_event(&self, timeout_ns: u64) {
        self.0.platform.wait_event(timeout_ns);
    }

    /// Sign of life for the launcher, where no kernel gives one (native mode).
    pub fn beat(&self) {
        self.0.control.heartbeat().fetch_add(1, Ordering::Relaxed);
    }
}

fn handshake(client: &CommandClient, platform: &dyn Platform) -> Result<(Lkey, Limits), Error> {
    match client.call(platform, Command::Handshake { version: VERSION }) {
        Ok(Reply::Handshake { version: VERSION, reserved_lkey, limits }) => Ok((reserved_lkey, limits)),
        Ok(Reply::Handshake { version, .. }) => Err(Error::HostVersion(version)),
        Ok(_) => Err(Error::BadAnswer(Opcode::Handshake)),
        Err(Error::Refused { status: Status::BadVersion, .. }) => Err(Error::HostVersion(0)),
        Err(error) => Err(error),
    }
}

/// A protection domain. Clones are the same one; the last one frees it.
#[derive(Clone)]
pub struct ProtectionDomain(Rc<PdState>);

struct PdState {
    core: Rc<Core>,
    pd: PdNum,
}

impl ProtectionDomain {
    /// Its number.
    pub fn number(&self) -> PdNum {
        self.0.pd
    }
}

impl Drop for PdState {
    fn drop(&mut self) {
        // A failure costs one entry of the host's table until the job ends.
        let _ = self.core.call(Command::DeallocPd(self.pd));
    }
}

/// Registered memory; dropping it ends the registration.
pub struct MemoryRegion {
    core: Rc<Core>,
    _pd: ProtectionDomain,
    lkey: Lkey,
    rkey: Rkey,
    gone: Cell<bool>,
}

impl MemoryRegion {
    /// Key for local use.
    pub fn lkey(&self) -> Lkey {
        self.lkey
    }

    /// Key for peers.
    pub fn rkey(&self) -> Rkey {
        self.rkey
    }

    /// Ends the registration; peers cannot use the memory any more once this returns `Ok`.
    pub fn deregister(self) -> Result<(), Error> {
        self.deregister_once()
    }

    fn deregister_once(&self) -> Result<(), Error> {
        if self.gone.replace(true) {
            return Ok(());
        }
        self.core.call(Command::DeregMr(self.lkey)).map(drop)
    }
}

impl Drop for MemoryRegion {
    fn drop(&mut self) {
        // A failure has nobody to go to; who must know calls `deregister`.
        let _ = self.deregister_once();
    }
}
