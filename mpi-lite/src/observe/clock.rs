//! How this rank's clock differs from the host's: the time stamp counters of VMs start at different moments.
//!
//! The rank asks, a thread of the runner answers, both through the job region. The answer was given between the
//! question and its arrival; the quickest of several tells most.

use crate::platform;
use unirank_hca::vm;
use unirank_ivc::trace::Trace;

/// Most questions.
const ROUNDS: u64 = 10_000;
/// An answer that may be wrong by so little is good enough.
const GOOD_NS: u64 = 1_000;
/// How long better answers are asked for: with more ranks than processors the runner seldom runs at the same time.
const TRY_NS: u64 = 60_000_000;
/// How long the first answer may take: the runner has other things to do.
const PATIENCE_NS: u64 = 2_000_000_000;

/// Tells the runner how the clocks differ. A process has the host's clock.
pub fn compare(trace: &Trace) {
    if vm::current().is_none() {
        return;
    }
    let mut best: Option<(i64, u64)> = None;
    let mut since = None;
    for round in 1..=ROUNDS {
        let Some(answer) = ask(trace, round) else { break };
        if best.is_none_or(|(_, doubt)| answer.1 < doubt) {
            best = Some(answer);
        }
        let now = platform::now_ns();
        if answer.1 <= GOOD_NS || now - *since.get_or_insert(now) > TRY_NS {
            break;
        }
    }
    // Without an answer nothing is known.
    let (shift, doubt) = best.unwrap_or((0, u64::MAX));
    trace.set_shift(shift, doubt);
}

/// One answer: what to add to this clock, and by how much that may be wrong.
fn ask(trace: &Trace, round: u64) -> Option<(i64, u64)> {
    let asked = platform::now_ns();
    trace.ask(round);
    loop {
        let answer = trace.answer(round);
        let now = platform::now_ns();
        let took = now - asked;
        if let Some(host) = answer {
            return Some((host.wrapping_sub(asked + took / 2) as i64, took / 2));
        }
        if took > PATIENCE_NS {
            return None;
        }
        std::hint::spin_loop();
    }
}
