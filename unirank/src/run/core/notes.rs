//! The notes of a core file, as Linux writes them for x86-64 (`fs/binfmt_elf.c`; `sys/procfs.h` has the structures).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use object::elf::{NT_AUXV, NT_FILE, NT_PRFPREG, NT_PRPSINFO, NT_PRSTATUS, NT_SIGINFO, NT_X86_XSTATE};
use unirank_hca::postmortem::{Record, Thread};
use unirank_images::elf::{FileMapping, file_mappings};

use crate::run::guest_ram::GuestRam;

/// Bytes of `struct elf_prstatus`, `struct elf_prpsinfo` and `siginfo_t`.
const PRSTATUS: usize = 336;
const PRPSINFO: usize = 136;
const SIGINFO: usize = 128;
/// Bytes of FXSAVE's area, which is the first part of XSAVE's.
const FXSAVE: usize = 512;
/// Where Linux puts XCR0 into the area XSAVE leaves to software.
const XCR0: usize = 464;
/// Longest auxiliary vector.
const MOST_AUXV: u64 = 4096;

/// Notes in the making.
#[derive(Default)]
struct Notes(Vec<u8>);

impl Notes {
    fn add(&mut self, name: &[u8], kind: u32, description: &[u8]) {
        for number in [name.len() as u32, description.len() as u32, kind] {
            self.0.extend(number.to_le_bytes());
        }
        for part in [name, description] {
            self.0.extend(part);
            self.0.resize(self.0.len().next_multiple_of(4), 0);
        }
    }

    fn core(&mut self, kind: u32, description: &[u8]) {
        self.add(b"CORE\0", kind, description);
    }
}

/// A structure with numbers at their offsets.
fn structure(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fields.iter().for_each(|(at, field)| bytes[*at..*at + field.len()].copy_from_slice(field));
    bytes
}

/// All notes of a dead rank.
pub fn of(record: &Record<'_>, ram: GuestRam<'_>, image: &Path, command: &str) -> Vec<u8> {
    let mut notes = Notes::default();
    let (pid, signal) = (record.threads.first().map_or(0, |thread| thread.tid), record.signal);
    for (n, thread) in record.threads.iter().enumerate() {
        notes.core(NT_PRSTATUS, &prstatus(thread, pid, signal));
        if n == 0 {
            notes.core(NT_PRPSINFO, &prpsinfo(pid, image, command));
            let number = |n: u32| n.to_le_bytes();
            let fields: [(usize, &[u8]); 3] =
                [(0, &number(signal)), (8, &number(record.code as u32)), (16, &record.value.to_le_bytes())];
            notes.core(NT_SIGINFO, &structure(SIGINFO, &fields));
            let auxv = ram.read(record.auxv.0, record.auxv.1.min(MOST_AUXV) & !15);
            auxv.iter().for_each(|auxv| notes.core(NT_AUXV, auxv));
            if let Some(mappings) = std::fs::read(image).ok().and_then(|data| file_mappings(&data).ok()) {
                notes.core(NT_FILE, &files(&mappings, image));
            }
        }
        if let Some(fxsave) = thread.vectors.get(..FXSAVE) {
            notes.core(NT_PRFPREG, fxsave);
        }
        if thread.vectors.len() > FXSAVE {
            let mut area = thread.vectors.to_vec();
            area[XCR0..XCR0 + 8].copy_from_slice(&record.xcr0.to_le_bytes());
            notes.add(b"LINUX\0", NT_X86_XSTATE, &area);
        }
    }
    notes.0
}

fn prstatus(thread: &Thread<'_>, pid: u32, signal: u32) -> Vec<u8> {
    let registers: Vec<u8> = thread.registers.iter().flat_map(|register| register.to_le_bytes()).collect();
    // Only the thread that died has the signal.
    let signal = if thread.tid == pid { signal } else { 0 };
    let number = |n: u32| n.to_le_bytes();
    structure(
        PRSTATUS,
        &[
            (0, &number(signal)),
            (12, &(signal as u16).to_le_bytes()),
            (32, &number(thread.tid)),
            (36, &number(1)),
            (40, &number(pid)),
            (44, &number(pid)),
            (112, &registers),
            (328, &number(u32::from(!thread.vectors.is_empty()))),
        ],
    )
}

fn prpsinfo(pid: u32, image: &Path, command: &str) -> Vec<u8> {
    let name = image.file_name().map_or(&b""[..], OsStrExt::as_bytes);
    let (name, command) = (&name[..name.len().min(15)], &command.as_bytes()[..command.len().min(79)]);
    let number = |n: u32| n.to_le_bytes();
    structure(
        PRPSINFO,
        &[
            (1, b"R"),
            (16, &number(rustix::process::getuid().as_raw())),
            (20, &number(rustix::process::getgid().as_raw())),
            (24, &number(pid)),
            (28, &number(1)),
            (32, &number(pid)),
            (36, &number(pid)),
            (40, name),
            (56, command),
        ],
    )
}

/// Which part of the image lies where: count, page size, then start, end and page offset of each, then the names.
fn files(mappings: &[FileMapping], image: &Path) -> Vec<u8> {
    const PAGE: u64 = 4096;
    let mut numbers = vec![mappings.len() as u64, PAGE];
    numbers.extend(mappings.iter().flat_map(|m| [m.start, m.end, m.offset / PAGE]));
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    for _ in mappings {
        bytes.extend(image.as_os_str().as_bytes());
        bytes.push(0);
    }
    bytes
}
