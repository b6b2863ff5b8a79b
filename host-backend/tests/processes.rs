//! Processes: the daemon started on demand, and native ranks as they are. This program is also the daemon
//! (`backend`, as `connect_or_start` runs it) and each of the ranks (`rank`).

mod common;

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::io::FdFlags;
use unirank_hca::cqe::Syndrome;
use unirank_hca::event::Event;
use unirank_hca::platform::NativePlatform;
use unirank_hca::{
    Access, Completion, CompletionQueue, Device, GuestAddr, QpInit, QueuePair, Rank, SendRequest, Service,
    Sge,
};
use unirank_host_backend::client::{Client, JobSpec, RankKind, RankState};
use unirank_host_backend::daemon::{Options, run};
use unirank_host_backend::error::BackendError;
use unirank_host_backend::paths::RuntimeDir;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("backend") {
        let outcome = Options::from_env().and_then(run);
        std::process::exit(i32::from(outcome.is_err()));
    }
    if std::env::args().nth(1).as_deref() == Some("rank") {
        return rank();
    }
    type Test = fn(RuntimeDir, PathBuf);
    let tests: [(&str, Test); 5] = [
        ("many_clients_start_one_daemon", many_clients_start_one_daemon),
        ("a_killed_daemon_is_replaced", a_killed_daemon_is_replaced),
        ("what_cannot_start_is_told", what_cannot_start_is_told),
        ("two_processes_exchange_messages", two_processes_exchange_messages),
        ("a_killed_rank_is_noticed_by_its_peer", a_killed_rank_is_noticed_by_its_peer),
    ];
    // SAFETY: the only thread so far.
    unsafe { std::env::set_var("UNIRANK_BACKEND_IDLE_S", "1") };
    println!("running {} tests", tests.len());
    for (name, test) in tests {
        let dir = std::env::temp_dir().join(format!("unirank-start-{name}-{}", std::process::id()));
        test(RuntimeDir::new(&dir), std::env::current_exe().expect("this program's path"));
        std::fs::remove_dir_all(&dir).expect("removing the runtime directory");
        println!("test {name} ... ok");
    }
    println!("\ntest result: ok. {} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n", tests.len());
}

/// Waits until the daemon has left by itself, and its socket with it.
fn gone(dir: &RuntimeDir) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while dir.socket().exists() {
        assert!(Instant::now() < deadline, "the idle daemon does not leave");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn many_clients_start_one_daemon(dir: RuntimeDir, exe: PathBuf) {
    let clients: Vec<_> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| Client::connect_or_start_in(&dir, &exe).expect("a client"));
        let threads: Vec<_> = (0..8).map(|_| start()).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client's thread")).collect()
    });
    let pid = clients[0].daemon_pid();
    assert_ne!(pid, std::process::id());
    assert!(clients.iter().all(|client| client.daemon_pid() == pid));
    drop(clients);
    gone(&dir);
    let log = std::fs::read_to_string(dir.log()).expect("the log");
    assert_eq!(log.matches("serves").count(), 1, "{log}");
}

fn a_killed_daemon_is_replaced(dir: RuntimeDir, exe: PathBuf) {
    let first = Client::connect_or_start_in(&dir, &exe).expect("a client");
    let pid = i32::try_from(first.daemon_pid()).expect("a process id");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killing the daemon we started");
    let mut first = first;
    assert!(matches!(first.list(), Err(BackendError::Disconnected(_))));
    assert!(dir.socket().exists(), "the killed daemon leaves its socket");
    let mut second = Client::connect_or_start_in(&dir, &exe).expect("a client");
    assert_ne!(second.daemon_pid(), first.daemon_pid());
    assert!(second.list().expect("a list").is_empty());
    drop(second);
    gone(&dir);
}

fn what_cannot_start_is_told(dir: RuntimeDir, _exe: PathBuf) {
    let missing =
        Client::connect_or_start_in(&dir, "/nonexistent/unirank".as_ref()).expect_err("no such program");
    assert!(missing.to_string().contains("/nonexistent/unirank"), "{missing}");
    let failing = Client::connect_or_start_in(&dir, "/bin/false".as_ref()).expect_err("a program that fails");
    assert!(matches!(failing, BackendError::Start { .. }), "{failing}");
    assert!(failing.to_string().contains("backend.log"), "{failing}");
}

