//! Which cores a rank has, and binding each of its VM's processors to one.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};

/// The cores of a rank: `cpus` of those to bind to, one rank's after the other's, round again when they are used up.
pub fn cores_of(all: &[usize], rank: u32, cpus: u32) -> Vec<usize> {
    let count = all.len().min(cpus as usize);
    (0..count).map(|i| all[(rank as usize * cpus as usize + i) % all.len()]).collect()
}

/// Binds the processors of a VM to one core each, in order. A processor whose thread is not found, or a core that has
/// gone offline, stays bound to all of the rank's cores, as the whole process is.
pub fn bind_processors(qemu: u32, cores: &[usize]) {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{qemu}/task")) else { return };
    for task in tasks.flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let thread = task.file_name().to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
        let core = processor(&name).and_then(|number| cores.get(number));
        if let (Some(thread), Some(&core)) = (thread, core) {
            let mut set = CpuSet::new();
            set.set(core);
            let _ = sched_setaffinity(Some(thread), &set);
        }
    }
}

/// Number of the processor that a thread of QEMU is, by the thread's name: `CPU 1/KVM`.
fn processor(name: &str) -> Option<usize> {
    name.trim().strip_prefix("CPU ")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_take_turns() {
        assert_eq!(cores_of(&[4, 5, 6, 7], 1, 2), [6, 7]);
        assert_eq!(cores_of(&[4, 5, 6, 7], 2, 2), [4, 5]);
        assert_eq!(cores_of(&[4, 5], 3, 1), [5]);
        assert_eq!(cores_of(&[4, 5], 0, 3), [4, 5]);
        assert!(cores_of(&[], 3, 2).is_empty());
    }

    #[test]
    fn processors_are_known_by_name() {
        assert_eq!(processor("CPU 0/KVM\n"), Some(0));
        assert_eq!(processor("CPU 12/TCG"), Some(12));
        assert_eq!(processor("IO mon_iothread"), None);
    }
}
