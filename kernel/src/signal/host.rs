//! Signals from outside: `unirank run` passes those on that somebody sent to it, as lines on the control console.

use super::number::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, name};
use super::{Info, send_to_process};
use crate::console;

/// Signals the runner passes on; a line that names another one is not its.
const PASSED_ON: [u32; 5] = [SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM];

/// Takes what came on the control console and sends the signals it names.
pub fn poll_host() {
    while let Some(signal) = console::take_signal() {
        if !PASSED_ON.contains(&signal) {
            note!("the host asks for a signal it has no business to send: {} ({signal})", name(signal));
        } else if send_to_process(Info::host(signal)).is_err() {
            note!("{} is lost: too many signals wait", name(signal));
        }
    }
}
