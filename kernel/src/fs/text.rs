//! Texts of /proc and /sys, made when they are opened.

use super::path;
use crate::bootconfig::{self, BootConfig};
use crate::mm;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::arch::x86_64::__cpuid;

/// "0": the only processor, or a setting that is off.
pub fn zero() -> Vec<u8> {
    b"0\n".to_vec()
}

/// Kernel release, as uname(2) has it.
pub fn osrelease() -> Vec<u8> {
    format!("{}\n", crate::sys::RELEASE).into_bytes()
}

/// The processor: only the lines that programs look for.
pub fn cpuinfo() -> Vec<u8> {
    let bytes = |words: [u32; 3]| words.map(u32::to_le_bytes).concat();
    let id = __cpuid(0);
    let vendor = bytes([id.ebx, id.edx, id.ecx]);
    let version = __cpuid(1).eax;
    let (family, model) = (version >> 8 & 0xf, version >> 4 & 0xf | version >> 12 & 0xf0);
    let family = if family == 15 { family + (version >> 20 & 0xff) } else { family };
    let brand: Vec<u8> = (0x8000_0002..=0x8000_0004u32)
        .flat_map(|leaf| {
            let r = __cpuid(leaf);
            [r.eax, r.ebx, r.ecx, r.edx].map(u32::to_le_bytes).concat()
        })
        .take_while(|&b| b != 0)
        .collect();
    format!(
        "processor\t: 0\nvendor_id\t: {}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {}\ncpu MHz\t\t: {:.3}\nsiblings\t: 1\ncpu cores\t: 1\n\n",
        String::from_utf8_lossy(&vendor),
        String::from_utf8_lossy(&brand).trim(),
        crate::time::tsc_hz() as f64 / 1e6,
    )
    .into_bytes()
}

/// Memory, in KiB.
pub fn meminfo() -> Vec<u8> {
    let (total, free) = (mm::ram().total() >> 10, mm::free_bytes() >> 10);
    format!(
        "MemTotal:       {total:8} kB\nMemFree:        {free:8} kB\nMemAvailable:   {free:8} kB\nBuffers:               0 kB\nCached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
    )
    .into_bytes()
}

/// Processor time is not counted; the lines are there to be counted.
pub fn stat() -> Vec<u8> {
    b"cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n".to_vec()
}

/// The program's memory (glibc finds the main thread's stack by it).
pub fn maps() -> Vec<u8> {
    let mut text = String::new();
    mm::for_each_region(|r| {
        if !r.kind.is_program() {
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

/// The arguments, each ended by a NUL.
pub fn cmdline() -> Vec<u8> {
    bootconfig::get().args.iter().flat_map(|a| a.iter().copied().chain([0])).collect()
}

/// The process.
pub fn status() -> Vec<u8> {
    let config = bootconfig::get();
    let name = config.args.first().and_then(|a| a.rsplit(|&b| b == b'/').next()).unwrap_or(b"");
    let used = mm::ram().total().saturating_sub(mm::free_bytes()) >> 10;
    format!(
        "Name:\t{}\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nUid:\t{u}\t{u}\t{u}\t{u}\nGid:\t{g}\t{g}\t{g}\t{g}\nVmPeak:\t{used:8} kB\nVmSize:\t{used:8} kB\nVmHWM:\t{used:8} kB\nVmRSS:\t{used:8} kB\nThreads:\t1\nCpus_allowed_list:\t0\n",
        String::from_utf8_lossy(name),
        u = config.uid,
        g = config.gid,
    )
    .into_bytes()
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

    #[test]
    fn cpuinfo_names_one_processor() {
        let text = String::from_utf8(cpuinfo()).unwrap();
        assert_eq!(text.matches("processor\t:").count(), 1);
        assert!(text.contains("vendor_id\t: ") && text.ends_with("\n\n"));
    }
}
