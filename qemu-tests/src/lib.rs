//! Boots real VMs: what the tests in `tests/` share.
//!
//! The tests use the commands that `make` leaves under `build/`, as a user would: programs are compiled by
//! `build/bin/mpicc` and its kin and started by `build/bin/unirank run`. Each test names the accelerators it runs
//! under; [`accelerators`] gives all at hand, and TCG always works.
#![forbid(unsafe_code)]

mod job;
mod leftovers;
mod program;
pub mod registry;

pub use job::{Job, Outcome, Running};
pub use leftovers::{Leftovers, descendants};
pub use program::Program;

use std::path::PathBuf;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// A command that `make` built.
///
/// # Panics
/// When it is not there: the tests need `make` to have run.
pub fn tool(name: &str) -> PathBuf {
    let path = root().join("build/bin").join(name);
    assert!(path.exists(), "{} is missing: run `make` before these tests (`make test` does)", path.display());
    path
}

/// Whether /dev/kvm can be used here.
pub fn has_kvm() -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok()
}

/// The accelerators at hand for VMs, the fastest first. TCG is always one of them.
pub fn accelerators() -> Vec<&'static str> {
    if has_kvm() { vec!["kvm", "tcg"] } else { vec!["tcg"] }
}

/// The accelerator for tests that need one only.
pub fn accelerator() -> &'static str {
    accelerators()[0]
}

/// [`accelerators`] and Linux processes: the same image runs everywhere.
pub fn everywhere() -> Vec<&'static str> {
    let mut all = accelerators();
    all.push("native");
    all
}
