//! Memory of ranks: sealed memory files, and whether the host has enough.
//!
//! A memfd lives in the kernel's own tmpfs mount: the size limit of /dev/shm does not apply to it, and it has no name
//! that could be left behind.

use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;

use super::hugepages::{self, HugePages};
use super::options::{DEFAULT_MEMORY, LEAST_MEMORY};
use crate::failure::{Context, Failure, Result};
use crate::text;

/// Size of the HCA's device region.
pub const REGION_SIZE: u64 = 1 << 20;
/// Size of a native rank's arena for queues; pages that are not used cost nothing.
pub const DMA_ARENA_SIZE: u64 = 64 << 20;
/// What QEMU itself takes for one rank, bytes (measured: 30 to 40 MiB resident, most of it shared).
const QEMU_OVERHEAD: u64 = 24 << 20;

/// Creates a zeroed memory file whose size nobody can change: neither a rank nor the runner can then make the
/// backend's accesses fault.
pub fn sealed(name: &str, size: u64) -> Result<OwnedFd> {
    create(name, size, MemfdFlags::empty())
}

fn create(name: &str, size: u64, pages: MemfdFlags) -> Result<OwnedFd> {
    let what = || format!("creating a memory file of {} for {name}", text::size(size));
    let file = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | pages).context(what)?;
    ftruncate(&file, size).context(what)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).context(what)?;
    Ok(file)
}

/// What the memory of each rank is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RankMemory {
    /// Bytes; 0 for ranks that are processes.
    pub bytes: u64,
    /// Which pages of the host it is in.
    pub pages: Pages,
}

/// Pages of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// Of 4 KiB, unless the system puts them together.
    #[default]
    Small,
    /// The same, put together by [`hugepages::Collector`].
    Collected,
    /// Reserved huge pages.
    Reserved,
}

impl RankMemory {
    /// The memory file of a rank, as large as the PCI window through which others see it.
    pub fn file(self) -> Result<OwnedFd> {
        let pages = match self.pages {
            Pages::Reserved => MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB,
            Pages::Small | Pages::Collected => MemfdFlags::empty(),
        };
        create("unirank-ram", self.bytes.next_power_of_two(), pages)
    }
}

/// Creates a read-mostly memory file with these contents.
pub fn with_contents(name: &str, contents: &[u8]) -> Result<OwnedFd> {
    let what = || format!("creating a memory file for {name}");
    let file = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).context(what)?;
    let mut written = 0;
    while written < contents.len() {
        written += rustix::io::pwrite(&file, &contents[written..], written as u64).context(what)?;
    }
    seal(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL).context(what)?;
    Ok(file)
}

/// Seals a file against writes. The system refuses that while it holds on to a page itself, as it does for moments when it moves
/// pages together; one attempt waits some 0.1 s for that.
fn seal(file: &OwnedFd, seals: SealFlags) -> rustix::io::Result<()> {
    const ATTEMPTS: usize = 20;
    let mut attempts = (0..ATTEMPTS).map(|_| fcntl_add_seals(file, seals));
    attempts.find(|outcome| *outcome != Err(Errno::BUSY)).unwrap_or(Err(Errno::BUSY))
}

/// Memory for each rank, and a line to tell the user when it is less than usual. `collects`: large pages mean something to
/// the way in which ranks run.
pub fn per_rank(
    asked: Option<u64>,
    ranks: u32,
    least: u64,
    huge: HugePages,
    collects: bool,
) -> Result<(RankMemory, Option<String>)> {
    // Reserved pages are not among those that the host has available.
    let wanted = asked.unwrap_or(DEFAULT_MEMORY.max(least));
    if hugepages::choose(huge, ranks, wanted, hugepages::free())? {
        let (bytes, notice) = plan(asked, ranks, least, None)?;
        return Ok((RankMemory { bytes, pages: Pages::Reserved }, notice));
    }
    let available = host_available();
    let (bytes, notice) = plan(asked, ranks, least, available)?;
    let is_plenty = available.is_some_and(|available| hugepages::is_plenty(ranks, bytes, available));
    let pages = match huge {
        HugePages::Auto if collects && is_plenty => Pages::Collected,
        _ => Pages::Small,
    };
    Ok((RankMemory { bytes, pages }, notice))
}

