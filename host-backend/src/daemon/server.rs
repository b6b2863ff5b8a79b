//! Connections: accepts, reads requests, sends answers, and notices who has gone.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, sockopt::socket_peercred};
use rustix::time::Timespec;

use crate::engine::{Engine, EngineEvent};
use crate::error::{BackendError, Context, Result};
use crate::rpc::{Channel, Event, JobId, PROTOCOL, Received, Reply, Request, VERSION};

use super::jobs::{ConnectionId, Jobs};

/// How long the daemon stays for its first client at least, whatever the idle time: it was started for one.
const FIRST_CLIENT: Duration = Duration::from_secs(5);
/// Requests taken from one connection before the next one's turn.
const REQUESTS_PER_TURN: usize = 64;

struct Connection {
    channel: Channel,
    greeted: bool,
}

/// The daemon's main thread.
pub(super) struct Server {
    listener: OwnedFd,
    connections: BTreeMap<ConnectionId, Connection>,
    jobs: Jobs,
    idle: Duration,
    idle_since: Instant,
    next: ConnectionId,
    leave: bool,
}

/// What a poll entry stands for.
#[derive(Clone, Copy)]
enum Watched {
    Listener,
    Engine,
    Connection(ConnectionId),
    Process(JobId, u32),
}

impl Server {
    pub(super) fn new(listener: OwnedFd, engine: Box<dyn Engine>, idle: Duration, first_job: u64) -> Self {
        Self {
            listener,
            connections: BTreeMap::new(),
            jobs: Jobs::new(engine, first_job),
            idle,
            idle_since: Instant::now(),
            next: 1,
            leave: false,
        }
    }

    pub(super) fn run(&mut self) -> Result<()> {
        while !self.leave {
            if !self.connections.is_empty() {
                self.idle_since = Instant::now();
            } else if self.idle_left().is_zero() {
                return Ok(());
            }
            for watched in self.wait()? {
                match watched {
                    Watched::Listener => self.accept(),
                    Watched::Engine => self.engine_events(),
                    Watched::Connection(id) => self.serve(id),
                    Watched::Process(job, rank) => self.jobs.process_ended(job, rank),
                }
            }
        }
        Ok(())
    }

    /// How long it will stay if nobody comes.
    fn idle_left(&self) -> Duration {
        let stay = if self.next == 1 { self.idle.max(FIRST_CLIENT) } else { self.idle };
        stay.saturating_sub(self.idle_since.elapsed())
    }

