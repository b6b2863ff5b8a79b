//! QEMU's monitor (QMP): the runner asks it how often a VM left its processor.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;
use serde_json::{Map, Value, json};

/// How long the monitor may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest answer taken.
const MOST: usize = 1 << 20;

/// Counters of the processors, added up, by name, `exits` and its kinds among them; KVM only, otherwise an error.
pub fn exits(qmp: &OwnedFd) -> io::Result<Map<String, Value>> {
    // Answered with an error when it was negotiated before; that is as good.
    ask(qmp, &json!({ "execute": "qmp_capabilities", "id": "c" }), "c")?;
    let request = json!({ "execute": "query-stats", "arguments": { "target": "vcpu" }, "id": "s" });
    let answer = ask(qmp, &request, "s")?;
    if let Some(error) = answer.get("error") {
        return Err(io::Error::other(error["desc"].as_str().unwrap_or("refused").to_owned()));
    }
    let mut counters = Map::new();
    for entry in answer["return"].as_array().into_iter().flatten() {
        for stat in entry["stats"].as_array().into_iter().flatten() {
            if let (Some(name), true) = (stat["name"].as_str(), stat["value"].is_u64()) {
                // One entry for each processor.
                let sum = counters.get(name).and_then(Value::as_u64).unwrap_or(0);
                counters.insert(name.to_owned(), (sum + stat["value"].as_u64().unwrap_or(0)).into());
            }
        }
    }
    Ok(counters)
}

/// Sends a request and reads until its answer, over greetings and events.
fn ask(qmp: &OwnedFd, request: &Value, id: &str) -> io::Result<Value> {
    rustix::io::write(qmp, format!("{request}\n").as_bytes())?;
    let give_up = Instant::now() + ANSWER;
    let mut bytes = Vec::new();
    loop {
        let left = give_up.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(qmp, PollFlags::IN)], Some(&timeout)) {
            // Another rank's end is told by a signal.
            Err(Errno::INTR) => continue,
            ready if ready? > 0 && bytes.len() <= MOST => {}
            _ => return Err(io::Error::new(io::ErrorKind::TimedOut, "QEMU's monitor does not answer")),
        }
        let mut buffer = [0; 16 << 10];
        match rustix::io::read(qmp, &mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
        while let Some(end) = bytes.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            match serde_json::from_slice::<Value>(&line) {
                Ok(value) if value["id"] == id => return Ok(value),
                _ => {}
            }
        }
    }
}
