//! Start and end of the program.

use alloc::vec::Vec;

use crate::bootconfig::{self, BootConfig};
use crate::cell::KernelCell;
use crate::mm::{self, Layout, image::Image};
use crate::{arch, hca_dev, time};

/// Process id the program sees. There is one process per VM; 1 would make it look like an orphan's parent.
pub const PID: usize = 2;

/// The auxiliary vector's tags (System V psABI for x86-64, section 3.4.3; Linux `auxvec.h`).
mod at {
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const PLATFORM: u64 = 15;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const HWCAP2: u64 = 26;
    pub const EXECFN: u64 = 31;
    pub const SYSINFO_EHDR: u64 = 33;
    pub const MINSIGSTKSZ: u64 = 51;
}

/// Ticks per second of `times` and of `/proc`.
pub const CLOCK_TICKS: u64 = 100;

/// How long the end of a rank waits for the runner to have read its counters.
const COUNTING_NS: u64 = 3_000_000_000;

/// Words and bytes of the start stack, laid out from the top down.
struct StartStack {
    strings: Vec<u8>,
    top: u64,
}

impl StartStack {
    /// Adds bytes; their final address.
    fn bytes(&mut self, bytes: &[u8], nul: bool) -> u64 {
        if nul {
            self.strings.push(0);
        }
        self.strings.extend(bytes.iter().rev());
        self.top - self.strings.len() as u64
    }
}

/// The content of the start stack that ends at `top`, and the stack pointer: argc, argv, envp, auxiliary vector, strings.
fn start_stack(
    config: &BootConfig,
    extra_env: &[Vec<u8>],
    top: u64,
    random: [u8; 16],
    auxv: &[(u64, u64)],
) -> (Vec<u8>, u64) {
    let mut stack = StartStack { strings: Vec::new(), top };
    let fallback = [b"app".to_vec()];
    let args = if config.args.is_empty() { &fallback[..] } else { &config.args[..] };
    let name = stack.bytes(&args[0], true);
    let platform = stack.bytes(b"x86_64", true);
    let random = stack.bytes(&random, false);
    let env: Vec<u64> = config.env.iter().chain(extra_env).map(|e| stack.bytes(e, true)).collect();
    let argv: Vec<u64> = args.iter().map(|a| stack.bytes(a, true)).collect();

    let mut words = Vec::from([argv.len() as u64]);
    words.extend(argv);
    words.push(0);
    words.extend(env);
    words.push(0);
    for &(tag, value) in auxv.iter().chain(&[
        (at::PLATFORM, platform),
        (at::RANDOM, random),
        (at::EXECFN, name),
        (at::NULL, 0),
    ]) {
        words.extend([tag, value]);
    }
    let sp = (top - stack.strings.len() as u64 - 8 * words.len() as u64) & !15;
    let mut content: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    content.resize((top - sp) as usize - stack.strings.len(), 0);
    content.extend(stack.strings.iter().rev());
    (content, sp)
}

/// Address and bytes of the program's auxiliary vector.
static AUXV: KernelCell<(u64, u64)> = KernelCell::new((0, 0));

/// Address and bytes of the program's auxiliary vector; zeros before the program starts.
pub fn auxv() -> (u64, u64) {
    *AUXV.borrow()
}

/// More arenas than the C library makes by itself for a few processors: 8 for each.
const PLENTY_OF_ARENAS: u64 = 64;

/// The environment variable that keeps the C library from reserving all RAM for the arenas of threads (see `mm`), unless the
/// user has decided, or RAM is plenty. With an arena refused glibc would map pages for each single block.
fn arena_limit(config: &BootConfig, arenas: u64) -> Vec<Vec<u8>> {
    let decided = ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"].iter().any(|name| config.env_var(name).is_some());
    if decided || arenas >= PLENTY_OF_ARENAS {
        return Vec::new();
    }
    Vec::from([alloc::format!("MALLOC_ARENA_MAX={arenas}").into_bytes()])
}

