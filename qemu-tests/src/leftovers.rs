//! What a job must not leave behind: processes, and files in /dev/shm.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What was there before a test.
pub struct Leftovers {
    shared_memory: BTreeSet<PathBuf>,
}

impl Leftovers {
    /// Looks now.
    pub fn before() -> Leftovers {
        Leftovers { shared_memory: shared_memory() }
    }

    /// Fails if processes of the job `launcher` (which has ended) live on or shared memory files were added.
    ///
    /// # Panics
    /// When something is left after five seconds, naming it.
    pub fn none_of(&self, processes: &[u32]) {
        let began = Instant::now();
        loop {
            let alive: Vec<u32> = processes.iter().copied().filter(|&pid| is_alive(pid)).collect();
            let files: Vec<PathBuf> = shared_memory().difference(&self.shared_memory).cloned().collect();
            if alive.is_empty() && files.is_empty() {
                return;
            }
            let patience = Duration::from_secs(5);
            assert!(began.elapsed() < patience, "left behind: processes {alive:?}, files {files:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn shared_memory() -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir("/dev/shm").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|p| p.to_string_lossy().contains("unirank"))
        .collect()
}

/// Running, that is, neither gone nor a zombie.
fn is_alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z')
}

fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// All living processes below `ancestor`, itself left out, with their names.
pub fn descendants(ancestor: u32) -> Vec<(u32, String)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|e| e.file_name().to_string_lossy().parse::<u32>().ok());
    let parents: HashMap<u32, u32> = pids.filter_map(|pid| Some((pid, state_and_parent(pid)?.1))).collect();
    let below = |mut pid: u32| {
        while let Some(&parent) = parents.get(&pid) {
            if parent == ancestor {
                return true;
            }
            pid = parent;
        }
        false
    };
    let name =
        |pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    let mut found: Vec<(u32, String)> =
        parents.keys().filter(|&&p| below(p)).map(|&p| (p, name(p))).collect();
    found.sort_unstable();
    found
}
