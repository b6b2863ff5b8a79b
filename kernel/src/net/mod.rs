//! Sockets.

/// When the network has something to do by itself, on the monotonic clock.
pub fn next_deadline_ns() -> Option<u64> {
    None
}

/// Handles what has come, and lets the device interrupt when more comes.
pub fn poll_before_sleep() {}

/// Handles what has come.
pub fn poll() {}
