//! Huge pages of the host behind ranks' memory: reserved ones of 2 MiB (hugetlbfs), where the system has enough of them. Else
//! [`collector`] puts pages together while ranks run, if there is plenty of memory.

mod collector;

pub use collector::{Collector, Request, is_plenty};

use unirank_host_backend::memory::LARGE_PAGE;

use crate::failure::{Failure, Result};
use crate::text;

/// Size of a huge page, bytes.
pub const SIZE: u64 = LARGE_PAGE as u64;
const FOLDER: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB";

/// Whether ranks' memory is in huge pages, as asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum HugePages {
    /// Reserved ones when as many are free as all ranks of this host need; else pages are put together while ranks run, if
    /// twice the memory of all ranks is available
    #[default]
    Auto,
    /// Always reserved ones; refused when there are not enough
    On,
    /// None, as far as it is not the system's own doing
    Off,
}

/// Huge pages that are reserved for nobody yet; 0 where the system has none.
pub fn free() -> u64 {
    let number =
        |name: &str| std::fs::read_to_string(format!("{FOLDER}/{name}")).ok()?.trim().parse::<u64>().ok();
    number("free_hugepages").unwrap_or(0).saturating_sub(number("resv_hugepages").unwrap_or(0))
}

/// Whether `ranks` ranks with `memory` bytes each get huge pages, of which `free` are free.
pub fn choose(choice: HugePages, ranks: u32, memory: u64, free: u64) -> Result<bool> {
    // Memory files have the size of a PCI window.
    let needed = u64::from(ranks) * memory.next_power_of_two().div_ceil(SIZE);
    match choice {
        HugePages::Off => Ok(false),
        HugePages::Auto => Ok(needed <= free),
        HugePages::On if needed <= free => Ok(true),
        HugePages::On => Err(Failure::new(format!(
            "--hugepages on: {} with {} each need {needed} free huge pages of 2 MiB, the host has {free}",
            text::ranks(ranks),
            text::size(memory)
        ))
        .remedy(format!(
            "have the administrator reserve them (sysctl vm.nr_hugepages={needed}), or leave the option out"
        ))),
    }
}

/// How the system is set up, for people.
pub fn state() -> String {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    let chosen = setting.ok().and_then(|text| Some(text.split_once('[')?.1.split_once(']')?.0.to_owned()));
    let transparent = chosen.as_deref().unwrap_or("none");
    format!(
        "{} reserved and free (`run --hugepages`); else pages are put together where memory is plenty, \
         the system itself does so for shared memory: {transparent}",
        free()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ranks_get_them_or_none() {
        let choose = |choice, free| choose(choice, 3, 80 << 20, free);
        // Three files of 128 MiB.
        assert!(choose(HugePages::Auto, 192).unwrap());
        assert!(!choose(HugePages::Auto, 191).unwrap());
        assert!(!choose(HugePages::Off, 192).unwrap());
        assert!(choose(HugePages::On, 192).unwrap());
        let text = choose(HugePages::On, 191).unwrap_err().to_string();
        assert!(
            text.contains("need 192") && text.contains("has 191") && text.contains("nr_hugepages=192"),
            "{text}"
        );
    }
}