/// Starts a job of two native ranks of this program, which do what `role` says.
fn start_ranks(
    dir: &RuntimeDir,
    exe: &PathBuf,
    role: &str,
) -> (Client, unirank_host_backend::client::JobId, Vec<Child>) {
    let mut client = Client::connect_or_start_in(dir, exe).expect("a client");
    let spec = JobSpec {
        name: role.into(),
        ranks: 2,
        accel: "native".into(),
        mem: 0,
        command: vec![role.into()],
        runner_pid: std::process::id(),
    };
    let job = client.create_job(spec).expect("a job");
    let mut children = Vec::new();
    for rank in 0..2 {
        let fds: Vec<OwnedFd> = vec![
            common::memfd(unirank_hca::region::REGION_LEN as u64),
            common::memfd(common::DMA_LEN as u64),
            common::new_eventfd(),
            common::new_eventfd(),
        ];
        let numbers: Vec<String> = fds.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        for fd in &fds {
            rustix::io::fcntl_setfd(fd, FdFlags::empty()).expect("inheritable");
        }
        let [region, dma, wake, irq] = [0, 1, 2, 3].map(|i| fds[i].try_clone().expect("a copy"));
        client.add_rank(job, rank, RankKind::Native { region, dma, wake, irq }).expect("a rank");
        let child = Command::new(exe)
            .args(["rank", role])
            .env("UNIRANK_NATIVE", numbers.join(","))
            .spawn()
            .expect("a process");
        // A launcher may be slower than the process that it has started, which then waits.
        std::thread::sleep(Duration::from_millis(200));
        client.rank_pid(job, rank, child.id()).expect("its number is told");
        children.push(child);
    }
    (client, job, children)
}

fn two_processes_exchange_messages(dir: RuntimeDir, exe: PathBuf) {
    let (mut client, job, children) = start_ranks(&dir, &exe, "exchange");
    for mut child in children {
        assert!(child.wait().expect("its end").success());
    }
    let jobs = client.list().expect("a list");
    assert_eq!(jobs[0].job, job);
    // Rank 0: 50 rounds of three requests, and a last word. Rank 1: a read, a write and a send in each.
    assert!(jobs[0].ranks[0].engine.messages >= 150, "{jobs:?}");
    assert!(jobs[0].ranks[1].engine.bytes >= 50 * 2_000_006, "{jobs:?}");
    drop(client);
    gone(&dir);
}

fn a_killed_rank_is_noticed_by_its_peer(dir: RuntimeDir, exe: PathBuf) {
    let (mut client, job, mut children) = start_ranks(&dir, &exe, "mourn");
    // Rank 1 is connected and will stay until it is killed; rank 0 then ends well only if it has been told.
    while client.list().expect("a list")[0].ranks[0].engine.messages == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    children[1].kill().expect("killing the rank we started");
    children[1].wait().expect("its end");
    assert!(children[0].wait().expect("its end").success());
    client.rank_state(job, 1, RankState::Failed("killed".into())).expect("its state is told");
    drop(client);
    gone(&dir);
}

/// A rank of the tests above.
fn rank() {
    let role = std::env::args().nth(2).expect("a role");
    let fds = std::env::var("UNIRANK_NATIVE").expect("descriptors");
    // SAFETY: the descriptors are those of our parent, and nothing else in this process uses them.
    let platform = unsafe { NativePlatform::from_environment(&fds) }.expect("a platform");
    let dev = Device::open(Rc::new(platform)).expect("an adapter");
    let me = dev.rank().0;
    let (pd, cq) = (dev.alloc_pd().expect("a domain"), dev.create_cq(256).expect("a completion queue"));
    let qp = dev.create_qp(&QpInit::new(&pd, &cq, &cq)).expect("a queue pair");
    qp.connect(Rank(1 - me), Service(0)).expect("a connection");
    while !matches!(event(&dev), Event::Connected { .. }) {}
    match (role.as_str(), me) {
        ("exchange", 0) => exchange_first(&dev, &pd, &cq, &qp),
        ("exchange", _) => exchange_second(&dev, &cq, &qp),
        ("mourn", 0) => mourn(&dev, &cq, &qp),
        _ => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
    }
}

fn event(dev: &Device) -> Event {
    let deadline = Instant::now() + common::PATIENCE;
    loop {
        if let Some(event) = dev.poll_event().expect("the event ring") {
            return event;
        }
        assert!(Instant::now() < deadline, "no event at {}", dev.rank());
        dev.wait_event(100_000_000);
    }
}

/// Polls, and blocks on the armed queue when there is nothing.
fn next(dev: &Device, cq: &CompletionQueue) -> Completion {
    let deadline = Instant::now() + common::PATIENCE;
    let mut out = [Completion::EMPTY];
    loop {
        if cq.poll(&mut out).expect("the completion queue") == 1 {
            return out[0];
        }
        cq.arm();
        if cq.poll(&mut out).expect("the completion queue") == 1 {
            return out[0];
        }
        assert!(Instant::now() < deadline, "no completion at {}", dev.rank());
        dev.wait_event(1_000_000_000);
    }
}

