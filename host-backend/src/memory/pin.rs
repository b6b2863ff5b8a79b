//! Locks a rank's memory, as an adapter's driver does with what the adapter accesses.

use std::io;

use rustix::mm::{MlockFlags, mlock_with};
use rustix::process::{Resource, getrlimit};

use super::Mapping;

/// Locks the mapping's pages as they come to be used. The error names the limit and how to raise it.
pub fn pin(mapping: &Mapping) -> Result<(), String> {
    // SAFETY: the range is a mapping that lives; locking changes no contents.
    let locked = unsafe { mlock_with(mapping.base().as_ptr().cast(), mapping.len(), MlockFlags::ONFAULT) };
    locked.map_err(|e| explain(mapping.len(), e.into()))
}

fn explain(bytes: usize, error: io::Error) -> String {
    let limit = getrlimit(Resource::Memlock).current;
    let limit = limit.map_or("no limit".into(), |bytes| format!("{} KiB", bytes / 1024));
    format!(
        "locking {} MiB of memory failed ({error}): RLIMIT_MEMLOCK is {limit}; raise it with `ulimit -l unlimited` \
         or a memlock line in /etc/security/limits.conf, then start the job again (memory stays swappable until then)",
        bytes >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_limit_and_the_remedy() {
        let text = explain(512 << 20, io::Error::from_raw_os_error(12));
        assert!(
            text.contains("512 MiB") && text.contains("RLIMIT_MEMLOCK") && text.contains("ulimit -l"),
            "{text}"
        );
    }
}
