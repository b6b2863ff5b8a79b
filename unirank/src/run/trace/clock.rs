//! Tells ranks the host's time: the time stamp counter of each VM starts at another moment, and a timeline needs one
//! clock. A rank asks in the job region while it initialises MPI; a thread answers, since the runner's own may be busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use unirank_ivc::JobRegion;
use unirank_ivc::trace::Trace;

use super::host_ns;
use crate::failure::{Context, Result};

/// How often it is looked whether somebody asks.
const LOOK: Duration = Duration::from_millis(1);
/// How long a rank that has asked is watched closely: it asks several times in a row.
const CLOSE: Duration = Duration::from_micros(300);
/// Once all have asked and none did so for this long, none will.
const DONE: Duration = Duration::from_secs(5);

/// Answers until it is dropped.
#[derive(Debug)]
pub struct ClockKeeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ClockKeeper {
    /// Starts to answer the ranks of a region, which must stay mapped until the keeper is dropped.
    pub fn start(region: JobRegion) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::Builder::new()
            .name("clock".into())
            .spawn(move || keep(&region, &told))
            .context(|| "starting a thread".into())?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for ClockKeeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does not panic, and there is nobody to tell.
            let _ = thread.join();
        }
    }
}

fn keep(region: &JobRegion, stop: &AtomicBool) {
    let traces: Vec<Trace> = (0..region.layout().ranks).filter_map(|rank| region.trace(rank)).collect();
    let mut have_asked = vec![false; traces.len()];
    let mut asked: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        let mut found = false;
        for (trace, has_asked) in traces.iter().zip(&mut have_asked) {
            if let Some(question) = trace.question() {
                trace.tell(question, host_ns());
                (found, *has_asked) = (true, true);
            }
        }
        if found {
            asked = Some(Instant::now());
        } else if asked.is_some_and(|since| since.elapsed() < CLOSE) {
            std::hint::spin_loop();
        } else {
            if asked.is_some_and(|since| since.elapsed() > DONE) && !have_asked.contains(&false) {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::memory::RankMemory;
    use super::super::super::node::Node;
    use super::*;
    use crate::run::options::WindowRights;

    #[test]
    fn who_asks_is_answered() {
        let node = Node::create(1, 2, RankMemory::default(), 0, unirank_ivc::trace::LEAST, WindowRights::Off)
            .unwrap();
        let keeper = ClockKeeper::start(node.region()).unwrap();
        let before = host_ns();
        for rank in 0..2 {
            let trace = node.region().trace(rank).unwrap();
            for number in 1..4 {
                trace.ask(number);
                let answer = loop {
                    match trace.answer(number) {
                        Some(answer) => break answer,
                        None => std::thread::yield_now(),
                    }
                };
                assert!((before..=host_ns()).contains(&answer));
            }
        }
        drop(keeper);
    }
}
