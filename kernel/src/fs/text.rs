//! Texts of /proc and /sys, made when they are opened.

use super::path;
use crate::bootconfig::{self, BootConfig};
use crate::process::PID;
use crate::thread::sched;
use crate::time::{self, SECOND};
use crate::{cpu, cputime, mm};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Unit of times in /proc: a hundredth of a second (`sysconf(_SC_CLK_TCK)`).
const TICK_NS: u64 = SECOND / 100;

/// "0": a setting that is off.
pub fn zero() -> Vec<u8> {
    b"0\n".to_vec()
}

/// Kernel release, as uname(2) has it.
pub fn osrelease() -> Vec<u8> {
    format!("{}\n", crate::sys::RELEASE).into_bytes()
}

/// RAM and what is free and used of it, KiB.
fn memory_kib() -> (u64, u64, u64) {
    let (total, used) = (mm::ram().total() >> 10, mm::used_bytes() >> 10);
    (total, total - used, used)
}

/// Lines of names and KiB.
fn kib_lines(before: &str, lines: &[(&str, u64)]) -> Vec<u8> {
    let line = |&(name, kib): &(&str, u64)| format!("{before}{:16}{kib:8} kB\n", format!("{name}:"));
    lines.iter().map(line).collect::<String>().into_bytes()
}

/// Memory.
pub fn meminfo() -> Vec<u8> {
    let (total, free, used) = memory_kib();
    let lines = [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("AnonPages", used),
        ("CommitLimit", total),
        ("Committed_AS", used),
        ("Hugepagesize", 2048),
    ];
    kib_lines("", &lines)
}

/// Memory of the only NUMA node.
pub fn node_meminfo() -> Vec<u8> {
    let (total, free, used) = memory_kib();
    kib_lines("Node 0 ", &[("MemTotal", total), ("MemFree", free), ("MemUsed", used)])
}

/// Transparent huge pages: 2 MiB pages are always used where they fit.
pub fn huge_pages() -> Vec<u8> {
    b"[always] madvise never\n".to_vec()
}

/// The machine: processors' time in hundredths of a second (the program's is shown as the first one's), start, threads.
pub fn stat() -> Vec<u8> {
    let user = cputime::process_ns() / TICK_NS;
    let mut text = format!("cpu  {user} 0 0 0 0 0 0 0 0 0\n");
    for n in 0..cpu::count() {
        text += &format!("cpu{n} {} 0 0 0 0 0 0 0 0 0\n", if n == 0 { user } else { 0 });
    }
    let boot = (time::realtime_ns() - time::now_ns()) / SECOND;
    text +=
        &format!("ctxt 0\nbtime {boot}\nprocesses 1\nprocs_running {}\nprocs_blocked 0\n", sched::count());
    text.into_bytes()
}

/// Seconds since the start, and idle.
pub fn uptime() -> Vec<u8> {
    format!("{:.2} 0.00\n", time::now_ns() as f64 / SECOND as f64).into_bytes()
}

/// Mean numbers of threads that want a processor: those that there are, which mostly do.
pub fn loadavg() -> Vec<u8> {
    let threads = sched::count();
    format!("{threads}.00 {threads}.00 {threads}.00 {threads}/{threads} {PID}\n").into_bytes()
}

/// What uname(2) says, in a line.
pub fn version() -> Vec<u8> {
    format!("Linux version {} unirank {}\n", crate::sys::RELEASE, env!("CARGO_PKG_VERSION")).into_bytes()
}

/// The host's name.
pub fn hostname() -> Vec<u8> {
    [crate::sys::info::hostname(), b"\n"].concat()
}

/// File systems: the root in memory, and the host's directories.
pub fn mounts() -> Vec<u8> {
    let mut text = b"rootfs / rootfs ro 0 0\n".to_vec();
    for mount in &bootconfig::get().mounts {
        let rights = if mount.read_only { "ro" } else { "rw" };
        text.extend_from_slice(mount.tag.as_bytes());
        text.push(b' ');
        text.extend_from_slice(&mount.path);
        text.extend_from_slice(format!(" 9p {rights} 0 0\n").as_bytes());
    }
    text
}

/// The program's memory (glibc finds the main thread's stack by it).
pub fn maps() -> Vec<u8> {
    let mut text = String::new();
    mm::for_each_region(|r| {
        if !r.kind.is_program() {
            return;
        }
        // The list of a program with very many mappings may be cut short when memory is at its end.
        if text.try_reserve(96).is_err() {
            return;
        }
        let right = |bit: mm::regions::Prot, c| if r.prot.allows(bit) { c } else { '-' };
        let name = match r.kind {
            mm::regions::Kind::Stack => "[stack]",
            mm::regions::Kind::Brk => "[heap]",
            _ => "",
        };
        text += &format!(
            "{:08x}-{:08x} {}{}{}p 00000000 00:00 0 {name}\n",
            r.start,
            r.end,
            right(mm::regions::Prot::READ, 'r'),
            right(mm::regions::Prot::WRITE, 'w'),
            right(mm::regions::Prot::EXEC, 'x'),
        );
    });
    text.into_bytes()
}

