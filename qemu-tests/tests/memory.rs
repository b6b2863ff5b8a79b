//! Memory of ranks: little, much, beyond the PCI hole, of threads, and its end.

use unirank_qemu_tests::{Job, Program, accelerators, everywhere};

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
