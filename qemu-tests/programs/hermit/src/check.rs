//! CHECK: counts what failed and says where.

use std::sync::atomic::{AtomicU32, Ordering};

static FAILURES: AtomicU32 = AtomicU32::new(0);

pub fn failed() -> bool {
    FAILURES.load(Ordering::SeqCst) > 0
}

pub fn fail(what: &str) {
    eprintln!("failed: {what}");
    FAILURES.fetch_add(1, Ordering::SeqCst);
}

/// The two are equal.
macro_rules! check {
    ($got:expr, $expected:expr) => {{
        let (got, expected) = ($got, $expected);
        if got != expected {
            crate::check::fail(&format!(
                "{}:{}: {} is {got:?}, not {expected:?}",
                file!(),
                line!(),
                stringify!($got)
            ));
        }
    }};
}
