//! The runner's watch over its ranks: one thread, one poll, until all have ended or something ends them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;
use unirank_host_backend::BackendError;
use unirank_host_backend::client::{Client, Event, JobId, RankState};
use unirank_images::symbolize::Symbolizer;

use super::bind;
use super::boot_times::BootTimes;
use super::control::Control;
use super::core::{CoreFiles, Place};
use super::deadlock::Deadlock;
use super::fault::Fault;
use super::guest_ram::GuestRam;
use super::heartbeat::Patience;
use super::input::Input;
use super::life::{Phase, Step};
use super::node::Node;
use super::passing::{self, Asked, GRACE};
use super::profile::ProfileFile;
use super::progress::{self, Progress};
use super::rank::Rank;
use super::record;
use super::recorder::Recorder;
use super::signals::{Passed, PassedOn, Signals};
use super::sink::Sink;
use super::stats::Stats;
use super::strace::Strace;
use super::stream::ReadState;
use super::trace::{ClockKeeper, TraceFile};
use super::trouble::{RankTrouble, Trouble};
use crate::failure::{Context, Failure, Result};

/// How often silence and limits are looked at.
const WATCH: Duration = Duration::from_millis(250);
/// If the runner itself was away for this long, it does not blame the ranks.
const AWAY: Duration = Duration::from_secs(1);
/// How long a killed process may take to go away.
const REAP: Duration = Duration::from_secs(10);
/// How long a reader of our output may stand still at the end.
const SLOW_READER: Duration = Duration::from_secs(30);

/// A running job.
#[derive(Debug)]
pub struct Job {
    /// The ranks, by number.
    pub ranks: Vec<Rank>,
    /// Tells VMs the time, for a trace. It uses the node's memory and goes before it.
    pub _clock: Option<ClockKeeper>,
    /// What they share. The runner keeps it to the end of the job and reads the ranks' counters then.
    pub node: Node,
    /// The connection that keeps the job alive in the backend.
    pub client: Client,
    /// The backend's number of the job.
    pub id: JobId,
    /// Standard output.
    pub out: Sink,
    /// Standard error.
    pub err: Sink,
    /// Standard input, for rank 0.
    pub input: Input,
    /// Ctrl-C and other signals for the ranks, and ended children.
    pub signals: Signals,
    /// The line that shows VMs booting.
    pub progress: Progress,
    /// Names of the image's addresses.
    pub symbols: Symbolizer,
    /// How long ranks may be silent.
    pub patience: Patience,
    /// The job's own limit.
    pub timeout: Option<Duration>,
    /// Records exit counters when a rank asks.
    pub recorder: Option<Recorder>,
    /// Gets the profile at the end.
    pub profile: Option<ProfileFile>,
    /// Shows system calls, if wanted.
    pub strace: Option<Strace>,
    /// Writes core files, if wanted.
    pub cores: Option<CoreFiles>,
    /// Ranks that have waited for long.
    pub deadlock: Deadlock,
    /// Ranks that died, and where their memory says how.
    pub dead: Vec<(u32, Place)>,
    /// Collects what is told of the ranks' counters at the end.
    pub stats: Option<Stats>,
    /// Collects where the time of the start went.
    pub boot_times: Option<BootTimes>,
    /// Gets the timeline at the end.
    pub trace: Option<TraceFile>,
    /// Whether notices are kept back.
    pub quiet: bool,
    /// What the user was told, or would have been without `quiet`.
    pub told: Vec<String>,
    /// Files the job has left.
    pub files: Vec<PathBuf>,
    /// When the job was started.
    pub started: Instant,
    /// Set once the ranks were asked to end.
    pub asked: Option<Asked>,
    /// What happened, the first first.
    pub troubles: Vec<Trouble>,
    /// Set once the runner kills what is left: those deaths are no news.
    pub ending: bool,
}

/// What a descriptor that became ready belongs to.
#[derive(Clone, Copy)]
enum Source {
    Signals,
    Backend,
    WriteOut,
    WriteErr,
    Input,
    RankInput,
    Out(usize),
    Err(usize),
    Ctl(usize),
    Words(usize),
}

