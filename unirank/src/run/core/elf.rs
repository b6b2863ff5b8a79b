//! The file: ELF header, program headers, notes, memory. Pages of zeros are holes in it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use object::Endianness;
use object::elf::{ELFOSABI_NONE, EM_X86_64, ET_CORE, PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE};
use object::write::elf::{FileHeader, ProgramHeader, Writer};
use unirank_hca::postmortem::Region;

use crate::run::guest_ram::GuestRam;

const PAGE: u64 = 4096;
/// Bytes of memory copied at once.
const PIECE: u64 = 1 << 20;
/// Most program headers: their count is a 16-bit number, whose last value has a meaning of its own.
const MOST_HEADERS: usize = 0xfffe;

/// Which memory goes where.
#[derive(Debug)]
pub struct Layout {
    headers: Vec<u8>,
    /// Regions and their places in the file.
    parts: Vec<(Region, u64)>,
    len: u64,
}

impl Layout {
    /// Places notes and regions.
    pub fn new(notes: &[u8], regions: &[Region]) -> Result<Self, String> {
        if regions.len() + 1 > MOST_HEADERS {
            return Err(format!(
                "its address space has {} pieces, a core file can have {MOST_HEADERS}",
                regions.len()
            ));
        }
        let mut headers = Vec::new();
        let mut writer = Writer::new(Endianness::Little, true, &mut headers);
        writer.reserve_file_header();
        writer.reserve_program_headers(regions.len() as u32 + 1);
        let notes_at = writer.reserved_len() as u64;
        let mut at = (notes_at + notes.len() as u64).next_multiple_of(PAGE);
        let header = FileHeader {
            os_abi: ELFOSABI_NONE,
            abi_version: 0,
            e_type: ET_CORE,
            e_machine: EM_X86_64,
            e_entry: 0,
            e_flags: 0,
        };
        writer.write_file_header(&header).map_err(|error| error.to_string())?;
        writer.write_align_program_headers();
        writer.write_program_header(&ProgramHeader {
            p_type: PT_NOTE,
            p_flags: 0,
            p_offset: notes_at,
            p_vaddr: 0,
            p_paddr: 0,
            p_filesz: notes.len() as u64,
            p_memsz: 0,
            p_align: 4,
        });
        let mut parts = Vec::with_capacity(regions.len());
        for region in regions {
            let size = region.end - region.start;
            writer.write_program_header(&ProgramHeader {
                p_type: PT_LOAD,
                p_flags: flags(region.rights),
                p_offset: at,
                p_vaddr: region.start,
                p_paddr: 0,
                p_filesz: size,
                p_memsz: size,
                p_align: PAGE,
            });
            parts.push((*region, at));
            at += size;
        }
        Ok(Self { headers, parts, len: at })
    }

    /// Bytes of the file, its holes included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Writes the file, readable by its owner only: it holds all the rank's data.
    pub fn write(&self, path: &Path, notes: &[u8], ram: GuestRam<'_>) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let written = self.fill(&file, notes, ram);
        if written.is_err() {
            // Half a core file misleads; that it cannot be removed changes nothing.
            let _ = std::fs::remove_file(path);
        }
        written
    }

    fn fill(&self, file: &File, notes: &[u8], ram: GuestRam<'_>) -> io::Result<()> {
        file.set_len(self.len)?;
        file.write_all_at(&self.headers, 0)?;
        file.write_all_at(notes, self.headers.len() as u64)?;
        for (region, at) in &self.parts {
            let mut from = region.start;
            while let Some((start, end)) = ram.written(from, region.end) {
                from = end.min(start + PIECE);
                let bytes = ram.read(start, from - start);
                let bytes = bytes.ok_or_else(|| io::Error::other("the rank's memory cannot be read"))?;
                write_sparse(file, &bytes, at + (start - region.start))?;
                if from >= region.end {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Writes the runs of pages that are not zero.
fn write_sparse(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    for run in bytes.chunks(PAGE as usize).collect::<Vec<_>>().chunk_by(|a, b| is_zero(a) == is_zero(b)) {
        let len: usize = run.iter().map(|page| page.len()).sum();
        if !is_zero(run[0]) {
            file.write_all_at(&bytes[done..done + len], at + done as u64)?;
        }
        done += len;
    }
    Ok(())
}

fn is_zero(page: &[u8]) -> bool {
    page.iter().all(|&b| b == 0)
}

fn flags(rights: u8) -> u32 {
    [(1, PF_R), (2, PF_W), (4, PF_X)]
        .into_iter()
        .filter(|(bit, _)| rights & bit != 0)
        .map(|(_, flag)| flag)
        .sum()
}
