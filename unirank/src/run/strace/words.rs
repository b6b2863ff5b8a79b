//! How a system call is written: `[1] openat(AT_FDCWD, "data", O_RDONLY) = 3 <0.000021>`; `[1.7]` is thread 7 of rank 1.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use syscalls::{Errno, Sysno};

use super::calls::{self, Kind, Names};
use super::line::{Line, Memory};

/// Number of the first thread.
const FIRST_THREAD: u32 = 2;
/// The working folder, where a descriptor is expected.
const AT_FDCWD: i32 = -100;
/// Flags of a futex operation.
const FUTEX_FLAGS: Names = &[(0x80, "FUTEX_PRIVATE_FLAG"), (0x100, "FUTEX_CLOCK_REALTIME")];
/// Access modes of `open`.
const OPEN_MODES: [&str; 4] = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];
/// `O_CREAT` and `O_TMPFILE`: `open` has a mode.
const CREATES: u64 = 0x40 | 0x40_0000;

/// A call as a line of text.
pub fn call(rank: u32, line: &Line) -> String {
    let thread = if line.tid == FIRST_THREAD { String::new() } else { format!(".{}", line.tid) };
    let name = usize::try_from(line.number).ok().and_then(Sysno::new).map(|number| number.name());
    let arguments = arguments(name, line).join(", ");
    let name = name.map_or_else(|| format!("syscall_{}", line.number), str::to_owned);
    let result = match line.result {
        None => "?".into(),
        Some(result) => format!(
            "{} <{}.{:06}>",
            value(&name, result),
            line.ns / 1_000_000_000,
            line.ns / 1000 % 1_000_000
        ),
    };
    format!("[{rank}{thread}] {name}({arguments}) = {result}\n")
}

fn value(name: &str, result: i64) -> String {
    match i32::try_from(result) {
        Ok(error @ -4095..=-1) => {
            let errno = Errno::new(-error);
            match (errno.name(), errno.description()) {
                (Some(name), Some(description)) => format!("-1 {name} ({description})"),
                _ => format!("-1 (error {})", -error),
            }
        }
        _ if calls::returns_address(name) => format!("{result:#x}"),
        _ => result.to_string(),
    }
}

fn arguments(name: Option<&str>, line: &Line) -> Vec<String> {
    let Some(kinds) = name.and_then(calls::arguments) else {
        // As many as seem to be some.
        let count = line.args.iter().rposition(|&arg| arg != 0).map_or(0, |last| last + 1);
        return line.args[..count].iter().map(|arg| format!("{arg:#x}")).collect();
    };
    let creates =
        kinds.iter().zip(line.args).any(|(kind, arg)| matches!(kind, Kind::Open) && arg & CREATES != 0);
    let opens = kinds.iter().any(|kind| matches!(kind, Kind::Open));
    let kinds = if opens && !creates { kinds.strip_suffix(&[Kind::Mode]).unwrap_or(kinds) } else { kinds };
    kinds.iter().enumerate().map(|(i, kind)| argument(*kind, line.args[i], line.memory(i))).collect()
}

fn argument(kind: Kind, value: u64, memory: Option<&Memory>) -> String {
    match (kind, memory) {
        (Kind::DirFd, _) if value as i32 == AT_FDCWD => "AT_FDCWD".into(),
        (Kind::Fd | Kind::DirFd, _) => (value as i32).to_string(),
        (Kind::Text, Some(memory)) => text(memory, true),
        (Kind::Data, Some(memory)) => text(memory, false),
        (Kind::Time, Some(memory)) => time(&memory.bytes).unwrap_or_else(|| format!("{value:#x}")),
        (Kind::Socket, Some(memory)) => socket(&memory.bytes).unwrap_or_else(|| text(memory, false)),
        (Kind::Text | Kind::Data | Kind::Time | Kind::Socket | Kind::Hex, _) => match value {
            0 => "NULL".into(),
            value => format!("{value:#x}"),
        },
        (Kind::Int, _) if value >> 32 == 0 => (value as i32).to_string(),
        (Kind::Int, _) => (value as i64).to_string(),
        (Kind::Size, _) => value.to_string(),
        (Kind::Mode, _) => format!("{:#05o}", value & 0xffff).replacen("0o", "0", 1),
        (Kind::Signal, _) => signal(value),
        (Kind::Flags(names), _) => flags(names, value, "0"),
        (Kind::One(names), _) => one(names, value),
        (Kind::Open, _) => flags(calls::OPEN, value & !3, "").split('|').fold(
            OPEN_MODES[(value & 3) as usize].to_owned(),
            |all, flag| {
                if flag.is_empty() { all } else { all + "|" + flag }
            },
        ),
        (Kind::Futex, _) => {
            let command = one(calls::FUTEX, value & 0x7f);
            match value & !0x7f {
                0 => command,
                rest => format!("{command}|{}", flags(FUTEX_FLAGS, rest, "")),
            }
        }
    }
}

fn one(names: Names, value: u64) -> String {
    names
        .iter()
        .find(|(number, _)| *number == value)
        .map_or_else(|| format!("{value:#x}"), |(_, name)| (*name).into())
}

fn flags(names: Names, value: u64, none: &str) -> String {
    let (mut rest, mut list) = (value, Vec::new());
    for (bits, name) in names {
        if value & bits == *bits {
            list.push((*name).to_owned());
            rest &= !bits;
        }
    }
    if rest != 0 {
        list.push(format!("{rest:#x}"));
    }
    if list.is_empty() { none.into() } else { list.join("|") }
}

fn signal(number: u64) -> String {
    const NAMES: [&str; 32] = [
        "0",
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    match usize::try_from(number) {
        Ok(n) if n < NAMES.len() => NAMES[n].into(),
        Ok(n @ 32..=64) => format!("SIGRT_{}", n - 32),
        _ => number.to_string(),
    }
}

/// A string as C writes it; of a `path` its end is no news.
fn text(memory: &Memory, path: bool) -> String {
    let bytes =
        if path { memory.bytes.split(|&b| b == 0).next().unwrap_or_default() } else { &memory.bytes[..] };
    let end = if memory.cut { "\"..." } else { "\"" };
    format!("\"{}{end}", bytes.escape_ascii())
}

fn time(bytes: &[u8]) -> Option<String> {
    let word = |at: usize| Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    Some(format!("{{tv_sec={}, tv_nsec={}}}", word(0)?, word(8)?))
}

fn socket(bytes: &[u8]) -> Option<String> {
    let family = u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    let address: SocketAddr = match family {
        2 => (Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(4..8)?).ok()?), port).into(),
        10 => (Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?), port).into(),
        _ => return None,
    };
    Some(format!("{{{address}}}"))
}
