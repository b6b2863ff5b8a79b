//! What makes a file an image: a static, non-PIE x86-64 ELF with a PVH note and the unirank note.
//!
//! The PVH note is `XEN_ELFNOTE_PHYS32_ENTRY` (Xen's `public/elfnote.h`, type 18). The unirank note has name
//! `unirank`, type 1 and the descriptor `u32` image format version, `u32` guest/host protocol version, both
//! little-endian, then the NUL-terminated version of the crate that made it.

pub mod attach;

use std::fmt;

use object::LittleEndian as Le;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

/// Image format version this crate makes and runs.
pub const IMAGE_FORMAT: u32 = 1;
/// Guest/host protocol version this crate speaks.
pub const PROTOCOL: u32 = 2;

const XEN_NOTE: &[u8] = b"Xen";
const XEN_PHYS32_ENTRY: u32 = 18;
const UNIRANK_NOTE: &[u8] = b"unirank";
const UNIRANK_VERSION: u32 = 1;

/// What the runner needs to know of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Physical address of the 32-bit entry.
    pub entry: u64,
    /// First address past everything the image loads, its zeroed data included.
    pub end: u64,
    /// Bytes of memory it loads, zeroed data included, in whole pages.
    pub loaded: u64,
    /// Version of the unirank that linked it.
    pub made_by: String,
    /// It carries a file tree.
    pub has_files: bool,
}

/// Why a file is no image that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// No ELF at all; the text says what it looks like.
    NotElf(&'static str),
    /// An ELF that breaks its own format.
    Malformed(String),
    /// An ELF for another kind of machine.
    OtherMachine(String),
    /// An object file, core dump or the like.
    NotExecutable(&'static str),
    /// It needs shared libraries.
    Dynamic,
    /// It is position-independent.
    Pie,
    /// It has no library OS.
    NoLibraryOs,
    /// It boots by PVH but is not one of unirank's.
    NotUnirank,
    /// It was made by another version.
    OtherVersion {
        /// Its image format.
        format: u32,
        /// Its guest/host protocol.
        protocol: u32,
        /// The unirank that made it.
        made_by: String,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf(looks) => write!(f, "is not an ELF executable ({looks})"),
            Self::Malformed(why) => write!(f, "is a damaged ELF file ({why})"),
            Self::OtherMachine(what) => {
                write!(f, "is an executable for another machine ({what}), not x86-64")
            }
            Self::NotExecutable(what) => write!(f, "is {what}, not an executable"),
            Self::Dynamic => write!(f, "is linked dynamically; an image is one static file"),
            Self::Pie => write!(f, "is position-independent (PIE); an image is linked with -no-pie"),
            Self::NoLibraryOs => write!(f, "holds no library OS, so it cannot boot as a virtual machine"),
            Self::NotUnirank => write!(f, "boots by PVH but was not made by unirank"),
            Self::OtherVersion { format, protocol, made_by } => write!(
                f,
                "was made by unirank {made_by} (image format {format}, protocol {protocol}); this is unirank {} \
                 (image format {IMAGE_FORMAT}, protocol {PROTOCOL})",
                env!("CARGO_PKG_VERSION")
            ),
        }
    }
}

impl std::error::Error for ImageError {}

impl ImageError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotElf(_) | Self::Malformed(_) | Self::NotExecutable(_) => {
                "give a program linked by unirank's mpicc, mpicxx or mpifort, or made by `unirank build`"
            }
            Self::OtherMachine(_) => "compile it for x86-64",
            Self::Dynamic | Self::Pie | Self::NoLibraryOs | Self::NotUnirank => {
                "link it with unirank's mpicc, mpicxx or mpifort, or make it with `unirank build`"
            }
            Self::OtherVersion { .. } => "link it again with the wrappers of this unirank",
        }
    }
}

