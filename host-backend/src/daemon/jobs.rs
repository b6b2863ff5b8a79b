//! The jobs of all connections, and what requests do to them.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::event::{EventfdFlags, eventfd};

use crate::engine::{Counters, Engine, RankSetup};
use crate::error::{BackendError, Context, Result};
use crate::ivshmem;
use crate::memory::{Mapping, Space, pin};
use crate::rpc::{JobId, JobInfo, JobSpec, RankShape, RankState};

use super::rank::Rank;

/// Most ranks of a job on one host.
const MAX_RANKS: u32 = 65536;
/// Ranks in one part of a listing, so that it fits a message.
const RANKS_PER_PART: usize = 128;

/// Number of a connection.
pub(super) type ConnectionId = u64;

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) owner: ConnectionId,
    spec: JobSpec,
    started: u64,
    /// What interrupts the VMs of the job, by rank, those that are yet to come among them; none in a job of processes.
    bells: Vec<OwnedFd>,
    pub(super) ranks: BTreeMap<u32, Rank>,
}

/// All jobs, and the engine that serves them.
pub(super) struct Jobs {
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) engine: Box<dyn Engine>,
    next: u64,
}

/// What a new rank's runner gets.
pub(super) struct Added {
    pub(super) ivshmem: Option<OwnedFd>,
    pub(super) pinned: std::result::Result<(), String>,
}

fn refused<T>(text: String) -> Result<T> {
    Err(BackendError::Refused(text))
}

impl Jobs {
    pub(super) fn new(engine: Box<dyn Engine>, next: u64) -> Self {
        Self { jobs: BTreeMap::new(), engine, next }
    }

    pub(super) fn create(&mut self, owner: ConnectionId, spec: JobSpec) -> Result<JobId> {
        if spec.ranks == 0 || spec.ranks > MAX_RANKS {
            return refused(format!("a job of {} ranks; it can have 1 to {MAX_RANKS}", spec.ranks));
        }
        let id = JobId(self.next);
        self.next += 1;
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        log::info!("job {id}: {} ranks of {:?} ({})", spec.ranks, spec.command, spec.accel);
        self.jobs.insert(id, Job { owner, spec, started, bells: Vec::new(), ranks: BTreeMap::new() });
        Ok(id)
    }

    /// The job, if it is this connection's.
    fn owned(&mut self, owner: ConnectionId, id: JobId) -> Result<&mut Job> {
        match self.jobs.get_mut(&id) {
            Some(job) if job.owner == owner => Ok(job),
            _ => refused(format!("job {id} is not one of this connection")),
        }
    }

    fn owned_rank(&mut self, owner: ConnectionId, id: JobId, number: u32) -> Result<&mut Rank> {
        let job = self.owned(owner, id)?;
        match job.ranks.get_mut(&number) {
            Some(rank) => Ok(rank),
            None => refused(format!("rank {number} of job {id} has not been added")),
        }
    }

    pub(super) fn add_rank(
        &mut self,
        owner: ConnectionId,
        id: JobId,
        number: u32,
        shape: RankShape,
        fds: Vec<OwnedFd>,
    ) -> Result<Added> {
        let job = self.owned(owner, id)?;
        let size = job.spec.ranks;
        if number >= size {
            return refused(format!("rank {number} of job {id}, which has {size} ranks"));
        }
        if job.ranks.contains_key(&number) {
            return refused(format!("rank {number} of job {id} has been added already"));
        }
        let counters = Arc::new(Counters::default());
        let parts = Parts::take(shape, number, fds, job)?;
        let ivshmem = match shape {
            RankShape::Vm => Some(ivshmem::serve(&ivshmem::Wiring {
                rank: number,
                region: parts.region_file.as_fd(),
                wake: parts.wake.as_fd(),
                irq: parts.irq.as_fd(),
                bells: &job.bells,
            })?),
            RankShape::Native => None,
        };
        let pinned = parts.pinned.clone();
        let setup = RankSetup {
            job: id,
            rank: number,
            size,
            space: parts.space,
            region: parts.region,
            wake: parts.wake,
            irq: parts.irq,
            counters: Arc::clone(&counters),
        };
        self.engine.attach(setup)?;
        let (server, qemu) = ivshmem.unzip();
        let rank = Rank {
            shape,
            files: vec![parts.memory_file, parts.region_file],
            _server: server,
            pid: None,
            process: None,
            state: RankState::Starting,
            pinned: pinned.is_ok(),
            counters,
        };
        self.owned(owner, id)?.ranks.insert(number, rank);
        Ok(Added { ivshmem: qemu, pinned })
    }

    pub(super) fn rank_pid(&mut self, owner: ConnectionId, id: JobId, number: u32, pid: u32) -> Result<()> {
        let rank = self.owned_rank(owner, id, number)?;
        if rank.pid.is_some() {
            return refused(format!("the process of rank {number} of job {id} is known already"));
        }
        rank.set_process(pid).map_err(BackendError::Refused)?;
        self.engine.set_pid(id, number, pid);
        Ok(())
    }

