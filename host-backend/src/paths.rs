//! Where the daemon's socket, lock files and log live.

use std::env;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{BackendError, Context, Result};

/// The runtime directory and the names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeDir(PathBuf);

impl RuntimeDir {
    /// Takes `dir` as it is.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// `$UNIRANK_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/unirank`, else `/tmp/unirank-<uid>`.
    pub fn from_env() -> Self {
        if let Some(dir) = env::var_os("UNIRANK_RUNTIME_DIR").filter(|d| !d.is_empty()) {
            return Self(dir.into());
        }
        if let Some(dir) = env::var_os("XDG_RUNTIME_DIR").filter(|d| !d.is_empty()) {
            return Self(Path::new(&dir).join("unirank"));
        }
        Self(PathBuf::from(format!("/tmp/unirank-{}", rustix::process::geteuid().as_raw())))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Creates the directory with mode 0700, or checks that it is ours alone.
    pub fn prepare(&self) -> Result<()> {
        let shown = self.0.display();
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).context(|| {
            format!("creating the runtime directory {shown} (UNIRANK_RUNTIME_DIR chooses another)")
        })?;
        let meta = std::fs::symlink_metadata(&self.0).context(|| format!("looking at {shown}"))?;
        let uid = rustix::process::geteuid().as_raw();
        if !meta.is_dir() || meta.uid() != uid {
            return Err(BackendError::Refused(format!(
                "{shown} is not a directory of user {uid}; set UNIRANK_RUNTIME_DIR to one that is"
            )));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(BackendError::Refused(format!(
                "{shown} is open to other users (mode {:o}); run chmod 700 on it",
                meta.mode() & 0o777
            )));
        }
        Ok(())
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.0.join("backend.sock")
    }

    /// Held by a client while it starts the daemon, so that two do not.
    pub fn start_lock(&self) -> PathBuf {
        self.0.join("start.lock")
    }

    /// Held by the daemon as long as it lives.
    pub fn daemon_lock(&self) -> PathBuf {
        self.0.join("backend.lock")
    }

    /// The daemon's log.
    pub fn log(&self) -> PathBuf {
        self.0.join("backend.log")
    }

    /// Records of jobs, which their runners write: `<number of the job>.json`.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs")
    }

    /// Numbers of the jobs that have a record. A new daemon goes on after the highest, so that a number means one job.
    pub fn job_numbers(&self) -> Vec<u64> {
        let entries = std::fs::read_dir(self.jobs()).into_iter().flatten().flatten();
        let number =
            |name: &str| name.strip_suffix(".json")?.parse().ok().filter(|&n| n <= u64::from(u32::MAX));
        entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn refuses_a_directory_open_to_others() {
        let dir = env::temp_dir().join(format!("unirank-paths-{}", std::process::id()));
        let runtime = RuntimeDir::new(&dir);
        runtime.prepare().unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let text = runtime.prepare().unwrap_err().to_string();
        assert!(text.contains("755") && text.contains("chmod"), "{text}");
        std::fs::remove_dir(&dir).unwrap();
    }
}
