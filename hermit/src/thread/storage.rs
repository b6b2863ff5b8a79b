//! Thread-local storage of a new thread (ELF Handling For Thread-Local Storage, variant II): the program's initial image of
//! it, directly below the thread pointer.

use core::ptr;

const PT_LOAD: u32 = 1;
const PT_TLS: u32 = 7;
/// Room behind the thread pointer: its own address there is what the ABI asks for. A C library keeps its descriptor of a
/// thread here (glibc's has 2304 bytes); zeros are the best it can find.
const DESCRIPTOR: usize = 4096;

#[repr(C)]
struct ElfHeader {
    ident: [u8; 16],
    kind_and_machine: [u16; 2],
    version: u32,
    entry: u64,
    headers: u64,
    sections: u64,
    flags: u32,
    header_size: u16,
    program_header_size: u16,
    program_headers: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

unsafe extern "C" {
    /// The image's ELF header, which is loaded with it.
    static __ehdr_start: ElfHeader;
}

/// What thread-local storage starts as.
pub struct Initial {
    data: *const u8,
    data_len: usize,
    size: usize,
    align: usize,
}

impl Initial {
    /// The program's.
    pub fn of_program() -> Self {
        let mut initial = Self { data: ptr::null(), data_len: 0, size: 0, align: 1 };
        // An image lies where it was linked to; unit tests do not.
        let mut moved_by = 0;
        // SAFETY: the linker put header and program headers there.
        unsafe {
            let image = &raw const __ehdr_start;
            let first = image.cast::<u8>().add((*image).headers as usize).cast::<ProgramHeader>();
            for i in 0..usize::from((*image).program_headers) {
                let header = first.add(i).read();
                if header.kind == PT_LOAD && header.offset == 0 {
                    moved_by = image as usize - header.address as usize;
                } else if header.kind == PT_TLS {
                    initial.data = header.address as *const u8;
                    initial.data_len = header.file_size as usize;
                    initial.size = header.memory_size as usize;
                    initial.align = (header.align as usize).max(1);
                }
            }
        }
        initial.data = initial.data.wrapping_add(moved_by);
        initial
    }

    /// Distance of the block's start from the thread pointer: as the linker counts it.
    fn below(&self) -> usize {
        self.size.next_multiple_of(self.align)
    }

    /// Bytes that a thread's block needs, wherever it lies.
    pub fn room(&self) -> usize {
        self.below() + self.align.max(64) + DESCRIPTOR
    }

    /// Makes a block in `area`, zeroed memory of [`Initial::room`]; returns the thread pointer.
    ///
    /// # Safety
    /// The area is the caller's.
    pub unsafe fn fill(&self, area: *mut u8, guards: [u64; 2]) -> *mut u8 {
        let pointer = (area as usize + self.below()).next_multiple_of(self.align.max(64)) as *mut u8;
        // SAFETY: the block, the descriptor and what alignment costs make up the room.
        unsafe {
            if self.data_len > 0 {
                ptr::copy_nonoverlapping(self.data, pointer.sub(self.below()), self.data_len);
            }
            let descriptor = pointer.cast::<u64>();
            descriptor.write(pointer as u64);
            descriptor.add(2).write(pointer as u64);
            descriptor.add(5).write(guards[0]);
            descriptor.add(6).write(guards[1]);
        }
        pointer
    }
}

/// What compilers and C libraries guard stacks and pointers with: the calling thread's.
pub fn guards() -> [u64; 2] {
    let mut guards = [0; 2];
    // SAFETY: these words exist behind every thread pointer, be it ours or a C library's.
    unsafe {
        core::arch::asm!("mov {0}, qword ptr fs:[0x28]", "mov {1}, qword ptr fs:[0x30]", out(reg) guards[0],
            out(reg) guards[1], options(readonly, nostack, preserves_flags));
    }
    guards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_lies_below_its_pointer() {
        let data = *b"initial";
        for (size, align) in [(7, 1), (9, 8), (100, 32), (7, 256)] {
            let initial = Initial { data: data.as_ptr(), data_len: 7, size, align };
            let mut area = vec![0u8; initial.room()];
            let range = area.as_mut_ptr_range();
            // SAFETY: an area of this size.
            let pointer = unsafe { initial.fill(area.as_mut_ptr(), [1, 2]) };
            assert_eq!(pointer as usize % align, 0);
            assert!(pointer.wrapping_add(DESCRIPTOR) <= range.end);
            let start = pointer as usize - size.next_multiple_of(align) - range.start as usize;
            assert_eq!(area[start..start + 7], data);
            let word = |i: usize| {
                // SAFETY: in the descriptor.
                unsafe { pointer.cast::<u64>().add(i).read() }
            };
            assert_eq!([word(0), word(2), word(5), word(6)], [pointer as u64, pointer as u64, 1, 2]);
        }
    }
}
