//! How the host hears of the rank: lines on the control console.
//!
//! Until the console works, lines are kept; with `debugcon` on the PVH command line everything also goes to QEMU's debug
//! console, one gate call per byte.

use crate::cell::KernelCell;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

struct Sinks {
    ctl: Option<fn(&[u8])>,
    stderr: Option<fn(&[u8])>,
    early: Vec<u8>,
    debugcon: bool,
}

static SINKS: KernelCell<Sinks> =
    KernelCell::new(Sinks { ctl: None, stderr: None, early: Vec::new(), debugcon: false });

/// Sends one line to the host: `ctl!("hello {version}")`.
#[macro_export]
macro_rules! ctl {
    ($($arg:tt)*) => { $crate::log::line("", ::core::format_args!($($arg)*)) };
}

/// Tells the user something, once, in one line.
#[macro_export]
macro_rules! note {
    ($($arg:tt)*) => { $crate::log::line("note ", ::core::format_args!($($arg)*)) };
}

/// Writes to the debug console only.
#[macro_export]
macro_rules! debug {
    ($($arg:tt)*) => { $crate::log::debug_line(::core::format_args!($($arg)*)) };
}

/// Turns the debug console on.
pub fn enable_debugcon() {
    SINKS.borrow().debugcon = true;
}

/// Sets the control console and sends it what was said before.
pub fn set_ctl(sink: fn(&[u8])) {
    let early = {
        let mut sinks = SINKS.borrow();
        sinks.ctl = Some(sink);
        core::mem::take(&mut sinks.early)
    };
    if !early.is_empty() {
        sink(&early);
    }
}

/// Sets the program's standard error, for what the user must see of a rank that ends.
pub fn set_stderr(sink: fn(&[u8])) {
    SINKS.borrow().stderr = Some(sink);
}

/// One control line. Line breaks in the text would start another line and become spaces.
pub fn line(prefix: &str, text: core::fmt::Arguments) {
    let mut line = String::from(prefix);
    let _ = line.write_fmt(text);
    send_line(line.into_bytes());
}

/// One control line of bytes.
pub fn send_line(mut line: Vec<u8>) {
    for byte in &mut line {
        if *byte == b'\n' || *byte == b'\r' {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    debug_bytes(&line);
    // The sink runs without the cell borrowed: the console may itself have something to say.
    let Some(mut sinks) = SINKS.try_borrow() else { return };
    match sinks.ctl {
        Some(sink) => {
            drop(sinks);
            sink(&line);
        }
        None => sinks.early.extend_from_slice(&line),
    }
}

/// Writes to the program's standard error.
pub fn stderr(text: &[u8]) {
    debug_bytes(text);
    let sink = SINKS.try_borrow().and_then(|sinks| sinks.stderr);
    if let Some(sink) = sink {
        sink(text);
    }
}

/// One line on the debug console.
pub fn debug_line(text: core::fmt::Arguments) {
    if !debugcon_enabled() {
        return;
    }
    let mut line = String::new();
    let _ = line.write_fmt(text);
    line.push('\n');
    debug_bytes(line.as_bytes());
}

/// True when the debug console is on.
pub fn debugcon_enabled() -> bool {
    SINKS.try_borrow().is_some_and(|sinks| sinks.debugcon)
}

/// Bytes on the debug console.
pub fn debug_bytes(bytes: &[u8]) {
    if debugcon_enabled() {
        for &byte in bytes {
            crate::gate::outb(0xe9, byte);
        }
    }
}
