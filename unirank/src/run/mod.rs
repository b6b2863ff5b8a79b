//! `unirank run`: starts the ranks of a job on this host and watches over them.
//!
//! Terms: a *rank* is one VM (or, with `--accel native`, one process); a *trouble* is a reason to end the job before
//! its time; *lifecycle lines* are what a guest's kernel says on its control console.
//!
//! The order of things: check the image and the host, connect to the backend, start the ranks ([`launch`]), then
//! watch ([`job`]) until all have ended. Everything a rank holds is a descriptor of the runner or a process that dies
//! with it, so that nothing is left behind however the runner ends.

pub mod accel;
mod bootconfig;
mod control;
mod environment;
mod fault;
mod heartbeat;
mod image;
mod input;
mod job;
mod launch;
mod life;
mod memory;
mod node;
pub mod options;
mod progress;
pub mod qemu;
mod qmp;
mod rank;
mod recorder;
mod signals;
mod sink;
pub mod spawn;
mod stats;
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

use accel::{Accel, Chosen};
use heartbeat::Patience;
use input::Input;
use job::Job;
use launch::Plan;
use node::Node;
use options::{BindChoice, MOST_RANKS, RunOptions};
use progress::Progress;
use recorder::Recorder;
use signals::Signals;
use sink::Sink;
use stats::Stats;
use trace::{ClockKeeper, TraceFile};

use crate::failure::{Context, Failure, Result};

/// Descriptors the runner holds for one rank, with room to spare.
const DESCRIPTORS_PER_RANK: u64 = 13;

/// Runs a job to its end. `Ok` means that every rank ended with status 0.
pub fn run(options: &RunOptions) -> Result<()> {
    if !(1..=MOST_RANKS).contains(&options.ranks) {
        return Err(Failure::usage(format!("-n {} is no number of ranks", options.ranks))
            .remedy(format!("say -n 1 to -n {MOST_RANKS}")));
    }
    let program = image::find(&options.app)?;
    let chosen = accel::choose(options.accel)?;
    let (mut notices, accel) = (Vec::new(), chosen.accel);
    notices.extend(chosen.notice.clone());
    let (qemu, memory) = if accel == Accel::Native {
        notices.extend(image::check_native(&program)?);
        (PathBuf::new(), 0)
    } else {
        let qemu = qemu::find()?;
        let least = image::check(&program)?.least_memory();
        let (memory, notice) = memory::per_rank(options.memory, options.ranks, least)?;
        notices.extend(notice);
        (qemu, memory)
    };
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
    let (env, left_out) = environment::shared(options);
    if !left_out.is_empty() {
        notices.push(format!("too large for a rank's environment, left out: {}", left_out.join(", ")));
    }
    raise_descriptor_limit(options.ranks)?;
    let stats = options.stats.as_ref().map(|choice| Stats::new(choice, options.ranks)).transpose()?;
    let trace = options.trace.as_deref().map(TraceFile::create).transpose()?;

    // Signals first: from here on there is something to clean up.
    let signals = Signals::new().context(|| "taking over signals".into())?;
    let started = Instant::now();
    let (mut client, id) = connect(options, &chosen, memory)?;
    let shared = options.shared.unwrap_or_else(|| node::default_shared(options.ranks));
    let buffer = if trace.is_some() { options.trace_buffer } else { 0 };
    let node = Node::create(id.0, options.ranks, memory, shared, buffer, options.windows)?;
    let clock = match (&trace, accel) {
        (Some(_), Accel::Kvm | Accel::Tcg) => Some(ClockKeeper::start(node.region())?),
        _ => None,
    };
    let directory = RuntimeDir::from_env();
    let allowed = spawn::allowed_cores();
    let plan = Plan {
        options,
        accel,
        qemu,
        image: program.clone(),
        memory,
        mounts,
        cwd,
        env,
        tsc_hz: if accel == Accel::Native { 0 } else { tsc::frequency(chosen.tsc_hz, directory.path()) },
        cores: binding(options, &allowed, &mut client),
        job: id,
        tty: std::io::stdout().is_terminal(),
        node: &node,
    };
    let mut err = Sink::new(std::io::stderr().as_fd()).context(|| "using standard error".into())?;
    let mut ranks = Vec::new();
    for number in 0..options.ranks {
        let (rank, pinned) = plan.start(&mut client, number)?;
        client
            .rank_pid(id, number, rank.process.id())
            .context(|| format!("telling the backend of rank {number}"))?;
        ranks.push(rank);
        if let (0, Err(why)) = (number, pinned) {
            notices.push(format!("the ranks' memory is not locked: {why}"));
        }
    }
    if !options.quiet {
        notices.iter().for_each(|notice| err.say(&crate::text::printable(notice)));
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
        recorder: options.record.as_deref().map(Recorder::create).transpose()?,
        stats,
        trace,
        quiet: options.quiet,
        started,
        troubles: Vec::new(),
        ending: false,
    };
    let outcome = job.watch();
    let told = job.tell(&options.app.to_string_lossy());
    outcome.and(told)
}

fn connect(
    options: &RunOptions,
    chosen: &Chosen,
    memory: u64,
) -> Result<(Client, unirank_host_backend::client::JobId)> {
    let exe = std::env::current_exe().context(|| "finding this program".into())?;
    let mut client = Client::connect_or_start(&exe).context(|| "the host backend cannot be used".into())?;
    let words = std::iter::once(options.app.as_os_str()).chain(options.args.iter().map(|a| a.as_os_str()));
    let name = options.app.file_name().unwrap_or(options.app.as_os_str()).to_string_lossy().into_owned();
    let spec = JobSpec {
        name,
        ranks: options.ranks,
        accel: chosen.accel.name().into(),
        mem: memory,
        command: words.map(|w| w.to_string_lossy().into_owned()).collect(),
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
            options.ranks as usize <= allowed.len() && client.list().is_ok_and(|jobs| jobs.len() <= 1)
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