impl Image {
    /// Checks the bytes of a whole file.
    pub fn parse(data: &[u8]) -> Result<Self, ImageError> {
        check_ident(data)?;
        let header = FileHeader64::<Le>::parse(data).map_err(malformed)?;
        let endian = header.endian().map_err(malformed)?;
        if header.e_machine.get(endian) != elf::EM_X86_64 {
            return Err(ImageError::OtherMachine(format!("ELF machine {}", header.e_machine.get(endian))));
        }
        let kind = header.e_type.get(endian);
        match kind {
            elf::ET_EXEC | elf::ET_DYN => {}
            elf::ET_REL => return Err(ImageError::NotExecutable("an object file (.o)")),
            elf::ET_CORE => return Err(ImageError::NotExecutable("a core dump")),
            _ => return Err(ImageError::NotExecutable("an ELF file of an unknown type")),
        }
        let segments = header.program_headers(endian, data).map_err(malformed)?;
        if segments.iter().any(|s| s.p_type(endian) == elf::PT_INTERP) {
            return Err(ImageError::Dynamic);
        }
        if kind == elf::ET_DYN {
            return Err(ImageError::Pie);
        }
        let (loaded, end) = loaded(segments, data.len() as u64)?;
        let (entry, version) = read_notes(segments, data)?;
        let Some(entry) = entry else { return Err(ImageError::NoLibraryOs) };
        let Some((format, protocol, made_by)) = version else { return Err(ImageError::NotUnirank) };
        if (format, protocol) != (IMAGE_FORMAT, PROTOCOL) {
            return Err(ImageError::OtherVersion { format, protocol, made_by });
        }
        let has_files = segments.iter().any(attach::is_files);
        Ok(Self { entry, end, loaded, made_by, has_files })
    }

    /// Address and content of what a file that [`Image::parse`] accepted loads, in one piece from its first byte to the
    /// last that is not zero by definition.
    pub fn flat(data: &[u8]) -> Result<(u64, Vec<u8>), ImageError> {
        let header = FileHeader64::<Le>::parse(data).map_err(malformed)?;
        let segments = header.program_headers(Le, data).map_err(malformed)?;
        let loaded: Vec<(u64, &[u8])> = segments
            .iter()
            .filter(|s| s.p_type(Le) == elf::PT_LOAD)
            .map(|s| {
                Ok((s.p_paddr(Le), s.data(Le, data).map_err(|()| bad("a segment lies outside of the file"))?))
            })
            .collect::<Result<_, ImageError>>()?;
        let start = loaded.iter().map(|(address, _)| *address).min().ok_or_else(|| bad("nothing to load"))?;
        let mut bytes = Vec::new();
        for (address, content) in loaded {
            let at = usize::try_from(address - start).map_err(|_| bad("a segment's address overflows"))?;
            let end = at.checked_add(content.len()).ok_or_else(|| bad("a segment's address overflows"))?;
            bytes.resize(bytes.len().max(end), 0);
            bytes[at..end].copy_from_slice(content);
        }
        Ok((start, bytes))
    }

    /// The least memory a rank needs to boot this image: the image, page tables, stack and some heap.
    pub fn least_memory(&self) -> u64 {
        /// What boot, a small stack and the C library's first allocations take.
        const ROOM: u64 = 8 << 20;
        self.end.saturating_add(ROOM)
    }
}

/// A part of the file in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMapping {
    /// First byte.
    pub start: u64,
    /// Byte after the last that comes from the file.
    pub end: u64,
    /// Where in the file it begins.
    pub offset: u64,
}

/// What of an ELF file lies where when it runs, in whole pages.
pub fn file_mappings(data: &[u8]) -> Result<Vec<FileMapping>, ImageError> {
    const PAGE: u64 = 4096;
    let header = FileHeader64::<Le>::parse(data).map_err(malformed)?;
    let segments = header.program_headers(Le, data).map_err(malformed)?;
    let loaded = segments.iter().filter(|s| s.p_type(Le) == elf::PT_LOAD);
    let mapping = |s: &elf::ProgramHeader64<Le>| {
        let end = s.p_vaddr(Le).checked_add(s.p_filesz(Le))?.checked_next_multiple_of(PAGE)?;
        Some(FileMapping { start: s.p_vaddr(Le) & !(PAGE - 1), end, offset: s.p_offset(Le) & !(PAGE - 1) })
    };
    Ok(loaded.filter_map(mapping).collect())
}

fn malformed(error: object::read::Error) -> ImageError {
    ImageError::Malformed(error.to_string())
}

fn bad(why: &str) -> ImageError {
    ImageError::Malformed(why.into())
}