impl Job {
    /// Watches until the job has ended. `Ok` means that every rank ended with status 0.
    pub fn watch(&mut self) -> Result<()> {
        let mut end_at: Option<Instant> = None;
        let mut last_watch = Instant::now();
        while self.ranks.iter().any(Rank::runs) {
            self.wait_and_pump(end_at)?;
            let now = Instant::now();
            if now.duration_since(last_watch) >= WATCH {
                let away = now.duration_since(last_watch) >= AWAY;
                last_watch = now;
                self.look_for_silence(now, away);
            }
            if self.troubles.is_empty()
                && self.timeout.is_some_and(|limit| now.duration_since(self.started) >= limit)
            {
                self.troubles.extend(self.timeout.map(Trouble::Timeout));
            }
            if let Some(asked) = self.asked.filter(|asked| now >= asked.until) {
                self.add_ending(asked, true);
            }
            // Every further trouble may end the job sooner, none later.
            if let Some(soonest) = self.troubles.iter().map(|t| now + t.grace()).min() {
                end_at = Some(end_at.map_or(soonest, |end| end.min(soonest)));
            }
            if end_at.is_some_and(|end| now >= end) {
                break;
            }
        }
        self.end()
    }

    /// Ends what still runs, passes the last output on and says what happened.
    fn end(&mut self) -> Result<()> {
        self.progress.clear();
        self.ending = true;
        let ended = self.ranks.iter().filter(|r| r.runs()).count() as u32;
        if let Some(stats) = &mut self.stats {
            self.ranks.iter().filter(|rank| rank.runs()).for_each(|rank| stats.take_exits(rank));
        }
        self.ranks.iter_mut().for_each(Rank::kill);
        let give_up = Instant::now() + REAP;
        while self.ranks.iter().any(Rank::runs) && Instant::now() < give_up {
            self.reap();
            std::thread::sleep(Duration::from_millis(2));
        }
        for rank in &mut self.ranks {
            rank.out.drain(&mut self.out);
            rank.err.drain(&mut self.err);
        }
        self.write_cores();
        if let Some(strace) = &mut self.strace {
            strace.finish(&mut self.err);
        }
        let output = self.out.finish(SLOW_READER).and_then(|()| self.err.finish(SLOW_READER));
        if let Some(trouble) = self.troubles.iter().min_by_key(|t| t.distance()) {
            return Err(trouble.failure(ended));
        }
        output.map_err(|error| Trouble::OutputClosed(error.to_string()).failure(ended))
    }

    /// Writes the core files of ranks that died; nothing changes their memory any more.
    fn write_cores(&mut self) {
        let Some(cores) = &self.cores else { return };
        for (rank, place) in self.dead.drain(..) {
            let ram = GuestRam::new(&self.node.ram[rank as usize], self.node.memory);
            let text = match cores.write(self.id.0, rank, ram, place) {
                Ok(path) => {
                    let text = cores.told(rank, &path);
                    self.files.push(path);
                    text
                }
                Err(failure) => failure.to_string(),
            };
            self.err.say(&text);
            self.told.push(text);
        }
    }

    /// Tells what the ended ranks have counted and recorded, whatever their end was.
    pub fn tell(&mut self, program: &str) -> Result<()> {
        let region = self.node.region();
        let mut outcome = Ok(());
        if let Some(times) = &self.boot_times {
            self.err.push(times.table().to_string().as_bytes());
        }
        if let Some(stats) = &mut self.stats {
            match stats.tell(&region, self.started.elapsed().as_secs_f64()) {
                Ok(text) => self.err.push(text.as_bytes()),
                Err(error) => outcome = Err(error),
            }
        }
        match self.trace.as_mut().map(|trace| trace.write(&region, program)) {
            Some(Ok(text)) => {
                self.files.extend(self.trace.as_ref().map(|trace| trace.path().to_owned()));
                if !self.quiet {
                    self.err.say(&text);
                }
            }
            Some(Err(error)) => outcome = outcome.and(Err(error)),
            _ => {}
        }
        let ram = |rank: u32| GuestRam::new(&self.node.ram[rank as usize], self.node.memory);
        match self.profile.as_ref().map(|profile| profile.write(&self.symbols, program, ram)) {
            Some(Ok(text)) => {
                self.files.extend(self.profile.as_ref().map(|profile| profile.path().to_owned()));
                if !self.quiet {
                    self.err.say(&text);
                }
            }
            Some(Err(error)) => outcome = outcome.and(Err(error)),
            None => {}
        }
        let written = self.err.finish(SLOW_READER);
        outcome.and(written.context(|| "writing to standard error".into()))
    }

