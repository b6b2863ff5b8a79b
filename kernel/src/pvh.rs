//! The start information of the PVH boot protocol (Xen, `public/arch-x86/hvm/start_info.h`).

/// One stretch of RAM.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Extent {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
}

/// At most this many stretches of RAM are used; QEMU gives two or three.
pub const MAX_EXTENTS: usize = 16;

/// What the boot protocol told.
#[derive(Clone, Copy, Debug)]
pub struct StartInfo {
    /// RAM, ascending, page aligned.
    pub ram: [Extent; MAX_EXTENTS],
    /// How many entries of `ram` are in use.
    pub extents: usize,
    /// The first module (`-initrd`): the boot configuration.
    pub module: Option<Extent>,
    /// Physical address of the command line; 0 if there is none.
    pub cmdline: u64,
    /// The reserved word, 0 but for the launcher's firmware: the low half of the time stamp counter at its first
    /// instruction.
    pub firmware_tsc: u32,
}

const MAGIC: u32 = 0x336e_c578;
const RAM: u32 = 1;

impl StartInfo {
    /// Reads the start information through `read`, which gives 8 bytes at a physical address.
    /// None if the magic number is wrong or the protocol has no memory map.
    pub fn read(address: u64, read: impl Fn(u64) -> u64) -> Option<Self> {
        let word = |offset: u64| (read(address + (offset & !7)) >> (8 * (offset & 4))) as u32;
        if word(0) != MAGIC || word(4) < 1 {
            return None;
        }
        let mut info = Self {
            ram: [Extent::default(); MAX_EXTENTS],
            extents: 0,
            module: None,
            cmdline: read(address + 24),
            firmware_tsc: word(52),
        };
        if word(12) > 0 {
            let entry = read(address + 16);
            let (start, len) = (read(entry), read(entry + 8));
            info.module = Some(Extent { start, end: start.checked_add(len)? });
        }
        let (map, entries) = (read(address + 40), u64::from(word(48)));
        if map == 0 {
            return None;
        }
        for i in 0..entries.min(256) {
            let entry = map + 24 * i;
            let (start, len, kind) = (read(entry), read(entry + 8), read(entry + 16) as u32);
            if kind == RAM {
                info.add(start, start.saturating_add(len));
            }
        }
        (info.extents > 0).then_some(info)
    }

    /// Adds RAM, keeping the order and joining neighbours.
    fn add(&mut self, start: u64, end: u64) {
        let (start, end) = (start.next_multiple_of(4096), end & !4095);
        if start >= end {
            return;
        }
        let last = self.extents.checked_sub(1).map(|i| &mut self.ram[i]);
        if let Some(last) = last.filter(|last| last.end == start) {
            last.end = end;
            return;
        }
        if self.extents < MAX_EXTENTS {
            let at = self.ram[..self.extents].partition_point(|e| e.start < start);
            self.ram.copy_within(at..self.extents, at + 1);
            self.ram[at] = Extent { start, end };
            self.extents += 1;
        }
    }

    /// The stretches of RAM.
    pub fn ram(&self) -> &[Extent] {
        &self.ram[..self.extents]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(words: &[(u64, u64)]) -> impl Fn(u64) -> u64 {
        move |address| words.iter().find(|w| w.0 == address).map_or(0, |w| w.1)
    }

    #[test]
    fn reads_module_and_memory_map() {
        let info = StartInfo::read(
            0x1000,
            memory(&[
                (0x1000, 1 << 32 | u64::from(MAGIC)),
                (0x1008, 1 << 32),
                (0x1010, 0x2000),
                (0x1018, 0x3000),
                (0x1028, 0x4000),
                (0x1030, 4),
                (0x2000, 0x1f_f000),
                (0x2008, 0x123),
                (0x4000, 0),
                (0x4008, 0x9_fc00),
                (0x4010, 1),
                (0x4018, 0x9_fc00),
                (0x4020, 0x400),
                (0x4028, 2),
                (0x4030, 0x10_0000),
                (0x4038, 0x10_0000),
                (0x4040, 1),
                (0x4048, 0x20_0000),
                (0x4050, 0x10_0800),
                (0x4058, 1),
            ]),
        )
        .expect("valid");
        assert_eq!(info.module, Some(Extent { start: 0x1f_f000, end: 0x1f_f123 }));
        assert_eq!(info.cmdline, 0x3000);
        assert_eq!(
            info.ram(),
            [Extent { start: 0, end: 0x9_f000 }, Extent { start: 0x10_0000, end: 0x30_0000 }]
        );
    }

    #[test]
    fn refuses_what_is_not_a_start_info() {
        assert!(StartInfo::read(0x1000, memory(&[])).is_none());
        assert!(StartInfo::read(0x1000, memory(&[(0x1000, 1 << 32 | u64::from(MAGIC))])).is_none());
    }

    #[test]
    fn map_out_of_order_is_sorted() {
        let mut info = StartInfo {
            ram: [Extent::default(); MAX_EXTENTS],
            extents: 0,
            module: None,
            cmdline: 0,
            firmware_tsc: 0,
        };
        info.add(0x10_0000, 0x20_0000);
        info.add(0, 0x8_0000);
        info.add(0x30_0000, 0x30_0fff);
        assert_eq!(
            info.ram(),
            [Extent { start: 0, end: 0x8_0000 }, Extent { start: 0x10_0000, end: 0x20_0000 }]
        );
    }
}
