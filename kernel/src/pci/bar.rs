//! Base address registers: how large a function's memory ranges are, and where they are put.

use super::ConfigSpace;
use alloc::format;
use alloc::string::String;

/// A memory range that a function asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Number of its (first) register, 0 to 5.
    pub index: u8,
    /// Bytes; a power of two.
    pub size: u64,
    /// Takes two registers and may lie above 4 GiB.
    pub wide: bool,
}

const FIRST: u16 = 0x10;
const REGISTERS: u8 = 6;

fn offset(index: u8) -> u16 {
    FIRST + 4 * u16::from(index)
}

/// The memory ranges of a function whose memory decoding is off, found by writing ones.
pub fn memory_bars(config: &mut impl ConfigSpace) -> impl Iterator<Item = Bar> {
    let mut bars = [None; REGISTERS as usize];
    let mut index = 0;
    while index < REGISTERS {
        let low = probe(config, index);
        let wide = low & 0x7 == 0x4 && index + 1 < REGISTERS;
        if low != 0 && low & 1 == 0 {
            let high = if wide { probe(config, index + 1) } else { u32::MAX };
            let size = (u64::from(high) << 32 | u64::from(low & !0xf)).wrapping_neg();
            if size.is_power_of_two() {
                bars[usize::from(index)] = Some(Bar { index, size, wide });
            }
        }
        index += if wide { 2 } else { 1 };
    }
    bars.into_iter().flatten()
}

/// The 64-bit memory range at a register that nobody has set since the machine was started and whose function's memory
/// decoding is off. As [`memory_bars`] finds it, with half the exits: the register needs no restoring.
pub fn untouched(config: &mut impl ConfigSpace, index: u8) -> Option<Bar> {
    let mut ones = |index| {
        config.write(offset(index), u32::MAX);
        config.read(offset(index))
    };
    let low = ones(index);
    if low & 0x7 != 0x4 {
        return None;
    }
    let size = (u64::from(ones(index + 1)) << 32 | u64::from(low & !0xf)).wrapping_neg();
    size.is_power_of_two().then_some(Bar { index, size, wide: true })
}

/// What a register reads after ones were written.
fn probe(config: &mut impl ConfigSpace, index: u8) -> u32 {
    let before = config.read(offset(index));
    config.write(offset(index), u32::MAX);
    let after = config.read(offset(index));
    config.write(offset(index), before);
    after
}

/// Address space that is given out from its low end.
#[derive(Debug)]
pub struct Window {
    next: u64,
    end: u64,
}

impl Window {
    /// What microvm gives to PCI below 4 GiB.
    pub const fn below_4g() -> Self {
        Self { next: 0xc000_0000, end: 0xe000_0000 }
    }

    /// What microvm gives to PCI above 4 GiB: the top quarter of the physical address space (QEMU, hw/i386/microvm.c,
    /// microvm_devices_init). Addresses are mapped one to one, so it has to lie in the lower canonical half. The error
    /// is a part of a sentence.
    pub fn above_4g(address_bits: u32, ram_end: u64) -> Result<Self, String> {
        if !(33..48).contains(&address_bits) {
            return Err(format!(
                "the processor has {address_bits} physical address bits, 64-bit PCI ranges need 33 to 47"
            ));
        }
        let end = 1u64 << address_bits;
        let next = end / 4 * 3;
        if ram_end > next {
            return Err(format!("RAM reaches into the 64-bit PCI ranges at {next:#x}"));
        }
        Ok(Self { next, end })
    }

    /// Gives a range its place; returns the address, or `None` when the window is full.
    pub fn place(&mut self, config: &mut impl ConfigSpace, bar: Bar) -> Option<u64> {
        // A page at least, so that no two ranges share one.
        let size = bar.size.max(4096);
        let address = self.next.checked_next_multiple_of(size)?;
        let end = address.checked_add(size).filter(|&end| end <= self.end)?;
        self.next = end;
        config.write(offset(bar.index), address as u32);
        if bar.wide {
            config.write(offset(bar.index + 1), (address >> 32) as u32);
        }
        Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn sizes_and_places_ivshmem() {
        let mut f = Fake::ivshmem();
        let bars: Vec<Bar> = memory_bars(&mut f).collect();
        let want = [(0, 256, false), (1, 4096, false), (2, 1 << 20, true)];
        assert_eq!(bars, want.map(|(index, size, wide)| Bar { index, size, wide }));
        let mut window = Window::below_4g();
        let places: Vec<_> = bars.iter().map(|&b| window.place(&mut f, b)).collect();
        assert_eq!(places, [Some(0xc000_0000), Some(0xc000_1000), Some(0xc010_0000)]);
        assert_eq!((f.words[6], f.words[7]), (0xc010_000c, 0));
    }

    #[test]
    fn a_range_too_large_for_the_window_is_refused() {
        let mut f = Fake::ivshmem();
        let mut window = Window::below_4g();
        let huge = Bar { index: 2, size: 1 << 40, wide: true };
        assert_eq!(window.place(&mut f, huge), None);
        assert_eq!(window.place(&mut f, Bar { index: 2, size: 1 << 63, wide: true }), None);
        assert!(window.place(&mut f, Bar { index: 2, size: 1 << 29, wide: true }).is_some());
        assert_eq!(window.place(&mut f, Bar { index: 0, size: 256, wide: false }), None);
    }

    #[test]
    fn wide_ranges_go_to_the_top_quarter() {
        let mut f = Fake::ivshmem();
        let bar = untouched(&mut f, 2).unwrap();
        assert_eq!(bar, Bar { index: 2, size: 1 << 20, wide: true });
        let mut window = Window::above_4g(40, 3 << 30).unwrap();
        assert_eq!(window.place(&mut f, bar), Some(0xc0_0000_0000));
        assert_eq!((f.words[6], f.words[7]), (0xc, 0xc0));
        let huge = Bar { size: 1 << 37, ..bar };
        assert_eq!(window.place(&mut f, huge), Some(0xe0_0000_0000));
        assert_eq!(window.place(&mut f, bar), None);
        for (bits, ram_end) in [(32, 0), (48, 0), (52, 0), (36, 60 << 30)] {
            assert!(Window::above_4g(bits, ram_end).is_err());
        }
    }

    #[test]
    fn narrow_ranges_and_ports_are_not_wide() {
        assert_eq!(untouched(&mut Fake::ivshmem(), 0), None);
        assert_eq!(untouched(&mut Fake::ivshmem(), 4), None);
    }

    #[test]
    fn ports_and_absent_registers_are_no_memory() {
        let mut f = Fake::ivshmem();
        f.bar_masks = [0; 6];
        f.words[4..10].fill(0);
        assert_eq!(memory_bars(&mut f).count(), 0);
    }
}
