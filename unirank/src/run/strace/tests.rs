use super::*;

fn shown(text: &str) -> String {
    words::call(3, &line::Line::parse(text).unwrap())
}

#[test]
fn calls_read_as_with_strace() {
    let cases = [
        (
            "2 257 ffffffffffffff9c 1000 80000 0 0 0 3 21000 1:2f746d702f78",
            "[3] openat(AT_FDCWD, \"/tmp/x\", O_RDONLY|O_CLOEXEC) = 3 <0.000021>\n",
        ),
        (
            "2 257 ffffff9c 1000 241 1b6 0 0 -2 1000999 1:78",
            "[3] openat(AT_FDCWD, \"x\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = -1 ENOENT (No such file or directory) <0.001000>\n",
        ),
        (
            "7 1 1 5000 28 0 0 0 40 1234567890 1:68690a00+",
            "[3.7] write(1, \"hi\\n\\x00\"..., 40) = 40 <1.234567>\n",
        ),
        (
            "2 9 0 1000 3 22 ffffffffffffffff 0 8192 0",
            "[3] mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, NULL) = 0x2000 <0.000000>\n",
        ),
        ("2 231 7 0 0 0 0 0 ? 0", "[3] exit_group(7) = ?\n"),
        (
            "2 202 1000 80 1 0 0 0 -11 0",
            "[3] futex(0x1000, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 1, NULL, NULL, NULL) = -1 EAGAIN (Try again) <0.000000>\n",
        ),
        (
            "2 35 1000 0 0 0 0 0 0 0 0:01000000000000000200000000000000",
            "[3] nanosleep({tv_sec=1, tv_nsec=2}, NULL) = 0 <0.000000>\n",
        ),
        (
            "2 42 3 1000 10 0 0 0 0 0 1:02000050c0a80001",
            "[3] connect(3, {192.168.0.1:80}, 16) = 0 <0.000000>\n",
        ),
        (
            "2 100000 1 2 0 0 0 0 -38 0",
            "[3] syscall_100000(0x1, 0x2) = -1 ENOSYS (Invalid system call number) <0.000000>\n",
        ),
        ("2 18446744073709551615 0 0 0 0 0 0 5 0", "[3] syscall_18446744073709551615() = 5 <0.000000>\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn a_guest_cannot_drive_the_terminal() {
    assert_eq!(shown("2 1 1 0 1 0 0 0 1 0 1:1b5b324a"), "[3] write(1, \"\\x1b[2J\", 1) = 1 <0.000000>\n");
}

#[test]
fn what_is_no_call_is_refused() {
    for bad in [
        "",
        "2",
        "2 1 1 0 1 0 0 0 1",
        "2 1 1 0 1 0 0 0 x 0",
        "2 1 1 0 g 0 0 0 1 0",
        "2 1 1 0 1 0 0 0 1 0 1:1",
        "2 1 1 0 1 0 0 0 1 0 6:11",
        "2 1 1 0 1 0 0 0 1 0 1:\u{e9}",
        "2 1 1 0 1 0 0 0 1 0 junk",
        "99999999999 1 1 0 1 0 0 0 1 0",
    ] {
        assert_eq!(line::Line::parse(bad), None, "{bad}");
    }
}

#[test]
fn choices() {
    assert_eq!("all".parse(), Ok(StraceChoice::All));
    let choice: StraceChoice = "0,2".parse().unwrap();
    assert!(choice.shows(2) && !choice.shows(1));
    for bad in ["", "1,", "x", "-1"] {
        assert!(bad.parse::<StraceChoice>().is_err(), "{bad}");
    }
    let refused = |ranks, accel| Strace::new(&choice, None, ranks, accel).unwrap_err().to_string();
    assert!(refused(2, Accel::Tcg).contains("--strace=2"));
    assert!(refused(3, Accel::Native).contains("strace -f"));
}