/// Tells where a large buffer is; the other side reads it, writes it back reversed, and says so.
fn exchange_first(dev: &Device, pd: &unirank_hca::ProtectionDomain, cq: &CompletionQueue, qp: &QueuePair) {
    let mut reply = vec![0u8; 64].into_boxed_slice();
    for round in 0..50u64 {
        let data = common::pattern(1_000_003, round as usize);
        let landing = vec![0u8; data.len()];
        // SAFETY: both outlive the region, and the peer does what is agreed.
        let source =
            unsafe { dev.reg_mr(pd, GuestAddr::of(&data[..]), data.len() as u64, Access::REMOTE_READ) };
        let access = Access::LOCAL_WRITE | Access::REMOTE_WRITE;
        // SAFETY: as above.
        let target = unsafe { dev.reg_mr(pd, GuestAddr::of(&landing[..]), data.len() as u64, access) };
        let (source, target) = (source.expect("a region"), target.expect("a region"));
        // SAFETY: `reply` is not used before its completion.
        unsafe { qp.post_recv(round, &[Sge::new(reply.as_ptr(), 64, dev.lkey())]) }.expect("a receive");
        let at = |bytes: &[u8]| (bytes.as_ptr() as u64).to_le_bytes();
        let (from, to) = (source.rkey().0.to_le_bytes(), target.rkey().0.to_le_bytes());
        let parts: [&[u8]; 4] = [&at(&data), &at(&landing), &from, &to];
        for request in
            [SendRequest::nop(1), SendRequest::send(2).inline(&parts), SendRequest::nop(3).signalled()]
        {
            // SAFETY: nothing but inline data.
            unsafe { qp.post_send(&request) }.expect("a request");
        }
        let mut got = [next(dev, cq), next(dev, cq)];
        got.sort_by_key(|completion| completion.is_receive());
        assert_eq!((got[0].wr_id, got[1].wr_id, got[1].byte_len), (3, round, 4));
        assert_eq!(reply[..4], *b"done");
        assert!(landing.iter().eq(data.iter().rev()), "round {round}");
        reply.fill(0);
    }
    // SAFETY: nothing but inline data.
    unsafe { qp.post_send(&SendRequest::send(4).inline(&[b""]).signalled()) }.expect("a request");
    assert_eq!(next(dev, cq).wr_id, 4);
}

fn exchange_second(dev: &Device, cq: &CompletionQueue, qp: &QueuePair) {
    let word = vec![0u8; 64].into_boxed_slice();
    let mut data = vec![0u8; 1_000_003];
    let key = dev.lkey();
    loop {
        // SAFETY: `word` is not used before its completion.
        unsafe { qp.post_recv(0, &[Sge::new(word.as_ptr(), 64, key)]) }.expect("a receive");
        if next(dev, cq).byte_len == 0 {
            return;
        }
        let long = |at: usize| u64::from_le_bytes(word[at..at + 8].try_into().expect("eight bytes"));
        let short = |at: usize| u32::from_le_bytes(word[at..at + 4].try_into().expect("four bytes"));
        let sges = [Sge::new(data.as_mut_ptr(), data.len() as u32, key)];
        let read = SendRequest::read(1, GuestAddr(long(0)), unirank_hca::Rkey(short(16))).sges(&sges);
        // SAFETY: `data` is not used before the completion.
        unsafe { qp.post_send(&read.signalled()) }.expect("a request");
        assert_eq!(next(dev, cq).result, Ok(()));
        data.reverse();
        let sges = [Sge::new(data.as_ptr(), data.len() as u32, key)];
        let write = SendRequest::write(2, GuestAddr(long(8)), unirank_hca::Rkey(short(20))).sges(&sges);
        // SAFETY: as above.
        unsafe { qp.post_send(&write) }.expect("a request");
        // SAFETY: nothing but inline data.
        unsafe { qp.post_send(&SendRequest::send(3).inline(&[b"done"]).signalled()) }.expect("a request");
        assert_eq!((next(dev, cq).wr_id, true), (3, true));
    }
}

fn mourn(dev: &Device, cq: &CompletionQueue, qp: &QueuePair) {
    // SAFETY: no memory is passed.
    unsafe { qp.post_send(&SendRequest::nop(1).signalled()) }.expect("a request");
    assert_eq!(next(dev, cq).result, Ok(()));
    assert_eq!(event(dev), Event::PeerGone { rank: Rank(1) });
    // SAFETY: nothing but inline data.
    unsafe { qp.post_send(&SendRequest::send(2).inline(&[b"anybody there?"])) }.expect("a request");
    let failure = next(dev, cq).result.expect_err("the peer is gone");
    assert_eq!(failure.syndrome, Syndrome::RetryExceeded);
}
