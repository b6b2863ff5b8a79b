//! Message-signalled interrupts, extended (PCI Local Bus Specification 3.0, 6.8.2).

use super::{ConfigSpace, capability};

const ID: u8 = 0x11;
const ENABLE: u32 = 1 << 31;
const MASK_ALL: u32 = 1 << 30;
/// Bytes of a table entry.
pub const ENTRY: u64 = 16;

/// Where a function keeps its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    capability: u16,
    /// Base address register whose range holds the table.
    pub bar: u8,
    /// Offset in that range.
    pub offset: u32,
    /// Number of entries.
    pub entries: u32,
}

/// Reads where the table is; `None` without the capability.
pub fn table(config: &impl ConfigSpace) -> Option<Table> {
    let capability = capability(config, ID)?;
    let entries = (config.read(capability) >> 16 & 0x7ff) + 1;
    let place = config.read(capability + 4);
    Some(Table { capability, bar: (place & 7) as u8, offset: place & !7, entries })
}

/// Switches message-signalled interrupts on, unmasked as a whole.
pub fn enable(config: &mut impl ConfigSpace, table: Table) {
    let control = config.read(table.capability);
    config.write(table.capability, control & !MASK_ALL | ENABLE);
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn reads_the_table_and_enables() {
        let mut f = Fake::ivshmem();
        let t = table(&f).unwrap();
        assert_eq!((t.bar, t.offset, t.entries), (1, 0, 1));
        enable(&mut f, t);
        assert_eq!(f.words[0x40 / 4] >> 30, 0b10);
    }
}