/// Tells files apart that people give by mistake.
fn check_ident(data: &[u8]) -> Result<(), ImageError> {
    if !data.starts_with(b"\x7fELF") {
        return Err(ImageError::NotElf(match data {
            [] => "it is empty",
            [b'#', b'!', ..] => "it is a script",
            [b'!', b'<', b'a', b'r', b'c', b'h', ..] => "it is a static library",
            [b'M', b'Z', ..] => "it is a Windows program",
            [b'B', b'C', ..] => "it is LLVM bitcode",
            _ => "its first bytes are not those of one",
        }));
    }
    match data.get(elf_ident::CLASS) {
        Some(&elf::ELFCLASS64) => {}
        Some(&elf::ELFCLASS32) => return Err(ImageError::OtherMachine("32 bit".into())),
        _ => return Err(ImageError::Malformed("unknown class".into())),
    }
    match data.get(elf_ident::DATA) {
        Some(&elf::ELFDATA2LSB) => Ok(()),
        Some(&elf::ELFDATA2MSB) => Err(ImageError::OtherMachine("big-endian".into())),
        _ => Err(ImageError::Malformed("unknown byte order".into())),
    }
}

/// Offsets in `e_ident`.
mod elf_ident {
    pub const CLASS: usize = 4;
    pub const DATA: usize = 5;
}

/// Bytes of the pages with loaded segments, and the first address past them; refuses segments that the file does not
/// hold.
fn loaded(segments: &[elf::ProgramHeader64<Le>], file_len: u64) -> Result<(u64, u64), ImageError> {
    const PAGE: u64 = 4096;
    let (mut bytes, mut end, mut counted) = (0, 0, 0);
    for segment in segments.iter().filter(|s| s.p_type(Le) == elf::PT_LOAD) {
        let (offset, size) = segment.file_range(Le);
        if offset.checked_add(size).is_none_or(|file_end| file_end > file_len) {
            return Err(bad("a segment reaches past the end of the file"));
        }
        if segment.p_memsz(Le) < size {
            return Err(bad("a segment is larger in the file than in memory"));
        }
        let start = segment.p_paddr(Le);
        let top = start.checked_add(segment.p_memsz(Le)).filter(|&top| top <= u64::MAX - PAGE);
        let top = top.ok_or_else(|| bad("a segment's address overflows"))?;
        end = end.max(top);
        // Linkers sort segments by address; neighbours may share a page.
        let first = counted.max(start & !(PAGE - 1));
        counted = counted.max(top.next_multiple_of(PAGE));
        bytes += counted.saturating_sub(first);
    }
    if end == 0 { Err(bad("nothing to load")) } else { Ok((bytes, end)) }
}

/// Format, protocol and maker of a unirank note.
type Version = (u32, u32, String);

/// Looks through all notes for the PVH entry and for unirank's version.
fn read_notes(
    segments: &[elf::ProgramHeader64<Le>],
    data: &[u8],
) -> Result<(Option<u64>, Option<Version>), ImageError> {
    let (mut entry, mut version) = (None, None);
    for segment in segments {
        let Some(mut notes) = segment.notes(Le, data).map_err(malformed)? else { continue };
        while let Some(note) = notes.next().map_err(malformed)? {
            let descriptor = note.desc();
            if note.name() == XEN_NOTE && note.n_type(Le) == XEN_PHYS32_ENTRY {
                entry = match *descriptor {
                    [a, b, c, d] => Some(u64::from(u32::from_le_bytes([a, b, c, d]))),
                    [a, b, c, d, e, f, g, h] => Some(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
                    _ => return Err(ImageError::Malformed("the PVH note has a wrong size".into())),
                };
            } else if note.name() == UNIRANK_NOTE && note.n_type(Le) == UNIRANK_VERSION {
                version = Some(read_version(descriptor)?);
            }
        }
    }
    Ok((entry, version))
}

fn read_version(descriptor: &[u8]) -> Result<Version, ImageError> {
    let short = || ImageError::Malformed("the unirank note is too short".into());
    let (format, rest) = descriptor.split_first_chunk::<4>().ok_or_else(short)?;
    let (protocol, text) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let text = text.split(|&b| b == 0).next().unwrap_or_default();
    // The file is not trusted: what is shown of it is short and printable.
    let made_by: String =
        text.iter().take(32).map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '?' }).collect();
    Ok((u32::from_le_bytes(*format), u32::from_le_bytes(*protocol), made_by))
}

#[cfg(test)]
mod tests;
