//! The daemon's log: one file, capped, the one before kept beside it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use log::{LevelFilter, Log, Metadata, Record};

use crate::error::{Context, Result};

/// Size at which the log is turned over to `<name>.old`.
const CAP: u64 = 1 << 20;

struct Open {
    file: File,
    written: u64,
}

/// A logger into a file of at most [`CAP`] bytes.
pub(crate) struct LogFile {
    path: PathBuf,
    open: Mutex<Open>,
}

impl LogFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .context(|| format!("opening the log {}", path.display()))?;
        let written = file.metadata().map(|m| m.len()).unwrap_or(0);
        Ok(Self { path: path.into(), open: Mutex::new(Open { file, written }) })
    }

    /// Makes this the process's logger; an earlier one stays.
    pub(crate) fn install(self) {
        if log::set_boxed_logger(Box::new(self)).is_ok() {
            log::set_max_level(LevelFilter::Info);
        }
    }

    fn write(&self, line: &str) {
        let Ok(mut open) = self.open.lock() else { return };
        if open.written + line.len() as u64 > CAP {
            let old = self.path.with_extension("log.old");
            // A log that cannot be turned over starts anew: the cap is what must hold.
            let _ = std::fs::rename(&self.path, old);
            if let Ok(file) = OpenOptions::new().create(true).write(true).truncate(true).open(&self.path) {
                *open = Open { file, written: 0 };
            }
        }
        if open.file.write_all(line.as_bytes()).is_ok() {
            open.written += line.len() as u64;
        }
    }
}

impl Log for LogFile {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.write(&format!(
                "{}.{:03} {} {}\n",
                now.as_secs(),
                now.subsec_millis(),
                record.level(),
                record.args()
            ));
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_below_its_cap() {
        let dir = std::env::temp_dir().join(format!("unirank-log-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("backend.log");
        let log = LogFile::open(&path).unwrap();
        let line = "x".repeat(1000);
        for _ in 0..3000 {
            log.write(&line);
        }
        assert!(std::fs::metadata(&path).unwrap().len() <= CAP);
        assert!(std::fs::metadata(dir.join("backend.log.old")).unwrap().len() <= CAP);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
