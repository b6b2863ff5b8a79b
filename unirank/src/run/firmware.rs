//! The firmware of a rank's VM: from the reset vector to the image's PVH entry, some twenty instructions.
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
const FLAT_DATA: u32 = 0x10;
/// Offset of the reserved word in the start information.
const RESERVED: u8 = 52;

/// Code being put together.
struct Code {
    bytes: [u8; CODE_BYTES],
    at: usize,
}

impl Code {
    fn at(&mut self, offset: usize) {
        self.at = offset;
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// An instruction with an operand of 4 bytes.
    fn long(&mut self, opcode: &[u8], operand: u32) {
        self.put(opcode);
        self.put(&operand.to_le_bytes());
    }
}

/// A ROM that enters `entry` with `start_info`, whose reserved word gets the low half of the time stamp counter.
pub fn rom(entry: u32, start_info: u32) -> Vec<u8> {
    let mut code = Code { bytes: [0; CODE_BYTES], at: 0 };
    code.put(&[0xfa]); // cli
    code.put(&[0x0f, 0x31]); // rdtsc
    code.put(&[0x66, 0x89, 0xc6]); // movl %eax, %esi
    code.put(&[0x2e, 0x66, 0x0f, 0x01, 0x16]); // lgdtl %cs:pointer
    code.put(&(CODE + GDT_POINTER as u16).to_le_bytes());
    code.put(&[0x0f, 0x20, 0xc0]); // movl %cr0, %eax
    code.put(&[0x0c, 0x01]); // orb $1, %al
    code.put(&[0x0f, 0x22, 0xc0]); // movl %eax, %cr0
    code.long(&[0x66, 0xea], CODE_LINEAR + PROTECTED as u32); // ljmpl $code, $protected
    code.put(&FLAT_CODE.to_le_bytes());

    code.at(GDT);
    code.put(&0u64.to_le_bytes());
    code.put(&0x00cf_9b00_0000_ffffu64.to_le_bytes()); // code: 0 to 4 GiB, 32 bit
    code.put(&0x00cf_9300_0000_ffffu64.to_le_bytes()); // data: 0 to 4 GiB
    code.at(GDT_POINTER);
    code.put(&23u16.to_le_bytes());
    code.put(&(CODE_LINEAR + GDT as u32).to_le_bytes());

    code.at(PROTECTED);
    code.long(&[0xb8], FLAT_DATA); // movl $data, %eax
    code.put(&[0x8e, 0xd8]); // movl %eax, %ds
    code.put(&[0x8e, 0xc0]); // movl %eax, %es
    code.put(&[0x8e, 0xd0]); // movl %eax, %ss
    code.long(&[0xbb], start_info); // movl $start_info, %ebx
    code.put(&[0x89, 0x73, RESERVED]); // movl %esi, reserved(%ebx)
    code.long(&[0xb8], entry); // movl $entry, %eax
    code.put(&[0xff, 0xe0]); // jmp *%eax

    code.at(RESET);
    code.put(&[0xe9]); // jmp to the start of the code, counted from the end of these three bytes
    code.put(&(RESET as u16 + 3).wrapping_neg().to_le_bytes());

    let mut rom = vec![0; ROM_BYTES - CODE_BYTES];
    rom.extend_from_slice(&code.bytes);
    rom
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
