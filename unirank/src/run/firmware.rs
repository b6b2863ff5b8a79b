//! The firmware of a rank's VM: from the reset vector to the image's PVH entry, a dozen instructions.
//!
//! QEMU's own firmware for microvm (SeaBIOS) looks for consoles, disks and option ROMs, one of which then collects the
//! start information for `-kernel`. Here the launcher knows all of that. Where ring 0 is emulated instruction by
//! instruction SeaBIOS takes 28 ms of every start, and 5 ms elsewhere.
//!
//! The processor starts in real mode at 0xfffffff0, 16 bytes before the end of the ROM (Intel SDM volume 3, 11.1.4). The
//! entry state is that of the PVH protocol (Xen, `docs/misc/pvh.pandoc`): 32-bit protected mode with flat segments, no
//! paging, `ebx` the address of the start information.

/// QEMU wants a ROM of whole 64 KiB.
const ROM_BYTES: usize = 64 << 10;
/// All the code and its descriptors lie at the ROM's end.
const CODE_BYTES: usize = 256;
/// Where the code is in real mode, whose first code segment is the last 64 KiB below 4 GiB.
const CODE: u16 = (ROM_BYTES - CODE_BYTES) as u16;
/// The same place in protected mode.
const CODE_LINEAR: u32 = CODE_BYTES.wrapping_neg() as u32;

// Offsets in the code.
const GDT: usize = 0x40;
const GDT_POINTER: usize = 0x60;
const PROTECTED: usize = 0x80;
const RESET: usize = 0xf0;

/// Selectors of the flat segments.
const FLAT_CODE: u16 = 0x08;
const FLAT_DATA: u8 = 0x10;

/// A ROM that enters `entry` with `start_info`.
pub fn rom(entry: u32, start_info: u32) -> Vec<u8> {
    let mut code = [0u8; CODE_BYTES];
    place(
        &mut code,
        0,
        &[
            &[0xfa], // cli
            &[0x2e, 0x66, 0x0f, 0x01, 0x16],
            &(CODE + GDT_POINTER as u16).to_le_bytes(), // lgdtl %cs:pointer
            &[0x0f, 0x20, 0xc0],                        // movl %cr0, %eax
            &[0x0c, 0x01],                              // orb $1, %al
            &[0x0f, 0x22, 0xc0],                        // movl %eax, %cr0
            &[0x66, 0xea],
            &(CODE_LINEAR + PROTECTED as u32).to_le_bytes(),
            &FLAT_CODE.to_le_bytes(), // ljmpl
        ],
    );
    place(
        &mut code,
        GDT,
        &[
            &0u64.to_le_bytes(),
            &0x00cf_9b00_0000_ffffu64.to_le_bytes(), // code: 0 to 4 GiB, 32 bit
            &0x00cf_9300_0000_ffffu64.to_le_bytes(), // data: 0 to 4 GiB
        ],
    );
    place(&mut code, GDT_POINTER, &[&23u16.to_le_bytes(), &(CODE_LINEAR + GDT as u32).to_le_bytes()]);
    place(
        &mut code,
        PROTECTED,
        &[
            &[0x31, 0xc0],      // xorl %eax, %eax
            &[0xb0, FLAT_DATA], // movb $data, %al
            &[0x8e, 0xd8],      // movl %eax, %ds
            &[0x8e, 0xc0],      // movl %eax, %es
            &[0x8e, 0xd0],      // movl %eax, %ss
            &[0xbb],
            &start_info.to_le_bytes(), // movl $start_info, %ebx
            &[0xb8],
            &entry.to_le_bytes(), // movl $entry, %eax
            &[0xff, 0xe0],        // jmp *%eax
        ],
    );
    // The distance counts from the end of the jump's three bytes.
    let back = (RESET as u16 + 3).wrapping_neg();
    place(&mut code, RESET, &[&[0xe9], &back.to_le_bytes()]); // jmp to the start of the code
    let mut rom = vec![0; ROM_BYTES - CODE_BYTES];
    rom.extend_from_slice(&code);
    rom
}

/// Puts pieces one after the other.
fn place(code: &mut [u8], mut at: usize, pieces: &[&[u8]]) {
    for piece in pieces {
        code[at..at + piece.len()].copy_from_slice(piece);
        at += piece.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reset_vector_leads_to_the_code() {
        let rom = rom(0x40_1234, 0x1ff_f000);
        assert_eq!(rom.len(), ROM_BYTES);
        let reset = ROM_BYTES - 16;
        assert_eq!(rom[reset], 0xe9);
        let distance = u16::from_le_bytes([rom[reset + 1], rom[reset + 2]]);
        assert_eq!((reset as u16 + 3).wrapping_add(distance), CODE);
        assert_eq!(rom[usize::from(CODE)], 0xfa);
    }

    #[test]
    fn entry_and_start_information_are_in_the_code() {
        let rom = rom(0x40_1234, 0x1ff_f000);
        let holds = |bytes: &[u8]| rom.windows(bytes.len()).filter(|w| *w == bytes).count();
        assert_eq!(holds(&[0xbb, 0, 0xf0, 0xff, 0x01]), 1, "movl $start_info, %ebx");
        assert_eq!(holds(&[0xb8, 0x34, 0x12, 0x40, 0, 0xff, 0xe0]), 1, "movl $entry, %eax; jmp *%eax");
    }

    #[test]
    fn pieces_do_not_meet() {
        let rom = rom(!0, !0);
        let code = &rom[usize::from(CODE)..];
        for edge in [GDT, GDT_POINTER, PROTECTED, RESET] {
            assert_eq!(code[edge - 1], 0, "something reaches up to {edge:#x}");
        }
    }
}
