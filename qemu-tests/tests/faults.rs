//! Programs that fail: the cause by its name, the place by function, file and line, the status a shell would give.

use unirank_qemu_tests::{Job, Program, accelerator, accelerators};

fn ends(kind: &str, status: i32, says: &[&str]) {
    let program = Program::new("faults.c");
    let outcome = Job::new(&program, accelerator()).args(&[kind]).limit(60).run();
    assert_eq!(outcome.status, status, "{kind}: {outcome:#?}");
    assert_eq!(outcome.stdout, "before\n", "{kind}");
    for text in says {
        assert!(outcome.stderr.contains(text), "{kind}: no `{text}` in {outcome:#?}");
    }
}

#[test]
fn null_pointer() {
    ends("null", 139, &["rank 0", "null pointer", "write_to", "faults.c:", "main", "rsp"]);
}

#[test]
fn wild_pointer() {
    ends("wild", 139, &["0x123456789000", "write_to"]);
    ends("noncanonical", 139, &["write_to"]);
}

#[test]
fn constants_and_code_are_read_only() {
    ends("constant", 139, &["write_to"]);
    ends("text", 139, &["write_to"]);
}

#[test]
fn data_does_not_execute() {
    ends("execute", 139, &["main"]);
}

#[test]
fn stack_overflow_is_named() {
    ends("stack", 139, &["stack overflow", "recurse"]);
}

#[test]
fn division_illegal_and_privileged_instructions() {
    ends("divide", 136, &["divide", "main"]);
    ends("illegal", 132, &["main"]);
    ends("privileged", 139, &["main"]);
}

#[test]
fn abort_says_where() {
    ends("abort", 134, &["main"]);
}

#[test]
fn exit_status_passes_through() {
    let program = Program::new("faults.c");
    for accelerator in accelerators() {
        let outcome = Job::new(&program, accelerator).args(&["exit", "42"]).run();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (42, "before\n"), "{accelerator}: {outcome:?}");
    }
}

#[test]
fn running_out_of_memory_is_an_error_for_the_program() {
    let program = Program::new("faults.c");
    let outcome = Job::new(&program, accelerator()).option(&["--mem", "64M"]).args(&["memory"]).succeed();
    assert!(outcome.stdout.contains("out of memory after some MiB: yes"), "{outcome:?}");
}
