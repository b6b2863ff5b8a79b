use super::*;

const HEADER: usize = 64;
const SEGMENT: usize = 56;

/// A small ELF with one loaded segment and one of notes, built byte by byte.
struct Builder {
    kind: u16,
    machine: u16,
    notes: Vec<u8>,
    extra: Option<u32>,
}

impl Builder {
    fn image() -> Self {
        let mut builder =
            Self { kind: elf::ET_EXEC, machine: elf::EM_X86_64, notes: Vec::new(), extra: None };
        builder.note(b"GNU\0", 1, &[0; 16]);
        builder.note(b"Xen\0", 18, &0x40_1000u32.to_le_bytes());
        builder.note(b"unirank\0", 1, &version(IMAGE_FORMAT, PROTOCOL, b"0.1.0\0"));
        builder
    }

    fn note(&mut self, name: &[u8], kind: u32, descriptor: &[u8]) {
        for word in [name.len() as u32, descriptor.len() as u32, kind] {
            self.notes.extend(word.to_le_bytes());
        }
        for part in [name, descriptor] {
            self.notes.extend(part);
            self.notes.resize(self.notes.len().next_multiple_of(4), 0);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let count = 2 + usize::from(self.extra.is_some());
        let notes_at = HEADER + count * SEGMENT;
        let size = notes_at + self.notes.len();
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        for word in [0x40_1000u64, HEADER as u64, 0] {
            file.extend(word.to_le_bytes());
        }
        file.extend(0u32.to_le_bytes());
        for half in [HEADER as u16, SEGMENT as u16, count as u16, 64, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        let mut segment = |kind: u32, offset: usize, address: u64, size: u64, memory: u64, align: u64| {
            file.extend(kind.to_le_bytes());
            file.extend(5u32.to_le_bytes());
            for word in [offset as u64, address, address, size, memory, align] {
                file.extend(word.to_le_bytes());
            }
        };
        segment(elf::PT_LOAD, 0, 0x40_0000, size as u64, 0x10_0000, 4096);
        segment(
            elf::PT_NOTE,
            notes_at,
            0x40_0000 + notes_at as u64,
            self.notes.len() as u64,
            self.notes.len() as u64,
            4,
        );
        if let Some(kind) = self.extra {
            segment(kind, 0, 0x40_0000, 8, 8, 1);
        }
        file.extend(&self.notes);
        file
    }
}

fn version(format: u32, protocol: u32, text: &[u8]) -> Vec<u8> {
    [&format.to_le_bytes(), &protocol.to_le_bytes(), text].concat()
}

fn error(data: &[u8]) -> ImageError {
    Image::parse(data).unwrap_err()
}

#[test]
fn an_image_is_understood() {
    let image = Image::parse(&Builder::image().bytes()).unwrap();
    assert_eq!((image.entry, image.end, image.made_by.as_str()), (0x40_1000, 0x50_0000, "0.1.0"));
    assert!(image.least_memory() > image.end);
}

#[test]
fn each_wrong_file_has_its_own_refusal() {
    for (data, part) in [
        (&b""[..], "empty"),
        (b"#!/bin/sh\n", "a script"),
        (b"!<arch>\n", "static library"),
        (b"hello", "first bytes"),
        (b"\x7fELF", "damaged"),
        (b"\x7fELF\x01\x01", "32 bit"),
        (b"\x7fELF\x02\x02", "big-endian"),
    ] {
        let text = error(data).to_string();
        assert!(text.contains(part), "{data:?}: {text}");
    }
    let mut builder = Builder::image();
    builder.machine = elf::EM_AARCH64;
    assert!(matches!(error(&builder.bytes()), ImageError::OtherMachine(_)));
    for (kind, expected) in
        [(elf::ET_REL, ImageError::NotExecutable("an object file (.o)")), (elf::ET_DYN, ImageError::Pie)]
    {
        let builder = Builder { kind, ..Builder::image() };
        assert_eq!(error(&builder.bytes()), expected);
    }
    for kind in [elf::ET_EXEC, elf::ET_DYN] {
        let builder = Builder { kind, extra: Some(elf::PT_INTERP), ..Builder::image() };
        assert_eq!(error(&builder.bytes()), ImageError::Dynamic);
    }
}

#[test]
fn notes_decide() {
    let mut builder = Builder::image();
    builder.notes.clear();
    assert_eq!(error(&builder.bytes()), ImageError::NoLibraryOs);
    builder.note(b"Xen\0", 18, &0x40_1000u64.to_le_bytes());
    assert_eq!(error(&builder.bytes()), ImageError::NotUnirank);
    builder.note(b"unirank\0", 1, &version(IMAGE_FORMAT, PROTOCOL + 1, b"9.9\x1b[2J"));
    let refusal = error(&builder.bytes());
    let text = refusal.to_string();
    assert!(text.contains("unirank 9.9?[2J") && text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    assert!(refusal.remedy().contains("link it again"));
    let mut builder = Builder::image();
    builder.note(b"unirank\0", 1, &[1, 0, 0]);
    assert!(matches!(error(&builder.bytes()), ImageError::Malformed(_)));
}

#[test]
fn segments_must_fit() {
    let good = Builder::image().bytes();
    let mut cut = good.clone();
    cut.truncate(good.len() - 1);
    assert!(matches!(error(&cut), ImageError::Malformed(_)));
    for (field, value) in [(24, u64::MAX), (32, u64::MAX), (40, 0)] {
        let mut bad = good.clone();
        bad[HEADER + field..][..8].copy_from_slice(&value.to_le_bytes());
        assert!(matches!(error(&bad), ImageError::Malformed(_)), "field {field}");
    }
}

/// Every single damaged byte, and many random ones: an answer, never a panic.
#[test]
fn damage_never_panics() {
    let good = Builder::image().bytes();
    for at in 0..good.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            let _ = Image::parse(&bad);
        }
        let _ = Image::parse(&good[..at]);
    }
    let mut state = 7u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for _ in 0..20_000 {
        let mut bad = good.clone();
        for _ in 0..1 + random() % 8 {
            let at = random() % bad.len();
            bad[at] = random() as u8;
        }
        let _ = Image::parse(&bad);
    }
}

/// An image with a header of notes that says nothing but that there is room.
fn roomy() -> Vec<u8> {
    let mut file = Builder { extra: Some(elf::PT_NOTE), ..Builder::image() }.bytes();
    let note = file.len() as u64;
    file.extend([8u32, 0, 2].iter().flat_map(|word| word.to_le_bytes()));
    file.extend(b"unirank\0");
    let header = HEADER + 2 * SEGMENT;
    for (at, value) in [(8, note), (16, 0x40_0000 + note), (32, 20), (40, 20), (48, 4)] {
        file[header + at..header + at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    file
}

#[test]
fn a_file_tree_becomes_the_last_segment_to_load() {
    let plain = Image::parse(&roomy()).unwrap();
    assert!(!plain.has_files);
    let mut packed = attach::attach(&roomy(), b"archive").unwrap();
    for archive in [&b"a longer archive"[..], b"short"] {
        let image = Image::parse(&packed).unwrap();
        assert!(image.has_files);
        assert_eq!((image.entry, image.loaded), (plain.entry, plain.loaded + 4096));
        packed = attach::attach(&packed, archive).unwrap();
        assert_eq!(&packed[4096..], archive, "the former archive is replaced");
    }
    let header = FileHeader64::<Le>::parse(&packed[..]).unwrap();
    let segments = header.program_headers(Le, &packed[..]).unwrap();
    let kinds: Vec<u32> = segments.iter().map(|s| s.p_type(Le)).collect();
    assert_eq!(kinds, [elf::PT_LOAD, elf::PT_LOAD, elf::PT_NOTE]);
    assert_eq!((segments[1].p_paddr(Le), segments[1].p_filesz(Le)), (0x50_0000, 5));
}

#[test]
fn images_without_room_are_refused() {
    assert_eq!(attach::attach(&Builder::image().bytes(), b"x"), Err(attach::AttachError::NoRoom));
    let text = attach::attach(b"#!/bin/sh\n", b"x").unwrap_err().to_string();
    assert!(text.contains("a script"), "{text}");
}
