//! `unirank run`: starts the ranks of a job on this host and watches over them.
//!
//! Terms: a *rank* is one VM (or, with `--accel native`, one process); a *trouble* is a reason to end the job before
//! its time; *lifecycle lines* are what a guest's kernel says on its control console.
//!
//! The order of things: check the image and the host, connect to the backend, start the ranks ([`launch`]), then
//! watch ([`job`]) until all have ended. Everything a rank holds is a descriptor of the runner or a process that dies
//! with it, so that nothing is left behind however the runner ends.

pub mod accel;
mod answers;
mod bind;
mod boot_times;
mod bootconfig;
mod control;
mod core;
mod deadlock;
mod environment;
mod fault;
mod firmware;
pub mod gdb;
mod guest_ram;
mod heartbeat;
pub mod hugepages;
mod image;
mod input;
mod job;
mod launch;
mod life;
mod memory;
pub mod net;
mod node;
pub mod options;
mod passing;
mod places;
pub mod profile;
mod progress;
mod pvh;
pub mod qemu;
mod qmp;
mod rank;
pub mod record;
mod recorder;
mod signals;
mod sink;
pub mod spawn;
mod stats;
pub mod strace;
mod stream;
mod trace;
mod trouble;
mod tsc;
mod windows;

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{Access, access};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use unirank_host_backend::client::{Client, JobSpec};
use unirank_host_backend::paths::RuntimeDir;
use unirank_images::symbolize::Symbolizer;

use self::core::CoreFiles;
use accel::{Accel, Chosen};
use boot_times::BootTimes;
use deadlock::Deadlock;
use gdb::GdbServer;
use heartbeat::Patience;
use input::Input;
use job::Job;
use launch::{Content, Plan};
use node::Node;
use options::{BindChoice, MOST_RANKS, RunOptions};
use places::Host;
use profile::ProfileFile;
use progress::Progress;
use record::JobRecord;
use recorder::Recorder;
use signals::Signals;
use sink::Sink;
use stats::Stats;
use strace::Strace;
use trace::{ClockKeeper, TraceFile};

use crate::failure::{Context, Failure, Result};

/// Descriptors the runner holds for one rank, with room to spare.
const DESCRIPTORS_PER_RANK: u64 = 13;

/// Runs a job to its end. `Ok` means that every rank ended with status 0.
pub fn run(options: &RunOptions) -> Result<()> {
    let mut record = JobRecord::default();
    let outcome = carry_out(options, &mut record);
    if record.job != 0
        && let Err(error) = record.end(&outcome, &RuntimeDir::from_env())
    {
        crate::complain(&format!("the job's record for `unirank logs` cannot be written: {error}"));
    }
    outcome
}