/// Texts, each ended by a NUL.
fn terminated(texts: &[Vec<u8>]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.iter().copied().chain([0])).collect()
}

/// The arguments, each ended by a NUL.
pub fn cmdline() -> Vec<u8> {
    terminated(&bootconfig::get().args)
}

/// The environment, each variable ended by a NUL.
pub fn environ() -> Vec<u8> {
    terminated(&bootconfig::get().env)
}

/// The program's name without its folder, as far as 15 bytes of it go.
pub fn comm() -> Vec<u8> {
    let name = bootconfig::get().args.first().and_then(|a| a.rsplit(|&b| b == b'/').next()).unwrap_or(b"");
    [&name[..name.len().min(15)], b"\n"].concat()
}

/// Bytes of addresses the program has, and bytes of memory in use.
fn sizes() -> (u64, u64) {
    let mut mapped = 0;
    mm::for_each_region(|r| {
        if r.kind.is_program() {
            mapped += r.end - r.start;
        }
    });
    (mapped, mm::used_bytes())
}

/// The process, for people.
pub fn status() -> Vec<u8> {
    let config = bootconfig::get();
    let (mapped, used) = sizes();
    let (mapped, used) = (mapped >> 10, used >> 10);
    let name = comm();
    let last = cpu::count() - 1;
    format!(
        "Name:\t{name}State:\tR (running)\nTgid:\t{PID}\nPid:\t{PID}\nPPid:\t0\nTracerPid:\t0\nUid:\t{u}\t{u}\t{u}\t{u}\nGid:\t{g}\t{g}\t{g}\t{g}\nVmPeak:\t{mapped:8} kB\nVmSize:\t{mapped:8} kB\nVmLck:\t       0 kB\nVmHWM:\t{used:8} kB\nVmRSS:\t{used:8} kB\nVmSwap:\t       0 kB\nThreads:\t{threads}\nCpus_allowed:\t{mask:x}\nCpus_allowed_list:\t0{last}\nMems_allowed:\t1\nMems_allowed_list:\t0\n",
        name = String::from_utf8_lossy(&name),
        u = config.uid,
        g = config.gid,
        threads = sched::count(),
        mask = u64::MAX >> (63 - last),
        last = if last == 0 { String::new() } else { format!("-{last}") },
    )
    .into_bytes()
}

/// The process, for programs (proc(5)): the fields that are not counted are 0.
pub fn process_stat() -> Vec<u8> {
    let (mapped, used) = sizes();
    let name = comm();
    let mut fields = [0; 49];
    let user = cputime::process_ns() / TICK_NS;
    // Numbered as in proc(5), of which the first three are no numbers.
    for (number, value) in [
        (5, 1),
        (6, 1),
        (14, user),
        (18, 20),
        (20, sched::count() as u64),
        (23, mapped),
        (24, used / mm::PAGE),
    ] {
        fields[number - 4] = value;
    }
    let fields: String = fields.map(|value| format!(" {value}")).concat();
    format!("{PID} ({}) R{fields}\n", String::from_utf8_lossy(name.trim_ascii_end())).into_bytes()
}

/// Pages of addresses and of memory.
pub fn statm() -> Vec<u8> {
    let (mapped, used) = sizes();
    format!("{} {} 0 0 0 {} 0\n", mapped / mm::PAGE, used / mm::PAGE, used / mm::PAGE).into_bytes()
}

/// Absolute path of the program, which was started by `name` in the working directory.
pub fn program_path(config: &BootConfig, name: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") {
        return name.to_vec();
    }
    let mut names = path::split(&config.cwd).map(|s| s.names).unwrap_or_default();
    for part in path::split(name).map(|s| s.names).unwrap_or_default() {
        if part == b".." {
            names.pop();
        } else {
            names.push(part);
        }
    }
    path::join(&names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_paths_become_absolute() {
        let config = BootConfig { cwd: b"/home/u".to_vec(), ..BootConfig::default() };
        for (name, want) in
            [("/bin/x", "/bin/x"), ("./x", "/home/u/x"), ("../v/x", "/home/v/x"), ("x", "/home/u/x")]
        {
            assert_eq!(program_path(&config, name.as_bytes()), want.as_bytes());
        }
    }
}
