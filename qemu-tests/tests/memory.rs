//! Memory of ranks: little, much, beyond the PCI hole, of threads, and its end.

use std::time::{Duration, Instant};

use unirank_qemu_tests::registry::not_run;
use unirank_qemu_tests::{Job, Program, accelerators, descendants, everywhere, has_kvm};

#[test]
fn many_threads_allocate_in_little_memory() {
    let program = Program::threaded("arenas.c");
    for place in everywhere() {
        for memory in ["64M", "512M"] {
            let outcome = Job::new(&program, place).option(&["--mem", memory, "-c", "2"]).succeed();
            assert_eq!(outcome.stdout, "arenas: passed\n", "{place}, {memory}: {outcome:?}");
        }
    }
}

#[test]
fn the_stack_overflow_of_a_thread_is_named() {
    let program = Program::threaded("deep.c");
    for accelerator in accelerators() {
        let outcome = Job::new(&program, accelerator).option(&["-c", "2"]).run();
        assert_eq!(outcome.status, 139, "{accelerator}: {outcome:?}");
        assert!(outcome.stderr.contains("stack overflow: a thread's stack"), "{accelerator}: {outcome:?}");
        let outcome = Job::new(&program, accelerator).option(&["-c", "2"]).args(&["read"]).run();
        assert!(
            outcome.stderr.contains("page fault: read from protected memory"),
            "{accelerator}: {outcome:?}"
        );
    }
}

#[test]
fn the_smallest_rank_and_one_beyond_the_pci_hole_exchange_messages() {
    let program = Program::new("beyond.c");
    for accelerator in accelerators() {
        for (memory, kind) in [("16M", "low"), ("6G", "high")] {
            for (channel, windows) in [("auto", "rw"), ("auto", "ro"), ("auto", "off"), ("hca", "rw")] {
                let job = Job::new(&program, accelerator).ranks(2).env("UNIRANK_CHANNEL", channel);
                let job = job.option(&["--mem", memory, "--windows", windows]);
                let outcome = job.args(&[kind]).succeed();
                let place = format!("{accelerator}, {memory}, {channel}, {windows}");
                assert_eq!(outcome.stdout, "beyond: passed\n", "{place}: {outcome:#?}");
            }
        }
    }
}

#[test]
fn a_program_that_takes_all_memory_gets_errors_and_goes_on() {
    let program = Program::threaded("full.c");
    for accelerator in accelerators() {
        for memory in ["16M", "300M"] {
            let outcome = Job::new(&program, accelerator).option(&["--mem", memory]).succeed();
            let place = format!("{accelerator}, {memory}");
            assert_eq!(outcome.stdout, "full: passed\n", "{place}: {outcome:?}");
            for line in ["out of memory: the program (mmap) asked for", "the library OS needs some"] {
                assert_eq!(outcome.stderr.matches(line).count(), 1, "{place}: {line}: {outcome:?}");
            }
        }
    }
}

#[test]
fn huge_pages_that_the_host_does_not_have_are_refused() {
    let program = Program::threaded("deep.c");
    // More memory than a host of these tests has.
    let options = ["-n", "1024", "--mem", "128G", "--hugepages", "on"];
    let outcome = Job::new(&program, accelerators()[0]).option(&options).run();
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("need 67108864 free huge pages of 2 MiB"), "{outcome:?}");
}

/// Bytes of the RAM of VMs that a process has mapped, and how many of them in large pages.
fn mapped_by(process: u32) -> (u64, u64) {
    let (mut all, mut large, mut is_ram) = (0, 0, false);
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps")).unwrap_or_default();
    for line in text.lines() {
        let (field, value) = line.split_once(' ').unwrap_or((line, ""));
        if field.contains('-') {
            is_ram = value.contains("unirank-ram");
        }
        let kib = value.trim().trim_end_matches(" kB").parse::<u64>().ok().filter(|_| is_ram);
        match (field, kib) {
            ("Rss:", Some(kib)) => all += kib << 10,
            ("ShmemPmdMapped:", Some(kib)) => large += kib << 10,
            _ => {}
        }
    }
    (all, large)
}

/// The same of all VMs below a process.
fn mapped(launcher: u32) -> (u64, u64) {
    let vms = descendants(launcher).into_iter().filter(|(_, name)| name.starts_with("qemu"));
    vms.map(|(pid, _)| mapped_by(pid)).fold((0, 0), |sum, vm| (sum.0 + vm.0, sum.1 + vm.1))
}

/// Waits until it holds.
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the system makes shared memory large by itself.
fn makes_large() -> bool {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    !setting.unwrap_or_default().contains("[never]")
}

/// Whether this system puts pages together that are shared (Linux 6.1).
fn collects() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map(|text| text.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 1)
}

#[test]
fn memory_that_is_used_comes_to_lie_in_large_pages() {
    const USED: u64 = 64 << 20;
    let program = Program::new("large_pages.c");
    for accelerator in accelerators() {
        for choice in ["auto", "off"] {
            let job = Job::new(&program, accelerator).option(&["--mem", "256M", "--hugepages", choice]);
            let mut job = job.limit(120).hold_input().start();
            let launcher = job.id();
            let makes_them = choice == "auto" && has_kvm() && accelerator == "kvm" && collects();
            job.says("allocated");
            if makes_them {
                // More than the few that a VM has begun to use by now.
                soon("no large pages before they are used", || mapped_by(launcher).1 > 6 << 20);
            }
            job.send(b"\n");
            job.says("filled");
            let is_large = |(all, large): (u64, u64)| all >= USED && large >= USED / 2;
            if makes_them {
                soon("memory that is used does not become large", || is_large(mapped(launcher)));
            } else if choice == "off" && !makes_large() {
                assert_eq!((mapped_by(launcher).1, mapped(launcher).1), (0, 0), "{accelerator}");
            }
            job.send(b"\n");
            let outcome = job.wait();
            assert_eq!(
                outcome.stdout, "allocated\nfilled\nlarge_pages: passed\n",
                "{accelerator}: {outcome:?}"
            );
        }
    }
    if !has_kvm() || !collects() {
        not_run("large pages: they need KVM and Linux 6.1");
    }
}
