//! A job under test: `unirank run` with a bound on its time.

use crate::{Program, tool};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A command line in the making.
pub struct Job {
    command: Command,
    arguments: Vec<String>,
    program: Program,
    input: Vec<u8>,
    hold_input: bool,
    limit: Duration,
}

/// What a job did.
#[derive(Debug)]
pub struct Outcome {
    /// Exit status of `unirank run`; 128 + n if signal n killed it.
    pub status: i32,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
    /// Wall clock from start to exit.
    pub took: Duration,
}

/// A job that runs.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    began: Instant,
    limit: Duration,
    stdout: Stream,
    stderr: Stream,
}

/// What came out of a stream so far, and the thread that reads it.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Job {
    /// One rank of `program` under `accelerator`.
    pub fn new(program: &Program, accelerator: &str) -> Job {
        let mut command = Command::new(tool("unirank"));
        command.args(["run", "--accel", accelerator]);
        Job {
            command,
            arguments: Vec::new(),
            program: program.clone(),
            input: Vec::new(),
            hold_input: false,
            limit: Duration::from_secs(120),
        }
    }

    /// So many ranks.
    pub fn ranks(self, n: u32) -> Job {
        let n = n.to_string();
        self.option(&["-n", n.as_str()])
    }

    /// Options of `unirank run`.
    pub fn option(mut self, options: &[&str]) -> Job {
        self.command.args(options);
        self
    }

    /// Arguments of the program.
    pub fn args(mut self, arguments: &[&str]) -> Job {
        self.arguments.extend(arguments.iter().map(|&a| a.to_owned()));
        self
    }

    /// A variable in the environment of `unirank run`.
    pub fn env(mut self, name: &str, value: &str) -> Job {
        self.command.env(name, value);
        self
    }

    /// Where it runs.
    pub fn current_dir(mut self, directory: &Path) -> Job {
        self.command.current_dir(directory);
        self
    }

    /// Standard input; empty otherwise.
    pub fn input(mut self, bytes: &[u8]) -> Job {
        self.input = bytes.to_vec();
        self
    }

    /// Standard input stays open: see [`Running::send`].
    pub fn hold_input(mut self) -> Job {
        self.hold_input = true;
        self
    }

    /// The time after which the test fails.
    pub fn limit(mut self, seconds: u64) -> Job {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When `unirank` cannot be started.
    pub fn start(mut self) -> Running {
        self.command.arg(self.program.path()).args(&self.arguments);
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}", self.command));
        let held = if self.hold_input { child.stdin.take() } else { None };
        if let Some(mut stdin) = child.stdin.take() {
            let input = self.input;
            // A program that does not read its input closes the pipe: nothing to test here.
            std::thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let (stdout, stderr) = (Stream::of(child.stdout.take()), Stream::of(child.stderr.take()));
        Running { child, stdin: held, began: Instant::now(), limit: self.limit, stdout, stderr }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it takes longer than its limit: it is killed and what it printed is in the message.
    pub fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Runs it and expects success.
    ///
    /// # Panics
    /// When the status is not 0, with what it printed.
    pub fn succeed(self) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.status, 0, "{outcome:#?}");
        outcome
    }
}

impl Running {
    /// Process id of `unirank run`.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to standard input, which was held open.
    ///
    /// # Panics
    /// When it was not, or the job does not take it.
    pub fn send(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("Job::hold_input was called");
        stdin.write_all(bytes).expect("unirank reads its input");
    }

    /// Waits until standard output has `text`.
    ///
    /// # Panics
    /// When the job's limit passes first.
    pub fn says(&self, text: &str) {
        while !self.stdout.so_far().contains(text) {
            let said = (self.stdout.so_far(), self.stderr.so_far());
            assert!(self.began.elapsed() < self.limit, "no `{text}` in {said:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end; see [`Job::run`].
    ///
    /// # Panics
    /// As [`Job::run`].
    pub fn wait(mut self) -> Outcome {
        let mut late = false;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if self.began.elapsed() > self.limit && !late => {
                    late = true;
                    // Ask first, so that it cleans up after itself.
                    let pid = rustix::process::Pid::from_child(&self.child);
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                }
                Ok(None) if self.began.elapsed() > self.limit + Duration::from_secs(10) => {
                    let _ = self.child.kill();
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Err(e) => panic!("cannot wait for unirank: {e}"),
            }
        };
        let outcome = Outcome {
            status: code(status),
            took: self.began.elapsed(),
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        };
        assert!(!late, "not done after {:?}: {outcome:#?}", self.limit);
        outcome
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

impl Stream {
    fn of(stream: Option<impl Read + Send + 'static>) -> Stream {
        let text = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let Some(mut stream) = stream else { return };
            let mut piece = [0; 65536];
            // What was read before an error still tells more than nothing.
            while let Ok(n @ 1..) = stream.read(&mut piece) {
                written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..n]);
            }
        });
        Stream { text, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// All of it; waits for its end.
    fn all(self) -> String {
        let Stream { text, reader } = self;
        // A reader does not panic; if it did, there is still the text.
        let _ = reader.join();
        String::from_utf8_lossy(&text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