    /// What is ready; empty after the time until the daemon is idle.
    fn wait(&self) -> Result<Vec<Watched>> {
        let mut what = vec![Watched::Listener, Watched::Engine];
        let mut fds = vec![
            PollFd::new(&self.listener, PollFlags::IN),
            PollFd::from_borrowed_fd(self.jobs.engine.event_fd(), PollFlags::IN),
        ];
        for (id, connection) in &self.connections {
            let out = if connection.channel.has_backlog() { PollFlags::OUT } else { PollFlags::empty() };
            what.push(Watched::Connection(*id));
            fds.push(PollFd::from_borrowed_fd(connection.channel.as_fd(), PollFlags::IN | out));
        }
        for (id, job) in &self.jobs.jobs {
            for (number, rank) in &job.ranks {
                if let Some(process) = &rank.process {
                    what.push(Watched::Process(*id, *number));
                    fds.push(PollFd::new(process, PollFlags::IN));
                }
            }
        }
        let left = self.idle_left();
        let timeout = self
            .connections
            .is_empty()
            .then_some(Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() });
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(e) => return Err(e).context(|| "waiting for requests".into()),
        }
        let ready = what.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(what, _)| *what).collect())
    }

    fn accept(&mut self) {
        let socket = match accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(socket) => socket,
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return,
            Err(e) => {
                // Out of descriptors, most likely: the client waits in the queue until some are free.
                log::error!("accepting a connection: {e}");
                std::thread::sleep(Duration::from_millis(10));
                return;
            }
        };
        // The directory is ours alone; this holds even where someone has opened it up.
        let uid = rustix::process::geteuid();
        match socket_peercred(&socket) {
            Ok(peer) if peer.uid == uid || peer.uid.is_root() => {
                self.connections
                    .insert(self.next, Connection { channel: Channel::new(socket), greeted: false });
                self.next += 1;
            }
            Ok(peer) => log::warn!("refusing a connection of user {}", peer.uid.as_raw()),
            Err(e) => log::warn!("refusing a connection of an unknown user: {e}"),
        }
    }

    fn engine_events(&mut self) {
        while let Some(EngineEvent::RankError { job, rank, text }) = self.jobs.engine.next_event() {
            let Some(owner) = self.jobs.jobs.get(&job).map(|job| job.owner) else { continue };
            let event = Reply::Event(Event::RankError { job, rank, text });
            let sent = match self.connections.get_mut(&owner) {
                Some(connection) => connection.channel.send(&event, Vec::new()),
                None => Ok(()),
            };
            if let Err(e) = sent {
                self.drop_connection(owner, &e.to_string());
            }
        }
    }

    fn serve(&mut self, id: ConnectionId) {
        if let Err(e) = self.try_serve(id) {
            self.drop_connection(id, &e.to_string());
        }
    }

    fn drop_connection(&mut self, id: ConnectionId, why: &str) {
        if self.connections.remove(&id).is_some() {
            log::info!("connection {id}: {why}");
            self.jobs.end_all(id);
        }
    }

    fn try_serve(&mut self, id: ConnectionId) -> Result<()> {
        for _ in 0..REQUESTS_PER_TURN {
            let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
            connection.channel.flush()?;
            let (request, fds) = match connection.channel.receive()? {
                Received::Message(request, fds) => (request, fds),
                Received::Empty => return Ok(()),
                Received::Closed => {
                    self.drop_connection(id, "closed");
                    return Ok(());
                }
            };
            if let Request::Hello { protocol, version } = &request {
                self.greet(id, *protocol, version)?;
                continue;
            }
            if !connection.greeted {
                return Err(BackendError::Protocol("a request came before the handshake".into()));
            }
            let (replies, out) = match self.answer(id, request, fds) {
                Ok(answer) => answer,
                Err(e) => {
                    let text = match e {
                        BackendError::Refused(text) => text,
                        other => other.to_string(),
                    };
                    log::info!("connection {id}: refused: {text}");
                    (vec![Reply::Refused { text }], Vec::new())
                }
            };
            let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
            let mut out = Some(out);
            for reply in replies {
                connection.channel.send(&reply, out.take().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn greet(&mut self, id: ConnectionId, protocol: u32, version: &str) -> Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        if protocol == PROTOCOL && version == VERSION {
            connection.greeted = true;
            let pid = std::process::id();
            let hello = Reply::Hello { protocol: PROTOCOL, version: VERSION.into(), pid };
            return connection.channel.send(&hello, Vec::new());
        }
        let jobs = self.jobs.jobs.len();
        log::warn!("connection {id} speaks {version} (protocol {protocol}), this is {VERSION} ({PROTOCOL})");
        let other = Reply::OtherVersion { protocol: PROTOCOL, version: VERSION.into(), jobs };
        connection.channel.send(&other, Vec::new())?;
        self.drop_connection(id, "other version");
        if jobs == 0 && self.connections.is_empty() {
            log::info!("leaving to a host backend of version {version}");
            self.leave = true;
        }
        Ok(())
    }

    fn answer(
        &mut self,
        id: ConnectionId,
        request: Request,
        fds: Vec<OwnedFd>,
    ) -> Result<(Vec<Reply>, Vec<OwnedFd>)> {
        let done = |()| (vec![Reply::Done], Vec::new());
        match request {
            Request::Hello { .. } => Err(BackendError::Protocol("a second handshake".into())),
            Request::CreateJob(spec) => {
                let job = self.jobs.create(id, spec)?;
                Ok((vec![Reply::Job { job }], Vec::new()))
            }
            Request::AddRank { job, rank, shape } => {
                let added = self.jobs.add_rank(id, job, rank, shape, fds)?;
                Ok((vec![Reply::Rank { pinned: added.pinned }], added.ivshmem.into_iter().collect()))
            }
            Request::RankPid { job, rank, pid } => self.jobs.rank_pid(id, job, rank, pid).map(done),
            Request::RankState { job, rank, state } => self.jobs.rank_state(id, job, rank, state).map(done),
            Request::EndJob { job } => self.jobs.end(id, job).map(done),
            Request::List => {
                let mut replies: Vec<Reply> = self.jobs.list().into_iter().map(Reply::Info).collect();
                replies.push(Reply::Done);
                Ok((replies, Vec::new()))
            }
        }
    }
}
