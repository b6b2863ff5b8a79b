//! Binds the host backend's engine to one processor core for the time of a measurement.

use std::path::Path;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use unirank_host_backend::client::Client;

use crate::failure::{Context, Failure, Result};

/// The engine's thread in the host backend, bound while this lives.
#[derive(Debug)]
pub struct EngineOn {
    thread: Pid,
    before: CpuSet,
    /// Keeps the backend from ending before the job begins.
    _client: Client,
}

impl EngineOn {
    /// Binds it to `core`; starts the backend if there is none.
    pub fn core(core: usize) -> Result<Self> {
        let exe = std::env::current_exe().context(|| "finding this program".into())?;
        let client = Client::connect_or_start(&exe).context(|| "the host backend cannot be used".into())?;
        let thread =
            engine_thread(Path::new("/proc").join(client.daemon_pid().to_string()).join("task").as_path())?;
        let what = || "binding the host backend's engine to a core".into();
        let before = sched_getaffinity(Some(thread)).context(what)?;
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(Some(thread), &set).context(what)?;
        Ok(Self { thread, before, _client: client })
    }
}

impl Drop for EngineOn {
    fn drop(&mut self) {
        // A backend that has ended has no binding to undo.
        let _ = sched_setaffinity(Some(self.thread), &self.before);
    }
}

fn engine_thread(tasks: &Path) -> Result<Pid> {
    let entries = std::fs::read_dir(tasks).context(|| format!("reading {}", tasks.display()))?;
    entries
        .flatten()
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "engine")
        })
        .find_map(|task| Pid::from_raw(task.file_name().to_str()?.parse().ok()?))
        .ok_or_else(|| Failure::new("the host backend has no thread called engine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_is_found_by_its_name() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let named =
            std::thread::Builder::new().name("engine".into()).spawn(move || wait.recv().is_ok()).unwrap();
        let found = (0..100).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            engine_thread(Path::new("/proc/self/task")).ok()
        });
        assert_ne!(found.unwrap(), rustix::process::getpid());
        drop(stop);
        named.join().unwrap();
    }
}