/// `MemAvailable` of /proc/meminfo in bytes; `None` where the system does not tell.
fn host_available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn plan(asked: Option<u64>, ranks: u32, least: u64, available: Option<u64>) -> Result<(u64, Option<String>)> {
    let least = least.max(LEAST_MEMORY);
    if let Some(asked) = asked.filter(|&a| a < least) {
        return Err(Failure::new(format!(
            "--mem {} is too little for this image: it needs {}",
            text::size(asked),
            text::size(least)
        ))
        .remedy(format!("say --mem {}M or more", least.div_ceil(1 << 20))));
    }
    let wanted = asked.unwrap_or(DEFAULT_MEMORY.max(least));
    let Some(available) = available else { return Ok((wanted, None)) };
    let fair = (available / u64::from(ranks)).saturating_sub(QEMU_OVERHEAD) & !(hugepages::SIZE - 1);
    if wanted <= fair {
        return Ok((wanted, None));
    }
    let short = format!(
        "{} with {} each need {}, the host has {} available",
        text::ranks(ranks),
        text::size(wanted),
        text::size((wanted + QEMU_OVERHEAD) * u64::from(ranks)),
        text::size(available)
    );
    if fair < least {
        let most = available / (least + QEMU_OVERHEAD);
        return Err(Failure::new(short).remedy(format!(
            "run fewer ranks ({most} fit with {} each), free memory, or use more hosts",
            text::size(least)
        )));
    }
    match asked {
        Some(_) => {
            Err(Failure::new(short).remedy(format!("say --mem {}M or less, or run fewer ranks", fair >> 20)))
        }
        None => Ok((fair, Some(format!("{short}: each rank gets {}", text::size(fair))))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_memory_file_keeps_its_size() {
        let file = sealed("test", REGION_SIZE).unwrap();
        assert_eq!(ftruncate(&file, 0), Err(Errno::PERM));
        assert_eq!(ftruncate(&file, REGION_SIZE * 2), Err(Errno::PERM));
        let file = with_contents("test", b"abc").unwrap();
        assert_eq!(rustix::io::pwrite(&file, b"x", 0), Err(Errno::PERM));
    }

    #[test]
    fn plenty_gives_the_default_without_a_word() {
        assert_eq!(plan(None, 4, 0, Some(8 * GIB)).unwrap(), (DEFAULT_MEMORY, None));
        assert_eq!(plan(None, 4, 0, None).unwrap(), (DEFAULT_MEMORY, None));
        assert_eq!(plan(None, 1, 2 * GIB, Some(8 * GIB)).unwrap(), (2 * GIB, None));
    }

    #[test]
    fn a_small_host_gives_less_and_says_so() {
        let (memory, notice) = plan(None, 16, 0, Some(4 * GIB)).unwrap();
        assert!((LEAST_MEMORY..DEFAULT_MEMORY).contains(&memory));
        assert!(notice.unwrap().contains("the host has 4 GiB available"));
    }

    #[test]
    fn what_was_asked_for_is_never_changed() {
        let text = plan(Some(GIB), 16, 0, Some(4 * GIB)).unwrap_err().to_string();
        assert!(text.contains("say --mem") && text.contains("or less"), "{text}");
        let text = plan(Some(64 << 20), 1, 100 << 20, Some(4 * GIB)).unwrap_err().to_string();
        assert!(text.contains("say --mem 100M or more"), "{text}");
        let text = plan(None, 1000, 0, Some(GIB)).unwrap_err().to_string();
        assert!(text.contains("run fewer ranks"), "{text}");
    }
}
