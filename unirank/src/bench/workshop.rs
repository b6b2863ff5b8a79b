//! Where benchmark programs are compiled and run: a folder that goes away with the benchmark, and commands that end
//! in bounded time or when the user presses Ctrl-C.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use unirank_images::layout::Layout;

use crate::failure::{Context, Failure, Result};
use crate::text::printable;

/// How often a running command is looked at; seldom, as looking takes time from what is measured.
const LOOK: Duration = Duration::from_millis(50);
/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long a compiler may take.
const COMPILE: Duration = Duration::from_secs(300);
/// Most characters of a failed command's words that are shown.
const WORDS: usize = 2000;

/// A folder with the programs built so far.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
    layout: Layout,
    interrupted: Arc<AtomicBool>,
}

impl Workshop {
    /// Makes the folder and takes over Ctrl-C, so that the folder goes away then, too.
    pub fn new() -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
        {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .context(|| "taking over signals".into())?;
        }
        let layout = Layout::of_current_exe().context(|| "finding this program's folder".into())?;
        let folder = std::env::temp_dir().join(format!("unirank-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).context(|| format!("creating {}", folder.display()))?;
        Ok(Self { folder, layout, interrupted })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of this installation.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.layout.bin().join(name)
    }

    /// A source file of a benchmark program.
    pub fn source(&self, name: &str) -> Result<PathBuf> {
        let path = self.layout.bench_sources().join(name);
        if path.exists() {
            return Ok(path);
        }
        Err(Failure::new(format!("{} is missing", path.display()))
            .remedy("run `make`, or install unirank again"))
    }

    /// Compiles `source` with `compiler` into a program called `name`.
    pub fn compile<S: AsRef<OsStr>>(
        &self,
        compiler: impl AsRef<OsStr>,
        source: &str,
        name: &str,
        flags: &[S],
    ) -> Result<PathBuf> {
        let output = self.folder.join(name);
        let mut command = Command::new(compiler);
        // Libraries among the flags belong after what needs them.
        command.arg("-O2").arg(self.source(source)?).args(flags).arg("-o").arg(&output);
        self.run(command, COMPILE)?;
        Ok(output)
    }

    /// Runs a command to its end and returns its standard output; standard error is shown only if it fails.
    pub fn run(&self, mut command: Command, limit: Duration) -> Result<String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let (out, err) = (self.folder.join("stdout"), self.folder.join("stderr"));
        let create = |path: &PathBuf| File::create(path).context(|| format!("creating {}", path.display()));
        command.stdin(Stdio::null()).stdout(create(&out)?).stderr(create(&err)?).current_dir(&self.folder);
        let child = command.spawn().context(|| format!("starting {program}"))?;
        let success =
            self.wait(child, limit).map_err(|f| Failure { cause: format!("{program}: {}", f.cause), ..f })?;
        let text = read(&out);
        if success {
            return Ok(text);
        }
        let words: String = (read(&err) + &text).chars().take(WORDS).collect();
        Err(Failure::new(format!("{program} failed: {}", printable(words.trim()))))
    }

    /// Waits for a command; whether it ended with status 0.
    fn wait(&self, mut child: Child, limit: Duration) -> Result<bool> {
        let give_up = Instant::now() + limit;
        loop {
            if let Some(status) = child.try_wait().context(|| "waiting for a command".into())? {
                self.check_interrupted()?;
                return Ok(status.success());
            }
            let late = Instant::now() >= give_up;
            if late || self.interrupted.load(Ordering::Relaxed) {
                end(&mut child);
                self.check_interrupted()?;
                return Err(Failure::new(format!("did not end within {} s", limit.as_secs())));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Fails if the user wants to stop.
    pub fn check_interrupted(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Failure::new("stopped").status(130));
        }
        Ok(())
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // In the system's folder for temporary files, where what stays behind is removed some day.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Asks a process to end, and ends it if it does not.
fn end(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Not yet waited for, so the number is still its own.
        let _ = kill_process(pid, Signal::TERM);
    }
    let give_up = Instant::now() + GRACE;
    while Instant::now() < give_up {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn commands_are_bounded_and_the_folder_goes_away() {
        let workshop = Workshop::new().unwrap();
        let limit = Duration::from_secs(30);
        assert_eq!(
            workshop.run(shell("pwd; echo no >&2"), limit).unwrap().trim(),
            workshop.folder().to_str().unwrap()
        );
        let failure = workshop.run(shell("echo broken >&2; exit 3"), limit).unwrap_err();
        assert!(failure.cause.contains("sh failed: broken"), "{failure}");
        let failure = workshop.run(shell("sleep 60"), Duration::from_millis(100)).unwrap_err();
        assert!(failure.cause.contains("did not end within"), "{failure}");
        let failure = workshop.run(Command::new("no-such-program-here"), limit).unwrap_err();
        assert!(failure.cause.contains("starting no-such-program-here"), "{failure}");
        workshop.interrupted.store(true, Ordering::Relaxed);
        assert_eq!(workshop.run(shell("sleep 60"), limit).unwrap_err().status, 130);
        let folder = workshop.folder().to_owned();
        drop(workshop);
        assert!(!folder.exists());
    }
}
