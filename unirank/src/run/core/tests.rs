use super::*;
use crate::run::memory;
use object::read::elf::{ElfFile64, ProgramHeader};
use unirank_hca::postmortem::Thread;

const RAM: u64 = 16 << 20;

fn region(start: u64, end: u64) -> Region {
    Region { start, end, rights: 3 }
}

fn record(regions: Vec<Region>) -> Vec<u8> {
    let thread = |tid| Thread { tid, name: [0; 16], registers: [tid.into(); 27], vectors: &[1; 832] };
    let record = Record {
        signal: 11,
        code: 1,
        value: 0x10,
        auxv: (0x8000, 32),
        xcr0: 7,
        threads: vec![thread(2), thread(3)],
        regions,
    };
    record.encode().unwrap()
}

fn written(name: &str, bytes: &[u8], place: Place) -> Result<PathBuf> {
    let file = memory::sealed("test", RAM).unwrap();
    rustix::io::pwrite(&file, bytes, 0x10_0000).unwrap();
    rustix::io::pwrite(&file, b"hello", 0x5000).unwrap();
    let directory = std::env::temp_dir().join(format!("unirank-core-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let cores = CoreFiles { directory, limit: None, image: "/proc/self/exe".into(), command: "a b".into() };
    cores.write(4, 1, GuestRam::new(&file, RAM), place)
}

#[test]
fn a_core_file_has_threads_and_memory() {
    let bytes = record(vec![region(0x4000, 0x6000), region(0x6000, 0x40_0000)]);
    let path = written("good", &bytes, Place { address: 0x10_0000, len: bytes.len() as u64 }).unwrap();
    let data = std::fs::read(&path).unwrap();
    let elf = ElfFile64::<object::Endianness>::parse(&*data).unwrap();
    let endian = object::Endianness::Little;
    let headers = elf.elf_program_headers();
    assert_eq!(headers.len(), 2, "neighbours with equal rights are one");
    let mut kinds = Vec::new();
    let mut notes = headers[0].notes(endian, &*data).unwrap().unwrap();
    while let Some(note) = notes.next().unwrap() {
        kinds.push(note.n_type(endian));
        if note.n_type(endian) == object::elf::NT_PRSTATUS {
            assert_eq!(note.desc()[112], note.desc()[32], "registers of this thread");
        }
    }
    assert_eq!(kinds.iter().filter(|&&kind| kind == object::elf::NT_PRSTATUS).count(), 2);
    assert_eq!(kinds.iter().filter(|&&kind| kind == object::elf::NT_X86_XSTATE).count(), 2);
    let memory = headers[1].data(endian, &*data).unwrap();
    assert_eq!((memory.len(), &memory[0x1000..0x1005]), (0x3f_c000, &b"hello"[..]));
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(&path).unwrap();
    assert!(meta.blocks() * 512 < 0x10_0000 && meta.mode() & 0o77 == 0, "{meta:?}");
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn what_a_guest_says_is_checked() {
    let good = record(vec![region(0x4000, 0x5000)]);
    let len = good.len() as u64;
    let outside = record(vec![region(0x4000, RAM + 0x1000)]);
    let mut damaged = good.clone();
    damaged[100] ^= 1;
    let cases = [
        (&good, 0x10_0000, u64::MAX, "its record has"),
        (&good, RAM - 8, len, "not in its memory"),
        (&good, u64::MAX - 8, len, "not in its memory"),
        (&good, 0x10_0008, len, "does not begin"),
        (&good, 0x10_0000, len - 8, "lengths"),
        (&damaged, 0x10_0000, len, "checksum"),
        (&outside, 0x10_0000, len, "where there is none"),
    ];
    for (bytes, address, len, says) in cases {
        let text = written("bad", bytes, Place { address, len }).unwrap_err().to_string();
        assert!(text.contains(says) && text.contains("rank 1"), "{says}: {text}");
    }
    for bad in ["", "0x10", "10 4", "0x1 -4", "0xg 4", "0x1 4 5"] {
        assert_eq!(Place::parse(bad), None, "{bad}");
    }
    assert_eq!(Place::parse("0x10 4"), Some(Place { address: 16, len: 4 }));
}