/// Starts the program; it ends through [`exit`].
pub fn start(config: &BootConfig, layout: &Layout) -> ! {
    let image = Image::own();
    let mut random = [0; 16];
    crate::random::fill(&mut random);
    let (uid, gid) = (u64::from(config.uid), u64::from(config.gid));
    let entry = arch::_start as *const () as u64;
    // SAFETY: a flag the boot code wrote.
    let fsgsbase = unsafe { arch::k_has_fsgsbase };
    let auxv = [
        (at::HWCAP, u64::from(core::arch::x86_64::__cpuid(1).edx)),
        (at::PAGESZ, crate::mm::PAGE),
        (at::CLKTCK, CLOCK_TICKS),
        (at::PHDR, image.headers_address()),
        (at::PHENT, Image::header_size()),
        (at::PHNUM, image.header_count()),
        (at::BASE, 0),
        (at::FLAGS, 0),
        (at::ENTRY, entry),
        (at::UID, uid),
        (at::EUID, uid),
        (at::GID, gid),
        (at::EGID, gid),
        (at::SECURE, 0),
        (at::SYSINFO_EHDR, crate::vdso::address()),
        // Bit 1: the program may use RDFSBASE and its like.
        (at::HWCAP2, u64::from(fsgsbase) << 1),
        (at::MINSIGSTKSZ, crate::signal::frame_bytes() as u64),
    ];
    let extra_env = arena_limit(config, mm::arenas());
    let (content, sp) = start_stack(config, &extra_env, layout.stack.end, random, &auxv);
    if sp < layout.stack.start + 4096 {
        fatal(
            1,
            format_args!(
                "arguments and environment need {} bytes, the stack has {}: choose a larger UNIRANK_STACK",
                content.len(),
                layout.stack.end - layout.stack.start
            ),
        );
    }
    // SAFETY: inside the program's stack, which nobody uses yet.
    unsafe { core::ptr::copy_nonoverlapping(content.as_ptr(), sp as *mut u8, content.len()) };
    drop(content);
    // Behind the strings' addresses, each list of which ends with a zero.
    let words = 3 + config.args.len().max(1) + config.env.len() + extra_env.len();
    *AUXV.borrow() = (sp + 8 * words as u64, 16 * (auxv.len() as u64 + 4));
    if config.strace {
        crate::sys::strace::enable();
    }
    if config.profile_hz > 0 {
        crate::profile::start(config.profile_hz);
    }
    // Lets the timer be armed for what the program's start does not arm it for.
    crate::thread::sched::tick();
    crate::stages::end("start");
    crate::mm::large::prepare_image();
    ctl!("main");
    if config.boot_times {
        crate::stages::tell();
    }
    crate::klock::release();
    // SAFETY: the C library's entry and the start stack it expects.
    unsafe { arch::k_enter_program(entry, sp) }
}

/// Ends the rank with a status: output is flushed, the host told, the VM switched off.
pub fn exit(status: u8) -> ! {
    // The program's output goes before the line that ends the rank, and that before the power does.
    crate::devices::shutdown();
    let recorded = hca_dev::recorded();
    ctl!("exit {status}");
    crate::devices::shutdown();
    if bootconfig::get().stats {
        // The runner now asks QEMU how often this VM left its processor, which it cannot once the VM is gone.
        let give_up = time::now_ns() + COUNTING_NS;
        while hca_dev::recorded() == recorded && time::now_ns() < give_up {
            core::hint::spin_loop();
        }
    }
    crate::gate::shutdown(status)
}

/// Ends the rank because it cannot go on; the host and the user are told why.
pub fn fatal(status: u8, text: core::fmt::Arguments) -> ! {
    ctl!("abort {status} {text}");
    exit(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(content: &[u8], at: usize) -> u64 {
        u64::from_le_bytes(content[at..at + 8].try_into().unwrap())
    }

    #[test]
    fn start_stack_is_as_the_psabi_says() {
        let config = BootConfig {
            args: vec![b"/bin/app".to_vec(), b"".to_vec()],
            env: vec![b"A=1".to_vec()],
            ..BootConfig::default()
        };
        let top = 0x10_0000;
        let (content, sp) = start_stack(&config, &[], top, [7; 16], &[(at::PAGESZ, 4096)]);
        assert_eq!(sp % 16, 0);
        assert_eq!(sp + content.len() as u64, top);
        let string = |address: u64| {
            let at = (address - sp) as usize;
            let end = content[at..].iter().position(|&b| b == 0).unwrap();
            content[at..at + end].to_vec()
        };
        assert_eq!(word(&content, 0), 2);
        assert_eq!(string(word(&content, 8)), b"/bin/app");
        assert_eq!(string(word(&content, 16)), b"");
        assert_eq!(word(&content, 24), 0);
        assert_eq!(string(word(&content, 32)), b"A=1");
        assert_eq!(word(&content, 40), 0);
        assert_eq!((word(&content, 48), word(&content, 56)), (at::PAGESZ, 4096));
        let random = (0..).map(|i| 48 + 16 * i).find(|&i| word(&content, i) == at::RANDOM).unwrap();
        let at = (word(&content, random + 8) - sp) as usize;
        assert_eq!(content[at..at + 16], [7; 16]);
    }

    #[test]
    fn no_arguments_still_give_a_name() {
        let (content, sp) = start_stack(&BootConfig::default(), &[b"B=2".to_vec()], 0x1000, [0; 16], &[]);
        assert_eq!(word(&content, 0), 1);
        let at = (word(&content, 8) - sp) as usize;
        assert_eq!(&content[at..at + 4], b"app\0");
        let at = (word(&content, 24) - sp) as usize;
        assert_eq!(&content[at..at + 4], b"B=2\0");
    }

    #[test]
    fn arenas_are_limited_where_ram_is_scarce_and_nobody_has_decided() {
        let with = |env: &str| BootConfig { env: vec![env.into()], ..BootConfig::default() };
        assert_eq!(arena_limit(&with("A=1"), 3), [b"MALLOC_ARENA_MAX=3".to_vec()]);
        assert!(arena_limit(&with("MALLOC_ARENA_MAX=9"), 3).is_empty());
        assert!(arena_limit(&with("GLIBC_TUNABLES=glibc.malloc.check=1"), 3).is_empty());
        assert!(arena_limit(&with("A=1"), PLENTY_OF_ARENAS).is_empty());
    }
}
