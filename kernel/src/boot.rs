//! From the first instruction at ring 3 to the program.

use alloc::string::String;
use alloc::vec::Vec;

use crate::bootconfig::{self, BootConfig};
use crate::pvh::{Extent, StartInfo};
use crate::{devices, gate, hca_dev, lapic, mm, process, random, smp, stages, thread, time};

/// Version of the image format, in the image's note.
pub const IMAGE_FORMAT: u32 = 1;
/// Version of the protocol between guest and host, in the image's note and in `hello`.
pub const PROTOCOL: u32 = 2;

/// Longest PVH command line that is read.
const CMDLINE_MAX: usize = 2048;
/// Ends a VM that cannot even speak.
const SILENT_FAILURE: u8 = 1;

/// What only exists until the pool takes the low memory over.
struct Handover {
    info: StartInfo,
    cmdline: [u8; CMDLINE_MAX],
    cmdline_len: usize,
}

/// Reads what the firmware left behind.
fn read_handover(pvh_info: u64) -> Option<Handover> {
    // SAFETY: the boot tables map the low 4 GiB, where the boot protocol puts its structures.
    let read = |address: u64| unsafe { (address as *const u64).read_unaligned() };
    let info = StartInfo::read(pvh_info, read)?;
    let mut cmdline = [0; CMDLINE_MAX];
    let mut len = 0;
    while info.cmdline != 0 && len < CMDLINE_MAX {
        // SAFETY: as above; the string ends with a NUL.
        let byte = unsafe { ((info.cmdline + len as u64) as *const u8).read() };
        if byte == 0 {
            break;
        }
        cmdline[len] = byte;
        len += 1;
    }
    Some(Handover { info, cmdline, cmdline_len: len })
}

/// The boot configuration, or why there is none.
fn read_config(module: Option<Extent>, args: &[u8]) -> Result<BootConfig, String> {
    let Some(module) = module else { return Ok(BootConfig::from_cmdline(args)) };
    // SAFETY: the launcher's module, mapped by the boot tables, not changed by anyone.
    let bytes = unsafe {
        core::slice::from_raw_parts(module.start as *const u8, (module.end - module.start) as usize)
    };
    BootConfig::parse(bytes)
}

/// Takes a flag of the kernel's own out of the command line.
fn take_flag(cmdline: &[u8], flag: &[u8]) -> (bool, Vec<u8>) {
    let words = || cmdline.split(|&b| b == b' ').filter(|w| !w.is_empty());
    let rest: Vec<&[u8]> = words().filter(|&w| w != flag).collect();
    (words().any(|w| w == flag), rest.join(&b' '))
}

/// A size like `64M`.
fn parse_size(text: &[u8]) -> Option<u64> {
    let (digits, shift) = match text.last()?.to_ascii_uppercase() {
        b'K' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    core::str::from_utf8(digits).ok()?.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Called by `arch/boot.s` at ring 3, with the boot page tables.
#[unsafe(no_mangle)]
extern "C" fn k_boot_main(pvh_info: u64) -> ! {
    let origin = time::tsc();
    let Some(handover) = read_handover(pvh_info) else { gate::shutdown(SILENT_FAILURE) };
    let info = handover.info;
    stages::begin(info.firmware_tsc, origin);
    mm::start_pool(&info);
    let (debugcon, args) = take_flag(&handover.cmdline[..handover.cmdline_len], b"debugcon");
    if debugcon {
        crate::log::enable_debugcon();
    }
    let too_large = mm::layout_error(&info);
    let config = read_config(info.module, &args);
    let (config, config_error) = match config {
        Ok(config) => (config, None),
        Err(text) => (BootConfig::default(), Some(text)),
    };
    let config = bootconfig::set(config);
    let (stack, bad_stack) = match config.env_var("UNIRANK_STACK") {
        None => (None, None),
        Some(text) => (parse_size(text), parse_size(text).is_none().then_some(text)),
    };
    stages::end("configuration");
    let layout = mm::init(&info, stack, info.module).ok();
    stages::end("memory");
    lapic::enable();
    time::start(origin, config.tsc_hz, config.realtime_ns);
    lapic::start_timer(time::tsc_hz());
    random::seed(config.seed);
    stages::end("timer");
    let damaged = devices::init().err();
    ctl!("hello {PROTOCOL} {}", env!("CARGO_PKG_VERSION"));
    if let Some(text) = too_large.or(config_error).or(damaged) {
        process::fatal(1, format_args!("{text}"));
    }
    let Some(layout) = layout else {
        process::fatal(1, format_args!("not enough memory to start (choose more with --mem)"));
    };
    if let Some(text) = bad_stack {
        note!(
            "UNIRANK_STACK={} is not a size such as 64M; the default is used",
            String::from_utf8_lossy(text)
        );
    }
    thread::start_main(layout.kernel_stack);
    smp::start(config.cpus.into());
    crate::vdso::set_cpus(crate::cpu::count() as u32);
    crate::vm::init();
    debug!("boot: {} us, layout {layout:x?}, hca {}", time::now_ns() / 1000, hca_dev::get().is_some());
    process::start(config, &layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size(b"64M"), Some(64 << 20));
        assert_eq!(parse_size(b"1g"), Some(1 << 30));
        assert_eq!(parse_size(b"8192"), Some(8192));
        assert_eq!(parse_size(b"M"), None);
        assert_eq!(parse_size(b""), None);
        assert_eq!(parse_size(b"99999999999G"), None);
    }

    #[test]
    fn the_debug_flag_is_no_argument() {
        assert_eq!(take_flag(b"app debugcon -v", b"debugcon"), (true, b"app -v".to_vec()));
        assert_eq!(take_flag(b"app -v", b"debugcon"), (false, b"app -v".to_vec()));
    }
}
