//! Memory shared with the other ranks of the job on this host: the job region, and windows on the others' RAM. Each is an
//! ivshmem-plain device (QEMU, docs/specs/ivshmem-spec): BAR 2 is the memory, its registers in BAR 0 are not used.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr::NonNull;

use unirank_hca::vm::VmWindow;

use crate::bootconfig::{BootConfig, JobRegion};
use crate::cell::Once;
use crate::mm;
use crate::mm::regions::Prot;
use crate::pci::{self, Bar, ConfigSpace, ID, Window, bar, ecam};

/// Vendor and device of ivshmem.
const IVSHMEM: u32 = 0x1110_1af4;
/// BAR with the memory.
const MEMORY: u8 = 2;

/// What the ranks share, as far as it could be mapped.
#[derive(Default)]
pub struct Shared {
    /// The job region and its length.
    pub region: Option<(NonNull<u8>, u64)>,
    /// Windows by rank; those of ranks beyond the last one with a window are left out.
    pub windows: Vec<VmWindow>,
}

static SHARED: Once<Shared> = Once::new();

/// What the ranks share, once [`init`] has looked.
pub fn get() -> Option<&'static Shared> {
    SHARED.get()
}

/// What a device is for.
#[derive(Clone, Copy)]
enum Purpose {
    JobRegion,
    Window { rank: u16, len: u64, read_only: bool },
}

/// A device that the boot configuration promises.
#[derive(Clone, Copy)]
struct Promise {
    devfn: u8,
    size: u64,
    purpose: Purpose,
}

/// The promised devices, largest first: powers of two then leave no gaps.
fn promises(config: &BootConfig) -> Vec<Promise> {
    let region = config.job_region.map(|JobRegion { devfn, len }| Promise {
        devfn,
        size: len,
        purpose: Purpose::JobRegion,
    });
    let windows = config.windows.iter().map(|w| Promise {
        devfn: w.devfn,
        size: w.len.checked_next_power_of_two().unwrap_or(u64::MAX),
        purpose: Purpose::Window { rank: w.rank, len: w.len, read_only: w.read_only },
    });
    let mut promises: Vec<Promise> = region.into_iter().chain(windows).collect();
    promises.sort_by_key(|promise| core::cmp::Reverse(promise.size));
    promises
}

/// Maps what the boot configuration promises. A device that is not as promised is left alone, with a notice.
pub fn init(config: &BootConfig) {
    let promises = promises(config);
    if promises.is_empty() {
        return;
    }
    let bits = if config.address_bits == 0 { own_address_bits() } else { config.address_bits };
    let window = Window::above_4g(bits, mm::ram().high_end);
    let mut shared = Shared::default();
    let last = config.windows.iter().map(|window| usize::from(window.rank)).max();
    shared.windows.resize(last.map_or(0, |last| last + 1), VmWindow::NONE);
    let mut failures = Vec::new();
    match window {
        Ok(mut window) => {
            for promise in promises {
                if let Err(text) = set_up(promise, &mut window, &mut shared) {
                    failures.push(text);
                }
            }
        }
        Err(text) => failures.push(text),
    }
    // One cause usually fails all of them.
    if let Some(text) = failures.first() {
        note!("{} of the memory shared with other ranks cannot be used: {text}", failures.len());
    }
    SHARED.set(shared);
}

fn set_up(promise: Promise, window: &mut Window, shared: &mut Shared) -> Result<(), String> {
    let Promise { devfn, size, purpose } = promise;
    let name = || format!("PCI device {:02x}.{}", devfn >> 3, devfn & 7);
    let mut config = ecam::function(devfn);
    let bar = inspect(&mut config, size).map_err(|text| format!("{}: {text}", name()))?;
    let address = window.place(&mut config, bar).ok_or_else(|| format!("{}: no room for it", name()))?;
    let prot = match purpose {
        Purpose::Window { read_only: true, .. } => Prot::READ,
        _ => Prot::RW,
    };
    pci::enable_memory(&mut config);
    let base = mm::map_memory(address, size, prot)
        .map_err(|_| format!("{}: no memory for the page tables of {size} bytes", name()))?;
    match purpose {
        Purpose::JobRegion => shared.region = Some((base, size)),
        Purpose::Window { rank, len, read_only } => {
            let flags = VmWindow::PRESENT | if read_only { 0 } else { VmWindow::WRITABLE };
            shared.windows[usize::from(rank)] = VmWindow { base: base.as_ptr(), len, flags, pad: 0 };
        }
    }
    Ok(())
}

/// The memory range of a device that was not touched before, if it is as promised.
fn inspect(config: &mut impl ConfigSpace, size: u64) -> Result<Bar, String> {
    let id = config.read(ID);
    if id != IVSHMEM {
        return Err(format!("its identity is {id:08x}, wanted ivshmem's {IVSHMEM:08x}"));
    }
    let found = bar::untouched(config, MEMORY);
    match found {
        Some(bar) if bar.wide && bar.size == size && size >= mm::PAGE => Ok(bar),
        Some(bar) if bar.wide => Err(format!("its memory has {} bytes, the launcher said {size}", bar.size)),
        _ => Err(String::from("it has no 64-bit memory range")),
    }
}

/// Bits of a physical address (CPUID 0x80000008).
fn own_address_bits() -> u32 {
    crate::cpu::leaf(0x8000_0008, 0).map_or(36, |[eax, ..]| eax & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pci::fake::Fake;

    #[test]
    fn accepts_what_was_promised_and_names_what_was_not() {
        assert!(inspect(&mut Fake::ivshmem(), 1 << 20).is_ok());
        let refusal = |change: fn(&mut Fake), size| {
            let mut f = Fake::ivshmem();
            change(&mut f);
            inspect(&mut f, size).err().unwrap()
        };
        assert!(refusal(|_| (), 1 << 21).contains("1048576 bytes, the launcher said 2097152"));
        assert!(refusal(|f| f.words[0] = !0, 1 << 20).contains("ffffffff"));
        assert!(refusal(|f| f.words[6] = 0, 1 << 20).contains("64-bit"));
        assert!(refusal(|f| f.bar_masks[2] = 0, 1 << 20).contains("bytes"));
    }

    #[test]
    fn the_largest_comes_first() {
        let text = b"version=1\0window=3:24:4096:rw\0window=9:25:5000:ro\0ivc=16:1048576\0";
        let config = BootConfig::parse(text).unwrap();
        let sizes: Vec<u64> = promises(&config).iter().map(|p| p.size).collect();
        assert_eq!(sizes, [1 << 20, 8192, 4096]);
    }
}
