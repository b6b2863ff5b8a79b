//! One rank's side of the engine: its device region, memory, keys and eventfds.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use unirank_hca::event::Event;
use unirank_hca::region::{
    CMD_SLOTS, ControlPage, EVT_SLOTS, REGION_LEN, UAR_CQ_DOORBELL, UAR_SEND_DOORBELL,
};

use crate::engine::{Counters, RankSetup};
use crate::error::{BackendError, Context, Result};
use crate::memory::{Mapping, Space};

use super::LIMITS;
use super::keys::Keys;

/// Events kept back while the guest does not take them from its ring; over it the oldest are dropped.
const MAX_EVENT_BACKLOG: usize = 65536;

/// A rank that the engine serves.
#[derive(Debug)]
pub(super) struct Rank {
    pub(super) number: u32,
    pub(super) space: Space,
    pub(super) keys: Keys,
    pub(super) counters: Arc<Counters>,
    pub(super) wake: OwnedFd,
    irq: OwnedFd,
    page: Page,
    /// Numbers of its queue pairs.
    pub(super) queue_pairs: Vec<u32>,
    /// Numbers of its completion queues.
    pub(super) completion_queues: Vec<u32>,
    /// Numbers of its shared receive queues.
    pub(super) shared_queues: Vec<u32>,
    /// The guest has told its version.
    pub(super) greeted: bool,
    /// It broke the protocol and is served no more.
    pub(super) disabled: bool,
    send_doorbell: u64,
    cq_doorbell: u64,
    commands: u32,
    events: u32,
    backlog: VecDeque<Event>,
    interrupt: bool,
}

/// The control page with the mapping that holds it.
struct Page {
    view: ControlPage,
    _region: Mapping,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Page")
    }
}

// SAFETY: the view points into the mapping beside it; all its accesses are atomic.
unsafe impl Send for Page {}

/// What the doorbells of a rank say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rung {
    /// Queue pair named by the last send doorbell, if it has changed.
    pub(super) send: Option<u32>,
    /// Whether the doorbell of completion queues has changed.
    pub(super) arm: bool,
    /// Commands not yet carried out; more than the ring holds if the guest broke it.
    pub(super) commands: u32,
}

impl Rank {
    /// Checks what the runner handed over and publishes the control page.
    pub(super) fn new(setup: RankSetup) -> Result<Self> {
        let RankSetup { job, rank, size, space, region, wake, irq, counters } = setup;
        if region.len() < REGION_LEN {
            return Err(BackendError::Refused(format!(
                "the device region of rank {rank} has {} bytes, want {REGION_LEN}",
                region.len()
            )));
        }
        for fd in [&wake, &irq] {
            let flags = fcntl_getfl(fd).context(|| format!("looking at the eventfds of rank {rank}"))?;
            fcntl_setfl(fd, flags | OFlags::NONBLOCK)
                .context(|| format!("setting up the eventfds of rank {rank}"))?;
        }
        // SAFETY: the mapping is page-aligned, at least REGION_LEN long, and lives beside the view.
        let view = unsafe { ControlPage::new(region.base()) };
        view.engine_asleep().store(1, Ordering::SeqCst);
        view.publish(rank, size, job.0, space.ram_len(), &LIMITS);
        let (commands, events) =
            (view.cmd_consumer().load(Ordering::Relaxed), view.evt_producer().load(Ordering::Relaxed));
        Ok(Self {
            number: rank,
            space,
            keys: Keys::default(),
            counters,
            wake,
            irq,
            send_doorbell: view.doorbell(UAR_SEND_DOORBELL).load(Ordering::Relaxed),
            cq_doorbell: view.doorbell(UAR_CQ_DOORBELL).load(Ordering::Relaxed),
            page: Page { view, _region: region },
            queue_pairs: Vec::new(),
            completion_queues: Vec::new(),
            shared_queues: Vec::new(),
            greeted: false,
            disabled: false,
            commands,
            events,
            backlog: VecDeque::new(),
            interrupt: false,
        })
    }