    /// Waits until something happens or something is due, and moves what is there.
    fn wait_and_pump(&mut self, end_at: Option<Instant>) -> Result<()> {
        let now = Instant::now();
        let mut limit = WATCH;
        for rank in &mut self.ranks {
            if rank.out.show_prompt(now, &mut self.out) | rank.err.show_prompt(now, &mut self.err) {
                limit = limit.min(Duration::from_millis(20));
            }
        }
        // Notices that still wait come first: they would push the line up, where nothing clears it.
        if !self.err.has_waiting() && self.progress.tick() {
            limit = limit.min(progress::TICK);
        }
        if let Some(end) = end_at {
            limit = limit.min(end.saturating_duration_since(now));
        }
        for source in self.wait(limit)? {
            self.handle(source);
        }
        Ok(())
    }

    fn wait(&self, limit: Duration) -> Result<Vec<Source>> {
        let (mut fds, mut sources) = (Vec::new(), Vec::new());
        let mut add = |fd, source| {
            // The two lists stay in step.
            fds.push(fd);
            sources.push(source);
        };
        for fd in self.signals.fds() {
            add(PollFd::new(fd, PollFlags::IN), Source::Signals);
        }
        let backend = self.client.event_fd();
        add(PollFd::from_borrowed_fd(backend, PollFlags::IN), Source::Backend);
        for (sink, source) in [(&self.out, Source::WriteOut), (&self.err, Source::WriteErr)] {
            if sink.has_waiting() {
                add(PollFd::new(sink, PollFlags::OUT), source);
            }
        }
        let stdin = self.input.wants_read();
        if let Some(stdin) = &stdin {
            add(PollFd::new(stdin, PollFlags::IN), Source::Input);
        }
        if let Some(fd) = self.ranks[0].input.as_ref().filter(|_| self.input.wants_write()) {
            add(PollFd::new(fd, PollFlags::OUT), Source::RankInput);
        }
        // A rank waits until its calls are read: what nobody reads must not grow here.
        let calls_wait = self.err.is_full() && self.strace.as_ref().is_some_and(Strace::uses_stderr);
        for (n, rank) in self.ranks.iter().enumerate() {
            let out = rank.out.fd().filter(|_| !self.out.is_full());
            let err = rank.err.fd().filter(|_| !self.err.is_full());
            let rows: [(Option<&OwnedFd>, Source); 4] = [
                (out, Source::Out(n)),
                (err, Source::Err(n)),
                (rank.ctl.fd().filter(|_| !calls_wait), Source::Ctl(n)),
                (rank.words.fd(), Source::Words(n)),
            ];
            for (fd, source) in rows {
                if let Some(fd) = fd {
                    add(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN), source);
                }
            }
        }
        let timeout = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(Failure::from(e, "waiting for the ranks")),
        }
        Ok(fds.iter().zip(&sources).filter(|(fd, _)| !fd.revents().is_empty()).map(|(_, s)| *s).collect())
    }

    fn handle(&mut self, source: Source) {
        match source {
            Source::Signals => self.take_signals(),
            Source::Backend => self.take_events(),
            Source::WriteOut => self.write(true),
            Source::WriteErr => self.write(false),
            Source::Input => self.input.read(),
            Source::RankInput => {
                if let Some(fd) = &self.ranks[0].input {
                    self.input.write(fd);
                }
            }
            Source::Out(n) => {
                self.progress.clear();
                self.ranks[n].out.read(&mut self.out);
            }
            Source::Err(n) => {
                self.progress.clear();
                self.ranks[n].err.read(&mut self.err);
            }
            Source::Ctl(n) => {
                let mut found = Vec::new();
                self.ranks[n].ctl.read(&mut found);
                self.follow(n, found);
            }
            Source::Words(n) => drop(self.ranks[n].words.read()),
        }
        if let Some(sent) = self.input.take_end() {
            let rank = &mut self.ranks[0];
            if rank.heartbeat.is_some() {
                rank.ctl.send(&format!("stdin-eof {sent}\n"));
            }
            // A native program sees the end when its pipe closes.
            rank.input = None;
        }
    }

    fn write(&mut self, out: bool) {
        let sink = if out { &mut self.out } else { &mut self.err };
        if let Err(error) = sink.write_some() {
            let reason = match error.kind() {
                io::ErrorKind::BrokenPipe => "its reader has closed".into(),
                _ => error.to_string(),
            };
            self.add_trouble(Trouble::OutputClosed(reason));
        }
    }

    fn take_signals(&mut self) {
        let (children, passed_on) = self.signals.take();
        for signal in passed_on {
            self.pass_on(signal);
        }
        if children {
            self.reap();
        }
    }

    /// Lets the ranks have a signal. A second request to end is for those that did not heed the first.
    fn pass_on(&mut self, signal: PassedOn) {
        match (signal.kind, self.asked) {
            (Passed::Ending, Some(asked)) => return self.add_ending(Asked { signal, ..asked }, true),
            (Passed::Ending, None) => {
                let asked = Asked::now(signal, &self.ranks);
                self.asked = Some(asked);
                if !self.quiet && std::io::IsTerminal::is_terminal(&std::io::stderr()) {
                    self.progress.clear();
                    self.err.say(&format!(
                        "{}: passed on to {}; what still runs in {} s, or when it comes again, is ended",
                        signal.name,
                        crate::text::ranks(asked.ranks),
                        GRACE.as_secs()
                    ));
                }
            }
            (Passed::Other, _) => {}
        }
        self.ranks.iter_mut().for_each(|rank| passing::pass_on(rank, signal));
    }

    fn add_ending(&mut self, asked: Asked, now: bool) {
        let trouble = Trouble::Ending { signal: asked.signal, ranks: asked.ranks, now };
        if !self.troubles.contains(&trouble) {
            self.add_trouble(trouble);
        }
    }

    fn take_events(&mut self) {
        loop {
            match self.client.next_event() {
                Ok(Some(Event::RankError { rank, text, .. })) => {
                    // What the backend tells may hold bytes of the guest.
                    let text = crate::text::one_line(&text, 300);
                    self.add_trouble(Trouble::Rank(rank, RankTrouble::Adapter(text)));
                }
                Ok(None) => return,
                Err(error) => return self.backend_lost(&error),
            }
        }
    }

    fn backend_lost(&mut self, error: &BackendError) {
        if !self.troubles.iter().any(|t| matches!(t, Trouble::Backend(_))) {
            let text = match error {
                BackendError::Disconnected(text) => text.clone(),
                other => other.to_string(),
            };
            self.add_trouble(Trouble::Backend(text));
        }
    }

    fn add_trouble(&mut self, trouble: Trouble) {
        if self.ending {
            return;
        }
        self.troubles.push(trouble);
    }

    /// Collects processes that have ended: first what they wrote, then what it means.
    fn reap(&mut self) {
        for n in 0..self.ranks.len() {
            let rank = &mut self.ranks[n];
            if rank.ended.is_some() {
                continue;
            }
            let Ok(Some(status)) = rank.process.try_wait() else { continue };
            rank.ended = Some(status);
            rank.out.drain(&mut self.out);
            rank.err.drain(&mut self.err);
            while rank.words.read() == ReadState::Some {}
            let mut found = Vec::new();
            while rank.ctl.read(&mut found) == ReadState::Some {}
            self.follow(n, found);
            let rank = &mut self.ranks[n];
            let words = rank.words.text();
            let step = rank.life.process_ended(status, &words);
            let state = RankState::Exited(rank.life.exit.unwrap_or(1).into());
            self.take_step(n, step);
            self.tell_backend(n as u32, state);
        }
    }

    fn follow(&mut self, n: usize, lines: Vec<Control>) {
        for line in lines {
            self.mark(n, &line);
            if let (Control::Exit(_), Some(stats)) = (&line, &mut self.stats) {
                stats.take_exits(&self.ranks[n]);
            }
            let line = match (line, &mut self.boot_times) {
                (Control::Boot { sent, stages }, Some(times)) => {
                    times.told(n, sent, stages);
                    continue;
                }
                (line, _) => line,
            };
            let (symbols, rank) = (&self.symbols, &mut self.ranks[n]);
            let before = rank.life.phase;
            let step = rank.life.follow(line, |json| Fault::read(json, symbols));
            if let (true, Some(heartbeat)) = (before == Phase::Started, &mut rank.heartbeat) {
                // The time its boot took is not silence.
                heartbeat.forgive(Instant::now());
            }
            self.take_step(n, step);
        }
    }

    fn take_step(&mut self, n: usize, step: Step) {
        match step {
            Step::None => {}
            Step::ReachedMain => {
                self.progress.one_more();
                let rank = &self.ranks[n];
                if rank.cores.len() > 1 {
                    bind::bind_processors(rank.process.id(), &rank.cores);
                }
                self.tell_backend(n as u32, RankState::Running);
            }
            Step::Note(text) => {
                let text = format!("rank {n}: {text}");
                if !self.quiet {
                    self.progress.clear();
                    self.err.say(&text);
                }
                // As many as the record takes: a rank can say any number.
                if self.told.len() < record::MOST_NOTICES {
                    self.told.push(text);
                }
            }
            Step::Stats(label) => self.record(n, &label),
            // Once: a rank dies once, whatever its console says.
            Step::Core(place)
                if self.cores.is_some() && self.dead.iter().all(|(rank, _)| *rank != n as u32) =>
            {
                self.dead.push((n as u32, place));
            }
            Step::Core(_) => {}
            Step::Profile(place) => {
                if let Some(profile) = &mut self.profile {
                    profile.add(n as u32, place);
                }
            }
            Step::Large(range) => self.node.prepare(n, &range, self.ranks[n].answers.clone()),
            Step::Call(text) => {
                if let Some(strace) = &mut self.strace {
                    self.progress.clear();
                    strace.show(n as u32, &text, &mut self.err);
                }
            }
            Step::Waits(wait) => {
                self.deadlock.waits(n, wait);
                self.look_for_deadlock();
            }
            Step::Proceeds => self.deadlock.proceeds(n),
            Step::Trouble(trouble) => match self.asked {
                Some(asked) if asked.explains(&trouble) => self.add_ending(asked, false),
                // Its handler has ended it, well.
                Some(_) if trouble == RankTrouble::NoFinalize => {}
                _ => self.add_trouble(Trouble::Rank(n as u32, trouble)),
            },
        }
    }

    /// Records how long the boot took, if somebody measures.
    fn mark(&mut self, n: usize, line: &Control) {
        let label = match line {
            Control::Hello { .. } => "hello",
            Control::Main => "main",
            Control::MpiInit => "mpi-init",
            _ => return,
        };
        if let Some(Err(error)) = self.recorder.as_mut().map(|r| r.mark(&self.ranks[n], label)) {
            self.err.say(&format!("the boot time of rank {n} could not be recorded: {error}"));
        }
    }

    fn record(&mut self, n: usize, label: &str) {
        let Some(recorder) = &mut self.recorder else { return };
        let (client, id) = (&mut self.client, self.id);
        let info = || {
            let jobs = client.list().ok()?;
            let ranks = jobs.into_iter().filter(|job| job.job == id).flat_map(|job| job.ranks);
            ranks.into_iter().find(|rank| rank.rank == n as u32)
        };
        let library = self.node.region().page(n as u32);
        if let Err(error) = recorder.record(&self.ranks[n], label, &library, info) {
            self.err.say(&format!("exit counters of rank {n} could not be recorded: {error}"));
        }
        if let Some(answers) = &self.ranks[n].answers {
            answers.recorded();
        }
        // Events that came while the backend's answer was waited for make no descriptor readable.
        self.take_events();
    }

    fn tell_backend(&mut self, rank: u32, state: RankState) {
        if self.ending || self.troubles.iter().any(|t| matches!(t, Trouble::Backend(_))) {
            return;
        }
        match self.client.rank_state(self.id, rank, state) {
            // It knows of the rank's end already.
            Ok(()) | Err(BackendError::Refused(_)) => {}
            Err(error) => self.backend_lost(&error),
        }
        // Events that came while the answer was waited for make no descriptor readable.
        self.take_events();
    }

    /// A rank that gdb has stopped may have what the others wait for.
    fn look_for_deadlock(&mut self) {
        if !self.troubles.is_empty() || self.ranks.iter().any(|rank| rank.debugged) {
            return;
        }
        self.troubles.extend(self.deadlock.report().map(Trouble::Deadlock));
    }

    fn look_for_silence(&mut self, now: Instant, away: bool) {
        let mut found = Vec::new();
        for rank in self.ranks.iter_mut().filter(|r| r.ended.is_none() && !r.debugged) {
            let Some(heartbeat) = &mut rank.heartbeat else { continue };
            if away {
                heartbeat.forgive(now);
                continue;
            }
            let overdue = heartbeat.overdue(now, &self.patience);
            let trouble = match (rank.life.phase, overdue) {
                (Phase::Started, _) if now.duration_since(self.started) >= self.patience.boot => {
                    RankTrouble::NoBoot(self.patience.boot)
                }
                (Phase::Booted | Phase::Main, Some(silence)) => RankTrouble::Silent(silence),
                // Its status is known; a VM that then hangs is just ended.
                (Phase::Exited, Some(_)) => {
                    rank.kill();
                    continue;
                }
                _ => continue,
            };
            found.push(Trouble::Rank(rank.number, trouble));
        }
        for trouble in found {
            if !self.troubles.contains(&trouble) {
                self.add_trouble(trouble);
            }
        }
    }
}

impl Failure {
    fn from(error: Errno, what: &str) -> Self {
        let result: Result<()> = Err(error).context(|| what.to_owned());
        result.err().unwrap_or_else(|| Self::new(what))
    }
}
