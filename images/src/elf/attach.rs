//! Gives an image a file tree: an archive as one more segment to load.
//!
//! A program header more would move everything behind the table. The kernel's object therefore has a note that says
//! nothing but that there is room (`unirank`, type 2): its alignment of 8 gives it a `PT_NOTE` header of its own, which
//! it shares at most with the GNU property note, which `PT_GNU_PROPERTY` names as well. That header becomes the
//! segment's. Natively the segment is mapped like any other, and nobody looks at it.

use object::LittleEndian as Le;
use object::U32;
use object::U64;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

use super::{Image, ImageError, malformed};

/// Flag of the segment that holds the file tree, among those left to the operating system (`PF_MASKOS`).
pub const PF_UNIRANK_FILES: u32 = 0x0010_0000;

const ROOM_NOTE: u32 = 2;
const PAGE: u64 = 4096;

/// Why an image cannot carry a file tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// It is none.
    Image(ImageError),
    /// It has no header to spare.
    NoRoom,
}

impl std::fmt::Display for AttachError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::NoRoom => write!(f, "has no room for a file tree"),
        }
    }
}

impl std::error::Error for AttachError {}

impl AttachError {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Image(error) => error.remedy(),
            Self::NoRoom => "link it again with the wrappers of this unirank",
        }
    }
}

impl From<object::read::Error> for AttachError {
    fn from(error: object::read::Error) -> Self {
        Self::Image(malformed(error))
    }
}

/// The image with `archive` as its file tree, in place of one it has.
pub fn attach(image: &[u8], archive: &[u8]) -> Result<Vec<u8>, AttachError> {
    Image::parse(image).map_err(AttachError::Image)?;
    let header = FileHeader64::<Le>::parse(image)?;
    let mut segments: Vec<ProgramHeader64<Le>> = header.program_headers(Le, image)?.to_vec();
    let mut file = image.to_vec();
    let place = match segments.iter().position(is_files) {
        Some(old) => {
            let (offset, size) = segments[old].file_range(Le);
            if offset + size == file.len() as u64 {
                file.truncate(offset as usize);
            }
            old
        }
        None => room(&segments, image)?.ok_or(AttachError::NoRoom)?,
    };
    segments.remove(place);
    let loads = |s: &ProgramHeader64<Le>| s.p_type(Le) == elf::PT_LOAD;
    let end = segments.iter().filter(|s| loads(s)).map(|s| s.p_paddr(Le) + s.p_memsz(Le)).max().unwrap_or(0);
    let address = end.next_multiple_of(PAGE);
    file.resize(file.len().next_multiple_of(PAGE as usize), 0);
    let size = U64::new(Le, archive.len() as u64);
    let segment = ProgramHeader64::<Le> {
        p_type: U32::new(Le, elf::PT_LOAD),
        p_flags: U32::new(Le, elf::PF_R | PF_UNIRANK_FILES),
        p_offset: U64::new(Le, file.len() as u64),
        p_vaddr: U64::new(Le, address),
        p_paddr: U64::new(Le, address),
        p_filesz: size,
        p_memsz: size,
        p_align: U64::new(Le, PAGE),
    };
    // Segments to load stand in the order of their addresses (System V gABI, chapter 5).
    let at = segments.iter().rposition(loads).map_or(0, |last| last + 1);
    segments.insert(at, segment);
    file.extend(archive);
    let table = header.e_phoff(Le) as usize;
    let bytes = object::pod::bytes_of_slice(&segments);
    file[table..table + bytes.len()].copy_from_slice(bytes);
    Ok(file)
}

/// Whether a segment holds a file tree.
pub fn is_files(segment: &ProgramHeader64<Le>) -> bool {
    segment.p_type(Le) == elf::PT_LOAD && segment.p_flags(Le) & PF_UNIRANK_FILES != 0
}

/// The header of notes that can be spared.
fn room(segments: &[ProgramHeader64<Le>], image: &[u8]) -> Result<Option<usize>, AttachError> {
    for (i, segment) in segments.iter().enumerate() {
        let Some(mut notes) = segment.notes(Le, image)? else { continue };
        let (mut room, mut others) = (false, false);
        while let Some(note) = notes.next()? {
            let kind = note.n_type(Le);
            room |= note.name() == super::UNIRANK_NOTE && kind == ROOM_NOTE;
            others |= !(note.name() == super::UNIRANK_NOTE && kind == ROOM_NOTE
                || note.name() == b"GNU" && kind == elf::NT_GNU_PROPERTY_TYPE_0);
        }
        if room && !others {
            return Ok(Some(i));
        }
    }
    Ok(None)
}
