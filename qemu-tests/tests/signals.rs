//! Signals and timers: programs that use them say the same in VMs and as processes, and signals sent to the launcher
//! reach the ranks.

use rustix::process::{Pid, Signal, kill_process};
use unirank_qemu_tests::{Job, Leftovers, Outcome, Program, Running, everywhere};

const SIGNALS: &str = "\
kill 1 1 raise 1 1 queue 1 1 0x1234 count 3
pending 1 0 1 taken 1 value 0 delivered 4 of them real-time 3 last value 0
depth 1 nodefer 3 resethand 1
stack disabled 1 with 7 without 0 overflow 1
null 1 0x8 read-only 1 1 divide 1 illegal 1 1 rax 42
held 0 suspend -1 1 ran 1 blocked again 1 ppoll -1 1 ran 2 pselect -1 1 ran 3 blocked again 1
nothing -1 1 sigwait 1 sigwaitinfo 1 1 signalfd -1 1 poll 1 read 2 1 1
errors 1 1 1 1
read -1 1 poll -1 1 sleep -1 1 left 1 pause -1 1
restart
restarted 6 after 1
";

#[test]
fn signals_are_those_of_linux() {
    let program = Program::new("signals.c");
    for place in everywhere() {
        let mut job = Job::new(&program, place).hold_input().start();
        job.says("restart\n");
        // The timer that interrupts the read is set before this line can be read.
        std::thread::sleep(std::time::Duration::from_millis(300));
        job.send(b"hello\n");
        let outcome = job.wait();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, SIGNALS), "{place}: {outcome:#?}");
    }
}

#[test]
fn signals_without_a_handler_end_the_program() {
    let program = Program::new("signals.c");
    for place in everywhere() {
        // A fault whose signal is blocked, SIGALRM of a timer.
        for (kind, status) in [("blocked", 139), ("alarm", 142)] {
            let outcome = Job::new(&program, place).args(&[kind]).run();
            assert_eq!(outcome.status, status, "{kind} {place}: {outcome:#?}");
        }
    }
}

#[test]
fn timers_are_those_of_linux() {
    let program = Program::new("timers.c");
    for place in everywhere() {
        let outcome = Job::new(&program, place).succeed();
        let expected = "\
real 1 every 7 alarm left 1 old 1 stopped 1 three 1 code 1
virtual 1 1 prof 1 1 kinds 1
created 0 signal 1 code 1 value 77 overrun 1 1 runs 1 stopped 1 deleted 0
silent 1 absolute 1 past 1 processor time 1 77
idle 1 poll 1 1 read 8 times 1 runs 1 waits 8 1 select 1 short 1 write 1
copy 8 past 8 1 clocks 1
used 1 wall 1 asleep 1 own 1 process 1 resolution 1 times 1 thread 1
";
        assert_eq!(outcome.stdout, expected, "{place}: {outcome:#?}");
    }
}

/// Three ranks of `told.c` that have met in a barrier.
fn told(kind: &str, place: &str) -> Running {
    let job = Job::new(&Program::new("told.c"), place).ranks(3).args(&[kind]).limit(60).start();
    job.says("ready");
    job
}

fn send(job: &Running, signal: Signal) {
    let pid = Pid::from_raw(job.id() as i32).expect("a process id");
    kill_process(pid, signal).expect("the launcher lives");
}

/// What each rank says it got, sorted.
fn heard(outcome: &Outcome) -> Vec<&str> {
    let mut lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with("rank ")).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn ranks_handle_what_the_launcher_is_sent() {
    for place in everywhere() {
        let job = told("handle", place);
        for (signal, name) in
            [(Signal::USR1, "SIGUSR1"), (Signal::USR2, "SIGUSR2"), (Signal::TERM, "SIGTERM")]
        {
            send(&job, signal);
            (0..3).for_each(|rank| job.says(&format!("rank {rank} got {name}\n")));
        }
        let outcome = job.wait();
        assert_eq!(outcome.status, 0, "{place}: {outcome:#?}");
        assert_eq!(heard(&outcome).len(), 9, "{place}: {outcome:#?}");
    }
}

#[test]
fn ranks_that_ignore_a_request_to_end_are_ended() {
    for place in everywhere() {
        let leftovers = Leftovers::before();
        // When their time is over.
        let job = told("ignore", place);
        send(&job, Signal::TERM);
        let outcome = job.wait();
        assert_eq!(outcome.status, 143, "{place}: {outcome:#?}");
        assert!(outcome.stderr.contains("3 ranks were ended, 3 of them by force"), "{place}: {outcome:#?}");
        // Or when the user insists; the job's limit of a minute bounds both.
        let job = told("ignore", place);
        send(&job, Signal::TERM);
        std::thread::sleep(std::time::Duration::from_millis(100));
        send(&job, Signal::INT);
        let outcome = job.wait();
        assert_eq!(outcome.status, 130, "{place}: {outcome:#?}");
        leftovers.none_of(&[]);
    }
}

#[test]
fn a_status_of_a_handler_s_own_is_the_job_s() {
    for place in everywhere() {
        let job = told("other", place);
        send(&job, Signal::TERM);
        let outcome = job.wait();
        assert_eq!(outcome.status, 7, "{place}: {outcome:#?}");
        assert!(outcome.stderr.contains("rank 1 ended with exit status 7"), "{place}: {outcome:#?}");
    }
}

#[test]
fn a_signal_that_asks_for_nothing_ends_ranks_without_a_handler() {
    for place in everywhere() {
        let job = told("other", place);
        send(&job, Signal::USR1);
        let outcome = job.wait();
        assert_eq!(outcome.status, 138, "{place}: {outcome:#?}");
    }
}
