//! The adapter's PCI side: an ivshmem-doorbell device (QEMU, docs/specs/ivshmem-spec), whose server is the host backend.
//!
//! BAR 0 holds registers, of which only the doorbell is used; BAR 1 the MSI-X table; BAR 2 the memory shared with the
//! engine, described in `unirank-hca`.

use crate::bootconfig;
use crate::cell::Once;
use crate::irq::{self, Vector};
use crate::mm;
use crate::pci::{self, Bar, ConfigSpace, Window, ecam, msix};
use alloc::format;
use alloc::string::String;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};
use unirank_hca::region::control::{PREPARED, RECORDED};

const VENDOR: u16 = 0x1af4;
const DEVICE: u16 = 0x1110;
/// Offset of the doorbell register: peer number in the upper half, vector in the lower.
const DOORBELL: usize = 12;
/// The backend is peer 0 and listens to one vector; rank r is peer r + 1, see `host-backend/src/ivshmem.rs`.
const BACKEND: u32 = 0;
/// What the shared memory may measure: from the smallest that holds rings and a doorbell page to a sane most.
const REGION: core::ops::RangeInclusive<u64> = 64 << 10..=64 << 20;

/// The adapter as the kernel found it.
pub struct Hca {
    /// Memory shared with the engine.
    pub region: NonNull<u8>,
    /// Its bytes.
    pub region_len: u64,
    /// Interrupt by which the engine wakes this rank.
    pub vector: Vector,
    /// Wakes the engine: one store, one VM exit.
    pub wake: extern "C" fn(),
    /// Wakes another rank, as long as the launcher gave it a bell: one store, one VM exit.
    pub ring_rank: extern "C" fn(u32),
}

static HCA: Once<Hca> = Once::new();
static DOORBELL_REGISTER: AtomicPtr<u32> = AtomicPtr::new(core::ptr::null_mut());

/// The adapter, once [`init`] found one.
pub fn get() -> Option<&'static Hca> {
    HCA.get()
}

/// Moments the runner has recorded of this rank.
pub fn recorded() -> Option<u32> {
    runners_word(RECORDED)
}

/// Requests for large pages that the runner has answered.
pub fn prepared() -> Option<u32> {
    runners_word(PREPARED)
}

fn runners_word(offset: usize) -> Option<u32> {
    // SAFETY: the region is mapped and holds at least `REGION`'s least; the runner writes this word, nobody else.
    get().map(|hca| unsafe { hca.region.byte_add(offset).cast::<u32>().read_volatile() })
}

/// Finds the adapter and makes it ready. Without one the program runs as a rank of its own; one that is not as it
/// should be is left alone, with a notice.
pub fn init() {
    let Some(mut function) = ecam::find(VENDOR, DEVICE) else { return };
    match set_up(&mut function) {
        Ok(hca) => drop(HCA.set(hca)),
        Err(text) => note!("the adapter (ivshmem-doorbell) cannot be used: {text}"),
    }
}

/// The three ranges of the device, checked.
struct Ranges {
    registers: Bar,
    messages: Bar,
    memory: Bar,
    table: msix::Table,
}

fn inspect(config: &mut impl ConfigSpace) -> Result<Ranges, String> {
    let table = msix::table(config).ok_or("it has no MSI-X; ivshmem-plain cannot wake a rank")?;
    let mut found = [None; 6];
    for bar in pci::bar::memory_bars(config) {
        found[usize::from(bar.index)] = Some(bar);
    }
    let [Some(registers), Some(messages), Some(memory), ..] = found else {
        return Err(format!("it lacks a memory range: {found:?}"));
    };
    if registers.size < DOORBELL as u64 + 4 {
        return Err(format!("BAR 0 has {} bytes", registers.size));
    }
    if table.bar != 1 || u64::from(table.offset) + msix::ENTRY > messages.size {
        return Err(format!("its MSI-X table ({table:?}) is not in BAR 1 of {} bytes", messages.size));
    }
    if !REGION.contains(&memory.size) {
        return Err(format!(
            "BAR 2 has {} bytes, wanted {} to {}",
            memory.size,
            REGION.start(),
            REGION.end()
        ));
    }
    Ok(Ranges { registers, messages, memory, table })
}

fn set_up(config: &mut impl ConfigSpace) -> Result<Hca, String> {
    let ranges = inspect(config)?;
    let mut window = Window::below_4g();
    let mut place = |bar: Bar| {
        let address = window.place(config, bar).ok_or_else(|| format!("no room for BAR {}", bar.index))?;
        Ok::<_, String>(mm::map_device(address, bar.size.max(4096)))
    };
    let registers = place(ranges.registers)?;
    let messages = place(ranges.messages)?;
    let region = place(ranges.memory)?;
    pci::enable(config);

    let vector = irq::allocate();
    let (address, data) = irq::msi_message(vector);
    // SAFETY: `inspect` checked that entry 0 lies in BAR 1, which is mapped and enabled.
    unsafe {
        let entry = messages.byte_add(ranges.table.offset as usize).cast::<u32>();
        entry.write_volatile(address as u32);
        entry.add(1).write_volatile((address >> 32) as u32);
        entry.add(2).write_volatile(data);
        entry.add(3).write_volatile(0); // not masked
    }
    msix::enable(config, ranges.table);
    // SAFETY: `inspect` checked that BAR 0 reaches beyond the doorbell.
    let doorbell = unsafe { registers.byte_add(DOORBELL).cast::<u32>() };
    DOORBELL_REGISTER.store(doorbell.as_ptr(), Ordering::Release);
    Ok(Hca { region, region_len: ranges.memory.size, vector, wake, ring_rank })
}

extern "C" fn wake() {
    ring(BACKEND);
}

extern "C" fn ring_rank(rank: u32) {
    if rank < bootconfig::get().bells {
        ring(rank + 1);
    }
}

/// Interrupts a peer, vector 0.
fn ring(peer: u32) {
    let register = DOORBELL_REGISTER.load(Ordering::Acquire);
    if !register.is_null() {
        // SAFETY: the register was mapped by `set_up` and stays so.
        unsafe { register.write_volatile(peer << 16) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pci::fake::Fake;

    #[test]
    fn accepts_the_device_as_qemu_has_it() {
        let ranges = inspect(&mut Fake::ivshmem()).unwrap();
        assert_eq!(ranges.memory.size, 1 << 20);
        assert_eq!(ranges.table.bar, 1);
    }

    #[test]
    fn refuses_odd_devices_by_name_of_what_is_odd() {
        let refusal = |change: fn(&mut Fake)| {
            let mut f = Fake::ivshmem();
            change(&mut f);
            inspect(&mut f).err().unwrap()
        };
        assert!(refusal(|f| f.words[1] = 0).contains("MSI-X"));
        assert!(refusal(|f| f.words[0x44 / 4] = 2).contains("BAR 1"));
        assert!(refusal(|f| f.words[0x44 / 4] = 0x1001).contains("BAR 1"));
        assert!(refusal(|f| f.bar_masks[2] = !0xfff).contains("BAR 2 has 4096"));
        assert!(refusal(|f| f.bar_masks[0] = 0).contains("lacks"));
    }
}