    /// Looks at the doorbells. Three loads when nothing happened.
    #[inline]
    pub(super) fn look(&mut self) -> Rung {
        let page = self.page.view;
        let send = page.doorbell(UAR_SEND_DOORBELL).load(Ordering::Acquire);
        let arm = page.doorbell(UAR_CQ_DOORBELL).load(Ordering::Acquire);
        let mut rung = Rung { commands: self.new_commands(), ..Rung::default() };
        if send != self.send_doorbell {
            self.send_doorbell = send;
            // First eight bytes of the control segment, as they lie in memory: the second word is qpn << 8 | ds.
            rung.send = Some(u32::from_be((send >> 32) as u32) >> 8);
        }
        if arm != self.cq_doorbell {
            self.cq_doorbell = arm;
            rung.arm = true;
        }
        rung
    }

    /// Whether anything has rung since the last look; changes nothing.
    pub(super) fn has_rung(&self) -> bool {
        let page = self.page.view;
        page.doorbell(UAR_SEND_DOORBELL).load(Ordering::Acquire) != self.send_doorbell
            || page.doorbell(UAR_CQ_DOORBELL).load(Ordering::Acquire) != self.cq_doorbell
            || self.new_commands() != 0
    }

    /// Commands that can be carried out: a process may be faster than its launcher, who tells which one it is. Until then its
    /// memory cannot be reached, and it has to wait.
    #[inline]
    fn new_commands(&self) -> u32 {
        match self.space {
            Space::Native { pid: None, .. } => 0,
            _ => self.page.view.cmd_producer().load(Ordering::Acquire).wrapping_sub(self.commands),
        }
    }

    /// Request of the next command.
    pub(super) fn next_request(&self) -> [u8; unirank_hca::region::CMD_BYTES] {
        self.page.view.read_request(self.commands)
    }

    /// Answers the next command.
    pub(super) fn respond(&mut self, bytes: &[u8; unirank_hca::region::CMD_BYTES]) {
        let page = self.page.view;
        page.write_response(self.commands, bytes);
        self.commands = self.commands.wrapping_add(1);
        page.cmd_consumer().store(self.commands, Ordering::Release);
        Counters::add(&self.counters.commands, 1);
        fence(Ordering::SeqCst);
        if page.cmd_armed().load(Ordering::Relaxed) == 1 {
            self.interrupt = true;
        }
    }

    /// Most commands there can be.
    pub(super) const COMMAND_SLOTS: u32 = CMD_SLOTS;

    /// Where the native process says it mapped its arena.
    pub(super) fn dma_window(&self) -> (u64, u64) {
        let page = self.page.view;
        (page.dma_base().load(Ordering::Acquire), page.dma_len().load(Ordering::Acquire))
    }

    /// Queues an event for the guest.
    pub(super) fn tell(&mut self, event: Event) {
        if self.backlog.len() >= MAX_EVENT_BACKLOG {
            self.backlog.pop_front();
        }
        self.backlog.push_back(event);
        self.pump_events();
    }

    /// Moves queued events into the ring as far as there is room.
    pub(super) fn pump_events(&mut self) {
        let page = self.page.view;
        while let Some(event) = self.backlog.front() {
            let taken = page.evt_consumer().load(Ordering::Acquire);
            // A consumer index that makes no sense looks like a full ring: the guest only hurts itself.
            if self.events.wrapping_sub(taken) >= EVT_SLOTS {
                return;
            }
            page.write_event(self.events, &event.encode());
            self.events = self.events.wrapping_add(1);
            page.evt_producer().store(self.events, Ordering::Release);
            self.backlog.pop_front();
            self.interrupt = true;
        }
    }

    /// Whether events wait for room.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Asks for an interrupt at the end of the pass.
    pub(super) fn interrupt(&mut self) {
        self.interrupt = true;
    }

    /// Raises the interrupt if asked for.
    #[inline]
    pub(super) fn flush_interrupt(&mut self) {
        if std::mem::take(&mut self.interrupt) {
            Counters::add(&self.counters.interrupts, 1);
            // A full eventfd (EAGAIN) is already readable: the rank will wake.
            let _ = rustix::io::write(&self.irq, &1u64.to_ne_bytes());
        }
    }

    /// Tells the guest whether a doorbell has to be followed by a wake-up.
    pub(super) fn set_asleep(&self, asleep: bool) {
        self.page.view.engine_asleep().store(asleep.into(), Ordering::SeqCst);
    }

    /// Takes wake-ups off the eventfd.
    pub(super) fn drain_wake(&self) {
        let mut count = [0u8; 8];
        if rustix::io::read(&self.wake, &mut count) == Ok(8) {
            Counters::add(&self.counters.wakeups, u64::from_ne_bytes(count));
        }
    }
}
