//! The daemon's requests, over its real socket. The daemon runs in a thread of the test.

mod common;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::{memfd, new_eventfd};
use rustix::event::{PollFd, PollFlags, poll};
use unirank_hca::region::REGION_LEN;
use unirank_host_backend::client::{Client, Event, JobId, JobSpec, RankKind, RankState};
use unirank_host_backend::daemon::{Options, run};
use unirank_host_backend::engine::soft::PollPolicy;
use unirank_host_backend::error::{BackendError, Result};
use unirank_host_backend::paths::RuntimeDir;

struct Daemon {
    dir: PathBuf,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Daemon {
    fn start(name: &str, idle: Duration) -> Self {
        let dir = std::env::temp_dir().join(format!("unirank-test-{name}-{}", std::process::id()));
        let runtime_dir = RuntimeDir::new(&dir);
        let options = Options { runtime_dir, idle, policy: PollPolicy::default(), detach: false };
        Self { dir, thread: Some(std::thread::spawn(move || run(options))) }
    }

    fn client(&self) -> Client {
        let deadline = Instant::now() + common::PATIENCE;
        loop {
            if let Some(client) = Client::connect(&RuntimeDir::new(&self.dir)).unwrap() {
                return client;
            }
            assert!(Instant::now() < deadline, "the daemon does not listen");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn join(&mut self) {
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.thread.is_some() && !std::thread::panicking() {
            self.join();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const IDLE: Duration = Duration::from_millis(100);

fn spec(ranks: u32) -> JobSpec {
    JobSpec {
        name: "test".into(),
        ranks,
        accel: "kvm".into(),
        mem: 1 << 20,
        command: vec!["app".into(), "arg".into()],
        runner_pid: std::process::id(),
    }
}

fn vm() -> RankKind {
    RankKind::Vm { ram: memfd(1 << 20), region: memfd(REGION_LEN as u64) }
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(BackendError::Refused(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_job_from_start_to_end() {
    let daemon = Daemon::start("job", IDLE);
    let mut runner = daemon.client();
    let job = runner.create_job(spec(2)).unwrap();
    let added = runner.add_rank(job, 0, vm()).unwrap();
    assert!(added.ivshmem.is_some());
    let native = RankKind::Native {
        region: memfd(REGION_LEN as u64),
        dma: memfd(1 << 20),
        wake: new_eventfd(),
        irq: new_eventfd(),
    };
    assert!(runner.add_rank(job, 1, native).unwrap().ivshmem.is_none());
    runner.rank_state(job, 0, RankState::Running).unwrap();
    runner.rank_pid(job, 1, std::process::id()).unwrap();

    let mut other = daemon.client();
    let jobs = other.list().unwrap();
    let [info] = &jobs[..] else { panic!("{jobs:?}") };
    assert_eq!(
        (info.job, info.spec.ranks, &info.spec.command[..]),
        (job, 2, &["app".into(), "arg".into()][..])
    );
    assert_eq!(info.ranks.len(), 2);
    assert_eq!((info.ranks[0].pid, &info.ranks[0].state), (None, &RankState::Running));
    assert_eq!((info.ranks[1].pid, &info.ranks[1].state), (Some(std::process::id()), &RankState::Starting));
    assert!(info.ranks[0].resident < 2 << 20, "resident is what is there, not what could be");
    assert!(info.ranks[1].resident > 1 << 20, "this process has more than 1 MiB");
    assert!(refusal(other.rank_state(job, 0, RankState::Exited(0))).contains("not one of this connection"));

    runner.rank_state(job, 0, RankState::Exited(3)).unwrap();
    assert_eq!(other.list().unwrap()[0].ranks[0].state, RankState::Exited(3));
    drop(runner);
    let deadline = Instant::now() + common::PATIENCE;
    while !other.list().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the job outlives its runner");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    let daemon = Daemon::start("refusals", IDLE);
    let mut runner = daemon.client();
    assert!(refusal(runner.create_job(spec(0))).contains("0 ranks"));
    let job = runner.create_job(spec(1)).unwrap();
    assert!(refusal(runner.add_rank(JobId(99), 0, vm())).contains("job 99"));
    assert!(refusal(runner.add_rank(job, 1, vm())).contains("rank 1"));
    let unsealed = rustix::fs::memfd_create("t", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&unsealed, 1 << 20).unwrap();
    let kind = RankKind::Vm { ram: unsealed, region: memfd(REGION_LEN as u64) };
    let text = refusal(runner.add_rank(job, 0, kind));
    assert!(text.contains("RAM of rank 0") && text.contains("F_SEAL_SHRINK"), "{text}");
    let kind = RankKind::Vm { ram: memfd(1 << 20), region: memfd(4096) };
    assert!(refusal(runner.add_rank(job, 0, kind)).contains("region of rank 0"));
    let file = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let kind = RankKind::Vm { ram: file, region: memfd(REGION_LEN as u64) };
    assert!(refusal(runner.add_rank(job, 0, kind)).contains("not a memory file"));
    assert!(refusal(runner.rank_pid(job, 0, 1)).contains("has not been added"));
    runner.add_rank(job, 0, vm()).unwrap();
    assert!(refusal(runner.add_rank(job, 0, vm())).contains("already"));
    assert!(refusal(runner.rank_pid(job, 0, u32::MAX)).contains("no process id"));
    runner.rank_state(job, 0, RankState::Exited(0)).unwrap();
    assert!(refusal(runner.rank_state(job, 0, RankState::Running)).contains("ended"));
    runner.end_job(job).unwrap();
    assert!(refusal(runner.end_job(job)).contains("not one of this connection"));
    assert!(runner.list().unwrap().is_empty());
}

#[test]
fn the_end_of_a_process_is_noticed() {
    let daemon = Daemon::start("end", IDLE);
    let mut runner = daemon.client();
    let job = runner.create_job(spec(1)).unwrap();
    runner.add_rank(job, 0, vm()).unwrap();
    let mut child = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap();
    runner.rank_pid(job, 0, child.id()).unwrap();
    assert_eq!(runner.list().unwrap()[0].ranks[0].state, RankState::Starting);
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + common::PATIENCE;
    while !runner.list().unwrap()[0].ranks[0].state.is_final() {
        assert!(Instant::now() < deadline, "the end of the process is not noticed");
        std::thread::sleep(Duration::from_millis(2));
    }
    // The runner knows more, and may say so.
    runner.rank_state(job, 0, RankState::Exited(137)).unwrap();
    assert_eq!(runner.list().unwrap()[0].ranks[0].state, RankState::Exited(137));
}

#[test]
fn a_rank_that_breaks_the_protocol_is_reported() {
    let daemon = Daemon::start("report", IDLE);
    let mut runner = daemon.client();
    let job = runner.create_job(spec(1)).unwrap();
    let region = memfd(REGION_LEN as u64);
    let ours = region.try_clone().unwrap();
    runner.add_rank(job, 0, RankKind::Vm { ram: memfd(1 << 20), region }).unwrap();
    // The command ring's producer index, far beyond its 32 slots.
    rustix::io::pwrite(&ours, &1000u32.to_le_bytes(), unirank_hca::region::control::CMD_PRODUCER as u64)
        .unwrap();
    // The engine may sleep: a new rank makes it look.
    runner.create_job(spec(1)).and_then(|job| runner.add_rank(job, 0, vm())).unwrap();
    let deadline = Instant::now() + common::PATIENCE;
    let event = loop {
        if let Some(event) = runner.next_event().unwrap() {
            break event;
        }
        assert!(Instant::now() < deadline, "no event");
        let second = rustix::time::Timespec { tv_sec: 1, tv_nsec: 0 };
        poll(&mut [PollFd::from_borrowed_fd(runner.event_fd(), PollFlags::IN)], Some(&second)).unwrap();
    };
    let Event::RankError { job: of, rank, text } = event;
    assert_eq!((of, rank), (job, 0));
    assert!(text.contains("1000"), "{text}");
}

#[test]
fn leaves_when_idle_and_replaces_a_stale_socket() {
    let mut daemon = Daemon::start("idle", IDLE);
    drop(daemon.client());
    daemon.join();
    let dir = RuntimeDir::new(&daemon.dir);
    assert!(!dir.socket().exists());
    assert!(Client::connect(&dir).unwrap().is_none());
    // As after a crash: a socket without a listener.
    drop(std::os::unix::net::UnixListener::bind(dir.socket()).unwrap());
    assert!(dir.socket().exists());
    let again = Daemon::start("idle", IDLE);
    again.client().list().unwrap();
}

#[test]
fn only_one_serves_a_directory() {
    let daemon = Daemon::start("one", IDLE);
    let _client = daemon.client();
    let options = Options {
        runtime_dir: RuntimeDir::new(&daemon.dir),
        idle: IDLE,
        policy: PollPolicy::default(),
        detach: false,
    };
    assert!(matches!(run(options), Err(BackendError::AlreadyRunning(_))));
}

#[test]
fn other_versions_and_nonsense_are_refused() {
    use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType, connect, send, socket};
    let daemon = Daemon::start("versions", IDLE);
    let _client = daemon.client();
    let say = |text: &str| {
        let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        connect(&socket, &SocketAddrUnix::new(RuntimeDir::new(&daemon.dir).socket()).unwrap()).unwrap();
        send(&socket, text.as_bytes(), SendFlags::empty()).unwrap();
        let mut answer = vec![0u8; 4096];
        let n = rustix::io::read(&socket, &mut answer).unwrap();
        String::from_utf8(answer[..n].to_vec()).unwrap()
    };
    let answer = say(r#"{"request":"hello","protocol":77,"version":"9.9.9"}"#);
    assert!(answer.contains("other_version") && answer.contains(env!("CARGO_PKG_VERSION")), "{answer}");
    assert_eq!(say(r#"{"request":"list"}"#), "", "closed: no handshake");
    assert_eq!(say("nonsense"), "", "closed");
    assert_eq!(say(r#"{"request":"hello","protocol":-1}"#), "", "closed");
    daemon.client().list().unwrap();
    // A stream socket is no way in either.
    assert!(UnixStream::connect(RuntimeDir::new(&daemon.dir).socket()).is_err());
}

#[test]
fn long_listings_come_whole() {
    let daemon = Daemon::start("long", IDLE);
    let mut runner = daemon.client();
    let job = runner.create_job(spec(300)).unwrap();
    for rank in 0..300 {
        runner.add_rank(job, rank, vm()).unwrap();
    }
    let jobs = runner.list().unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].ranks.iter().map(|rank| rank.rank).collect::<Vec<_>>(), (0..300).collect::<Vec<_>>());
}