/// [`run`], with a record of what happened. It has the number of the job from when there is one.
fn carry_out(options: &RunOptions, record: &mut JobRecord) -> Result<()> {
    let command = Instant::now();
    if !(1..=MOST_RANKS).contains(&options.ranks) {
        return Err(Failure::usage(format!("-n {} is no number of ranks", options.ranks))
            .remedy(format!("say -n 1 to -n {MOST_RANKS}")));
    }
    let program = image::find(&options.app)?;
    let chosen = accel::choose(options.accel)?;
    let (mut notices, accel) = (Vec::new(), chosen.accel);
    notices.extend(chosen.notice.clone());
    options.net.check(options.ranks, accel)?;
    if let Some(gdb) = &options.gdb {
        gdb.check(options.ranks, accel)?;
        notices.extend(gdb::accelerator(accel).1.map(str::to_owned));
    }
    let line = command_words(options).collect::<Vec<_>>().join(" ");
    let cores = CoreFiles::wanted(options.core.as_deref(), accel, &program, line)?;
    let (qemu, rank_memory, content) = if accel == Accel::Native {
        notices.extend(image::check_native(&program)?);
        (PathBuf::new(), memory::RankMemory::default(), None)
    } else {
        let qemu = qemu::find()?;
        let loaded = image::load(&program)?;
        let least = loaded.image.least_memory();
        let collects = accel == Accel::Kvm;
        let (memory, notice) =
            memory::per_rank(options.memory, options.ranks, least, options.hugepages, collects)?;
        notices.extend(notice);
        let (file, address) = (loaded.file()?, loaded.address);
        let content = Content { file, address, end: loaded.image.end, entry: loaded.image.entry };
        (qemu, memory, Some(content))
    };
    let memory = rank_memory.bytes;
    let here = std::env::current_dir().context(|| "finding the current folder".into())?;
    let (mounts, cwd) = launch::folders(options, &here);
    check_mounts(&mounts, accel)?;
    let cwd = if accel == Accel::Native {
        options.workdir.as_ref().map_or_else(|| here.clone(), |chosen| here.join(chosen))
    } else {
        cwd
    };
    if options.workdir.is_some() {
        check_workdir(&cwd, if accel == Accel::Native { None } else { Some(&mounts) })?;
    }
    let (mut env, left_out) = environment::shared(options);
    if !left_out.is_empty() {
        notices.push(format!("too large for a rank's environment, left out: {}", left_out.join(", ")));
    }
    raise_descriptor_limit(options.ranks)?;
    let stats = options.stats.as_ref().map(|choice| Stats::new(choice, options.ranks)).transpose()?;
    let trace = options.trace.as_deref().map(TraceFile::create).transpose()?;

    let strace = options
        .strace
        .as_ref()
        .map(|choice| Strace::new(choice, options.strace_file.as_deref(), options.ranks, accel));
    let strace = strace.transpose()?;
    let mut boot_times = options.boot_times.then(|| BootTimes::new(command, options.ranks));
    let mut stage = |name| boot_times.iter_mut().for_each(|times: &mut BootTimes| times.end(name));
    stage("launcher: options, accelerator, image");

    let profile = options
        .profile
        .as_deref()
        .map(|path| ProfileFile::create(path, options.profile_hz, options.profile_by_rank, accel));
    let profile = profile.transpose()?;

    // Signals first: from here on there is something to clean up.
    let signals = Signals::new().context(|| "taking over signals".into())?;
    let started = Instant::now();
    let (mut client, id) = connect(options, &chosen, memory)?;
    *record = JobRecord {
        job: id.0,
        folder: here.clone(),
        ranks: options.ranks,
        accel: accel.name().into(),
        memory,
        runner_pid: std::process::id(),
        ..JobRecord::default()
    };
    record.set_command(command_words(options));
    if let Err(error) = record.begin(&RuntimeDir::from_env()) {
        notices.push(format!("`unirank logs` will not know this job: {error}"));
    }
    stage("launcher: host backend");
    let shared = options.shared.unwrap_or_else(|| node::default_shared(options.ranks));
    let buffer = if trace.is_some() { options.trace_buffer } else { 0 };
    let node = Node::create(id.0, options.ranks, rank_memory, shared, buffer, options.windows)?;
    let clock = match (&trace, accel) {
        (Some(_), Accel::Kvm | Accel::Tcg) => Some(ClockKeeper::start(node.region())?),
        _ => None,
    };
    let directory = RuntimeDir::from_env();
    let allowed = spawn::allowed_cores();
    let bound = binding(options, &allowed, &mut client);
    let cores_of = |rank| bind::cores_of(&bound, rank, options.cpus);
    if let Some(places) = Host::look(Path::new("/sys")).places((0..options.ranks).map(cores_of)) {
        env.entry(places::VARIABLE.into()).or_insert(places.into());
    }
    let gdb =
        options.gdb.as_ref().map(|choice| GdbServer::listen(choice, id.0, directory.path())).transpose()?;
    let plan = Plan {
        options,
        accel,
        qemu,
        image: program.clone(),
        content,
        memory,
        mounts,
        cwd,
        env,
        tsc_hz: match accel {
            Accel::Native if !options.boot_times => 0,
            _ => tsc::frequency(chosen.tsc_hz, directory.path()),
        },
        cores: bound,
        job: id,
        tty: std::io::stdout().is_terminal(),
        node: &node,
        gdb: gdb.as_ref(),
        core: cores.is_some(),
    };
    stage("launcher: shared memory");
    if let Some(times) = &mut boot_times {
        times.set_frequency(plan.tsc_hz);
    }
    let mut err = Sink::new(std::io::stderr().as_fd()).context(|| "using standard error".into())?;
    let mut ranks = Vec::new();
    for number in 0..options.ranks {
        let begun = Instant::now();
        let (rank, pinned) = plan.start(&mut client, number)?;
        if let Some(times) = &mut boot_times {
            times.launched(number, [begun, rank.started, Instant::now()]);
        }
        client
            .rank_pid(id, number, rank.process.id())
            .context(|| format!("telling the backend of rank {number}"))?;
        ranks.push(rank);
        if let (0, Err(why)) = (number, pinned) {
            notices.push(format!("the ranks' memory is not locked: {why}"));
        }
    }
    notices.iter().for_each(|notice| record.note(notice));
    if !options.quiet {
        notices.iter().for_each(|notice| err.say(&crate::text::printable(notice)));
    }
    if let Some(gdb) = &gdb {
        err.say(&gdb.invitation(&program));
    }
    let mut job = Job {
        ranks,
        _clock: clock,
        node,
        client,
        id,
        out: Sink::new(std::io::stdout().as_fd()).context(|| "using standard output".into())?,
        err,
        input: Input::new(),
        signals,
        progress: Progress::new(options.ranks, accel != Accel::Native && !options.quiet),
        symbols: Symbolizer::open(&program),
        patience: Patience::new(options.answer_timeout, options.ranks, allowed.len()),
        timeout: options.timeout,
        recorder: options.record.as_deref().map(|path| Recorder::create(path, command)).transpose()?,
        profile,
        strace,
        cores,
        deadlock: Deadlock::new(options.ranks),
        dead: Vec::new(),
        stats,
        boot_times,
        trace,
        quiet: options.quiet,
        told: Vec::new(),
        files: Vec::new(),
        started,
        asked: None,
        troubles: Vec::new(),
        ending: false,
    };
    let outcome = job.watch();
    let told = job.tell(&options.app.to_string_lossy());
    job.told.iter().for_each(|text| record.note(text));
    record.files = std::mem::take(&mut job.files);
    record.rank_statuses = job.ranks.iter().map(|rank| rank.life.exit).collect();
    outcome.and(told)
}

