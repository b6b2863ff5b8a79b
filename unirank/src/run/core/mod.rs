//! Core files of dead ranks, as `ulimit -c` gives them to native programs: gdb shows every thread, its registers and the
//! memory at the moment of death.
//!
//! The guest's kernel leaves a record in its RAM ([`unirank_hca::postmortem`]) and tells where; the runner, which holds
//! the RAM's file, writes the core file when the VM is gone and nothing changes any more.
//!
//! | module | question it answers |
//! |---|---|
//! | [`notes`] | how does Linux describe a dead process? |
//! | [`elf`] | how does that become a file? |

mod elf;
mod notes;

use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};
use unirank_hca::postmortem::{self, Record, Region};

use super::accel::Accel;
use super::guest_ram::GuestRam;
use crate::failure::{Context, Failure, Result};
use crate::text;

/// Where a rank says its record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its address in the guest.
    pub address: u64,
    /// Its bytes.
    pub len: u64,
}

impl Place {
    /// Reads what a `core` line says.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, len) = text.split_once(' ')?;
        let address = u64::from_str_radix(address.strip_prefix("0x")?, 16).ok()?;
        Some(Self { address, len: len.trim().parse().ok()? })
    }
}

/// Writes the core files of a job.
#[derive(Clone, Debug)]
pub struct CoreFiles {
    directory: PathBuf,
    /// Bytes a file may have.
    limit: Option<u64>,
    image: PathBuf,
    command: String,
}

impl CoreFiles {
    /// Core files are written when `--core` was given, else when the limit of the shell allows them.
    pub fn wanted(asked: Option<&Path>, accel: Accel, image: &Path, command: String) -> Result<Option<Self>> {
        if accel == Accel::Native {
            return match asked {
                None => Ok(None),
                Some(_) => Err(Failure::usage("--core is for ranks that are VMs").remedy(
                    "native ranks leave core files as all programs here do: say `ulimit -c unlimited`",
                )),
            };
        }
        let limit = getrlimit(Resource::Core).current;
        let (directory, limit) = match (asked, limit) {
            (Some(directory), _) => (directory, None),
            (None, Some(0)) => return Ok(None),
            (None, limit) => (Path::new("."), limit),
        };
        let directory =
            std::path::absolute(directory).context(|| "finding the folder of core files".into())?;
        if !directory.is_dir() {
            return Err(Failure::usage(format!("--core: there is no folder {}", directory.display())));
        }
        Ok(Some(Self { directory, limit, image: image.to_owned(), command }))
    }

    /// Writes the core file of a rank that has ended.
    pub fn write(&self, job: u64, rank: u32, ram: GuestRam<'_>, place: Place) -> Result<PathBuf> {
        let what = || format!("the core file of rank {rank}");
        let refused = |why: String| Failure::new(format!("{} cannot be written: {why}", what()));
        if place.len > postmortem::MOST as u64 {
            return Err(refused(format!("its record has {}", text::size(place.len))));
        }
        // A copy: what was validated cannot change any more.
        let bytes = ram.read(place.address, place.len);
        let bytes = bytes.ok_or_else(|| refused("its record is not in its memory".into()))?;
        let record = Record::decode(&bytes).map_err(|error| refused(format!("in its record, {error}")))?;
        let regions = merged(&record.regions, ram).map_err(refused)?;
        let notes = notes::of(&record, ram, &self.image, &self.command);
        let layout = elf::Layout::new(&notes, &regions).map_err(refused)?;
        if let Some(limit) = self.limit.filter(|&limit| layout.len() > limit) {
            return Err(refused(format!(
                "it would have {}, the limit is {}",
                text::size(layout.len()),
                text::size(limit)
            ))
            .remedy("say `ulimit -c unlimited`"));
        }
        let path = self.directory.join(format!("core.{job}.{rank}"));
        layout.write(&path, &notes, ram).context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// The line that tells the user of a core file.
    pub fn told(&self, rank: u32, path: &Path) -> String {
        format!("rank {rank}'s core file: gdb {} {}", self.image.display(), path.display())
    }
}

/// The regions of the record as far as neighbours differ; all memory if there are none. What lies outside of the RAM makes
/// the record worthless.
fn merged(regions: &[Region], ram: GuestRam<'_>) -> std::result::Result<Vec<Region>, String> {
    if regions.is_empty() {
        return Ok(ram.extents().iter().map(|&(start, end)| Region { start, end, rights: 7 }).collect());
    }
    let mut list: Vec<Region> = Vec::new();
    for region in regions {
        if ram.offset(region.start, region.end - region.start).is_none() {
            return Err(format!(
                "it tells of memory at {:#x} to {:#x}, where there is none",
                region.start, region.end
            ));
        }
        match list.last_mut() {
            Some(last) if last.end == region.start && last.rights == region.rights => last.end = region.end,
            _ => list.push(*region),
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests;
