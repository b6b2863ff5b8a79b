//! What `unirank run --strace` shows: each system call in one control line of numbers, which the runner puts in words.
//!
//! `sys TID NUMBER ARG0 ... ARG5 RESULT NANOSECONDS [I:BYTES]...`, arguments and bytes in hexadecimal. `I:` precedes what
//! argument I points to, as far as people want to see it; a `+` at its end says that there is more. A call that does not
//! return is told before it is made, with `?` as its result.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};

use super::nr;
use crate::errno::SysResult;
use crate::process::PID;
use crate::{console, time, user};

/// Most bytes of a buffer that are shown.
const MOST_DATA: usize = 32;
/// Most bytes of a path that are shown.
const MOST_PATH: usize = 1024;

static ON: AtomicBool = AtomicBool::new(false);

/// Shows system calls from here on.
pub fn enable() {
    ON.store(true, Ordering::Relaxed);
}

/// What an argument points to.
#[derive(Clone, Copy)]
enum Shown {
    /// A string ended by NUL.
    Path(usize),
    /// Bytes the call reads: their address, and the argument that is their count.
    In(usize, usize),
    /// A structure the call reads, of so many bytes.
    Struct(usize, usize),
    /// Bytes the call has written: as many as its result says.
    Out(usize),
}

fn shown(number: u64) -> &'static [Shown] {
    use Shown::*;
    match number {
        nr::OPEN
        | nr::STAT
        | nr::LSTAT
        | nr::ACCESS
        | nr::CHDIR
        | nr::MKDIR
        | nr::RMDIR
        | nr::UNLINK
        | nr::CREAT
        | nr::TRUNCATE
        | nr::CHMOD
        | nr::STATFS
        | nr::EXECVE => &[Path(0)],
        nr::OPENAT
        | nr::NEWFSTATAT
        | nr::MKDIRAT
        | nr::UNLINKAT
        | nr::FACCESSAT
        | nr::FACCESSAT2
        | nr::STATX
        | nr::FCHMODAT
        | nr::UTIMENSAT => &[Path(1)],
        nr::RENAME | nr::LINK | nr::SYMLINK => &[Path(0), Path(1)],
        nr::RENAMEAT | nr::RENAMEAT2 | nr::LINKAT => &[Path(1), Path(3)],
        nr::SYMLINKAT => &[Path(0), Path(2)],
        nr::READLINK => &[Path(0), Out(1)],
        nr::READLINKAT => &[Path(1), Out(2)],
        nr::GETCWD => &[Out(0)],
        nr::WRITE | nr::PWRITE64 | nr::SENDTO | nr::CONNECT | nr::BIND => &[In(1, 2)],
        nr::READ | nr::PREAD64 | nr::RECVFROM => &[Out(1)],
        nr::NANOSLEEP => &[Struct(0, 16)],
        nr::CLOCK_NANOSLEEP => &[Struct(2, 16)],
        _ => &[],
    }
}

/// A call under way.
pub struct Call {
    start: u64,
    /// What its arguments pointed to before it was made.
    before: String,
}

/// A call begins: `None` unless calls are shown.
#[inline]
pub fn begin(number: u64, args: &[u64; 6]) -> Option<Call> {
    if ON.load(Ordering::Relaxed) { Some(begun(number, args)) } else { None }
}

#[cold]
fn begun(number: u64, args: &[u64; 6]) -> Call {
    let mut before = String::new();
    for shown in shown(number) {
        match *shown {
            Shown::Path(i) => {
                if let Ok(path) = user::c_str(args[i]) {
                    add(&mut before, i, path, MOST_PATH);
                }
            }
            Shown::In(i, len) => add_memory(&mut before, i, args[i], args[len]),
            Shown::Struct(i, len) => add_memory(&mut before, i, args[i], len as u64),
            Shown::Out(_) => {}
        }
    }
    let call = Call { start: time::tsc(), before };
    if matches!(number, nr::EXIT | nr::EXIT_GROUP | nr::RT_SIGRETURN) {
        tell(number, args, "?", 0, &call.before);
    }
    call
}

impl Call {
    /// The call has returned.
    #[cold]
    pub fn end(mut self, number: u64, args: &[u64; 6], result: SysResult) {
        let ticks = u128::from(time::tsc().saturating_sub(self.start));
        let ns = (ticks * u128::from(time::SECOND) / u128::from(time::tsc_hz().max(1))) as u64;
        for shown in shown(number) {
            if let (&Shown::Out(i), Ok(len)) = (shown, result) {
                add_memory(&mut self.before, i, args[i], len as u64);
            }
        }
        let value = match result {
            Ok(value) => value as i64,
            Err(errno) => -i64::from(errno.0),
        };
        let mut text = String::new();
        let _ = write!(text, "{value}");
        tell(number, args, &text, ns, &self.before);
    }
}

fn tell(number: u64, args: &[u64; 6], result: &str, ns: u64, memory: &str) {
    let mut line = String::new();
    let _ = write!(line, "sys {PID} {number}");
    for arg in args {
        let _ = write!(line, " {arg:x}");
    }
    let _ = writeln!(line, " {result} {ns}{memory}");
    console::write_ctl_all(line.as_bytes());
}

fn add_memory(out: &mut String, i: usize, address: u64, len: u64) {
    // One more than is shown, to know whether there is more.
    let len = len.min(MOST_DATA as u64 + 1) as usize;
    if let Ok(bytes) = user::slice(address, len) {
        let bytes: Vec<u8> = bytes.to_vec();
        add(out, i, &bytes, MOST_DATA);
    }
}

fn add(out: &mut String, i: usize, bytes: &[u8], most: usize) {
    let _ = write!(out, " {i}:");
    for byte in bytes.iter().take(most) {
        let _ = write!(out, "{byte:02x}");
    }
    if bytes.len() > most {
        out.push('+');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_cut_and_says_so() {
        let mut text = String::new();
        add(&mut text, 1, b"a\n", MOST_DATA);
        assert_eq!(text, " 1:610a");
        text.clear();
        add(&mut text, 0, &[0xff; 33], MOST_DATA);
        assert_eq!(text, format!(" 0:{}+", "ff".repeat(32)));
    }

    #[test]
    fn bad_pointers_show_nothing() {
        for number in 0..400 {
            let call = begun_quietly(number, &[u64::MAX - 3; 6]);
            assert_eq!(call.before, "", "{number}");
        }
    }

    /// [`begun`] for calls that return.
    fn begun_quietly(number: u64, args: &[u64; 6]) -> Call {
        let returns = !matches!(number, nr::EXIT | nr::EXIT_GROUP | nr::RT_SIGRETURN);
        begun(if returns { number } else { nr::READ }, args)
    }
}