    pub(super) fn rank_state(
        &mut self,
        owner: ConnectionId,
        id: JobId,
        number: u32,
        state: RankState,
    ) -> Result<()> {
        let rank = self.owned_rank(owner, id, number)?;
        // The daemon may have seen the process end first; the runner knows the status.
        let detach = state.is_final() && !rank.state.is_final();
        if rank.state.is_final() && !state.is_final() {
            return refused(format!("rank {number} of job {id} has ended already"));
        }
        rank.state = state;
        if detach {
            rank.process = None;
            self.engine.detach(id, number);
        }
        Ok(())
    }

    /// A watched process has ended before the runner said so.
    pub(super) fn process_ended(&mut self, id: JobId, number: u32) {
        let Some(rank) = self.jobs.get_mut(&id).and_then(|job| job.ranks.get_mut(&number)) else { return };
        rank.process = None;
        if !rank.state.is_final() {
            log::info!("job {id}: rank {number}: its process has ended");
            rank.state = RankState::Failed("its process has ended".into());
            self.engine.detach(id, number);
        }
    }

    pub(super) fn end(&mut self, owner: ConnectionId, id: JobId) -> Result<()> {
        self.owned(owner, id)?;
        self.remove(id);
        Ok(())
    }

    /// Ends all jobs of a connection that is gone.
    pub(super) fn end_all(&mut self, owner: ConnectionId) {
        let ids: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| job.owner == owner).map(|(id, _)| *id).collect();
        for id in ids {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: JobId) {
        self.engine.end_job(id);
        self.jobs.remove(&id);
        log::info!("job {id}: ended");
    }

    /// All jobs, in parts that fit a message.
    pub(super) fn list(&self) -> Vec<JobInfo> {
        let mut parts = Vec::new();
        for (id, job) in &self.jobs {
            let part = |ranks| JobInfo { job: *id, spec: job.spec.clone(), started: job.started, ranks };
            let ranks: Vec<_> = job.ranks.iter().map(|(number, rank)| rank.info(*number)).collect();
            parts.extend(ranks.chunks(RANKS_PER_PART).map(|ranks| part(ranks.to_vec())));
            if ranks.is_empty() {
                parts.push(part(Vec::new()));
            }
        }
        parts
    }
}

/// What a rank's descriptors become.
struct Parts {
    space: Space,
    region: Mapping,
    memory_file: OwnedFd,
    region_file: OwnedFd,
    wake: OwnedFd,
    irq: OwnedFd,
    pinned: std::result::Result<(), String>,
}

fn new_eventfd() -> Result<OwnedFd> {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).context(|| "creating an eventfd".into())
}

impl Job {
    /// What interrupts a VM of this job.
    fn bell(&mut self, number: u32) -> Result<OwnedFd> {
        let all = self.spec.ranks.min(ivshmem::MOST_BELLS);
        while self.bells.len() < all as usize {
            self.bells.push(new_eventfd()?);
        }
        match self.bells.get(number as usize) {
            Some(bell) => bell.try_clone().context(|| "duplicating an eventfd".into()),
            None => new_eventfd(),
        }
    }
}

impl Parts {
    fn take(shape: RankShape, number: u32, fds: Vec<OwnedFd>, job: &mut Job) -> Result<Self> {
        let given = fds.len();
        let wrong = || {
            BackendError::Refused(format!(
                "rank {number}: {given} file descriptors came with a {shape:?} rank"
            ))
        };
        let (memory_file, region_file, wake, irq) = match shape {
            RankShape::Vm => {
                let [ram, region] = <[OwnedFd; 2]>::try_from(fds).map_err(|_| wrong())?;
                (ram, region, new_eventfd()?, job.bell(number)?)
            }
            RankShape::Native => {
                let [region, dma, wake, irq] = <[OwnedFd; 4]>::try_from(fds).map_err(|_| wrong())?;
                (dma, region, wake, irq)
            }
        };
        let what = match shape {
            RankShape::Vm => format!("the RAM of rank {number}"),
            RankShape::Native => format!("the DMA arena of rank {number}"),
        };
        // A VM's RAM file is longer than its RAM when that is no power of two.
        let most = if shape == RankShape::Vm && job.spec.mem > 0 { job.spec.mem } else { u64::MAX };
        let memory = Arc::new(Mapping::first(&memory_file, most, &what)?);
        let region = Mapping::new(&region_file, &format!("the device region of rank {number}"))?;
        let pinned = pin(&memory).map_err(|text| format!("{what}: {text}"));
        let space = match shape {
            RankShape::Vm => Space::Vm { ram: memory },
            RankShape::Native => Space::Native { arena: memory, base: 0, pid: None },
        };
        Ok(Self { space, region, memory_file, region_file, wake, irq, pinned })
    }
}