/// The program and its arguments, for people.
fn command_words(options: &RunOptions) -> impl Iterator<Item = String> {
    let words = std::iter::once(options.app.as_os_str()).chain(options.args.iter().map(|a| a.as_os_str()));
    words.map(|word| word.to_string_lossy().into_owned())
}

fn connect(
    options: &RunOptions,
    chosen: &Chosen,
    memory: u64,
) -> Result<(Client, unirank_host_backend::client::JobId)> {
    let exe = std::env::current_exe().context(|| "finding this program".into())?;
    let mut client = Client::connect_or_start(&exe).context(|| "the host backend cannot be used".into())?;
    let name = options.app.file_name().unwrap_or(options.app.as_os_str()).to_string_lossy().into_owned();
    let spec = JobSpec {
        name,
        ranks: options.ranks,
        accel: chosen.accel.name().into(),
        mem: memory,
        command: command_words(options).collect(),
        runner_pid: std::process::id(),
    };
    let id = client.create_job(spec).context(|| "creating the job".into())?;
    Ok((client, id))
}

fn check_mounts(mounts: &[options::Mount], accel: Accel) -> Result<()> {
    for mount in mounts {
        if !mount.host.is_dir() {
            return Err(Failure::usage(format!("-v {}: there is no such folder", mount.host.display())));
        }
        if accel != Accel::Native && access(&mount.host, Access::READ_OK | Access::EXEC_OK).is_err() {
            return Err(Failure::usage(format!("-v {}: no right to read this folder", mount.host.display())));
        }
    }
    for (n, mount) in mounts.iter().enumerate() {
        if mounts[..n].iter().any(|other| other.guest == mount.guest) {
            return Err(Failure::usage(format!("-v: two folders at {} in the guest", mount.guest.display())));
        }
    }
    Ok(())
}

/// Refuses a working folder that ranks could not enter. Natively, without mounts, it is a folder of the host.
fn check_workdir(cwd: &Path, mounts: Option<&[options::Mount]>) -> Result<()> {
    let shown = cwd.display();
    let host = match mounts {
        Some(mounts) => launch::host_folder(mounts, cwd),
        None => Some(cwd.to_owned()),
    };
    match host {
        Some(host) if host.is_dir() => Ok(()),
        Some(host) if host == cwd => Err(Failure::usage(format!("-w {shown}: there is no such folder"))),
        Some(host) => Err(Failure::usage(format!("-w {shown}: there is no folder {}", host.display()))),
        // Folders in memory that every rank has.
        None if cwd == Path::new("/") || cwd == Path::new("/tmp") => Ok(()),
        None => Err(Failure::usage(format!("-w {shown}: the ranks do not see this folder"))
            .remedy(format!("let them with -v {shown}"))),
    }
}

/// The cores ranks are bound to. Two jobs bound to the same cores would halve each other, so by default only a job
/// that is alone binds.
fn binding(options: &RunOptions, allowed: &[usize], client: &mut Client) -> Vec<usize> {
    let bind = match options.bind {
        BindChoice::None => false,
        BindChoice::Core => true,
        BindChoice::Auto => {
            (options.ranks * options.cpus) as usize <= allowed.len()
                && client.list().is_ok_and(|jobs| jobs.len() <= 1)
        }
    };
    if bind { allowed.to_vec() } else { Vec::new() }
}

/// Raises the soft limit of open files as far as the ranks need.
fn raise_descriptor_limit(ranks: u32) -> Result<()> {
    let needed = 64 + u64::from(ranks) * DESCRIPTORS_PER_RANK;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|most| most < needed) {
        return Err(Failure::new(format!(
            "{} need {needed} open files, the limit is {}",
            crate::text::ranks(ranks),
            limit.maximum.unwrap_or(0)
        ))
        .remedy("raise it with `ulimit -Hn` or run fewer ranks"));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum })
        .context(|| "raising the limit of open files".into())
}
