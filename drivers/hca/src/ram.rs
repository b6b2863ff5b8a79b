//! Where the RAM of a VM is: guest addresses, and offsets in the memory file behind it.
//!
//! QEMU's microvm leaves the fourth GiB to devices: RAM that does not fit below continues at 4 GiB, the file does not know of
//! the hole (hw/i386/microvm.c, microvm_memory_init). What lies across an edge of the hole, or in it, is no memory.

/// End of the RAM below the hole.
pub const LOW_END: u64 = 3 << 30;
/// Start of the RAM above it.
pub const HIGH_START: u64 = 4 << 30;

/// The offset in the file of `len` bytes at `address`, if all of them are among the `size` bytes of RAM.
#[inline]
pub fn offset(address: u64, len: u64, size: u64) -> Option<u64> {
    if address < LOW_END {
        let end = address.checked_add(len)?;
        return (end <= LOW_END && end <= size).then_some(address);
    }
    let offset = address.checked_sub(HIGH_START)? + LOW_END;
    (offset.checked_add(len)? <= size).then_some(offset)
}

/// The address of `len` bytes at `offset` in the file, if they are adjacent there: the inverse of [`offset`].
#[inline]
pub fn address(offset: u64, len: u64, size: u64) -> Option<u64> {
    let end = offset.checked_add(len).filter(|&end| end <= size)?;
    if end <= LOW_END { Some(offset) } else { offset.checked_sub(LOW_END)?.checked_add(HIGH_START) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 6 << 30;

    #[test]
    fn the_edges_of_the_hole_are_exact() {
        assert_eq!(offset(0, LOW_END, SIZE), Some(0));
        assert_eq!(offset(LOW_END - 8, 8, SIZE), Some(LOW_END - 8));
        assert_eq!(offset(LOW_END - 8, 9, SIZE), None);
        assert_eq!(offset(1, LOW_END, SIZE), None);
        for address in [LOW_END, HIGH_START - 1, HIGH_START - 8] {
            assert_eq!(offset(address, 0, SIZE), None);
            assert_eq!(offset(address, 8, SIZE), None);
        }
        assert_eq!(offset(HIGH_START, SIZE - LOW_END, SIZE), Some(LOW_END));
        assert_eq!(offset(HIGH_START, SIZE - LOW_END + 1, SIZE), None);
        assert_eq!(offset(HIGH_START + SIZE - LOW_END, 1, SIZE), None);
        assert_eq!(offset(LOW_END - 8, HIGH_START, SIZE), None);
    }

    #[test]
    fn little_ram_has_no_high_part() {
        assert_eq!(offset(4096, 4096, 8192), Some(4096));
        assert_eq!(offset(4096, 4097, 8192), None);
        assert_eq!(offset(HIGH_START, 1, 8192), None);
        assert_eq!(offset(HIGH_START, 1, LOW_END), None);
    }

    #[test]
    fn numbers_that_wrap_are_no_memory() {
        for (at, len) in
            [(u64::MAX, 1), (u64::MAX - 3, 8), (8, u64::MAX), (HIGH_START, u64::MAX), (u64::MAX, 0)]
        {
            assert_eq!(offset(at, len, SIZE), None, "{at:#x} {len:#x}");
            assert_eq!(address(at, len, SIZE), None, "{at:#x} {len:#x}");
        }
        assert_eq!(address(u64::MAX - 8, 8, u64::MAX), None);
    }

    #[test]
    fn address_undoes_offset() {
        for at in [0, 77, LOW_END - 16, HIGH_START, HIGH_START + 5, HIGH_START + SIZE - LOW_END - 16] {
            let offset = offset(at, 16, SIZE).unwrap();
            assert_eq!(address(offset, 16, SIZE), Some(at));
        }
        assert_eq!(address(LOW_END - 8, 16, SIZE), None, "the bytes are not adjacent");
        assert_eq!(address(SIZE - 8, 9, SIZE), None);
    }
}
