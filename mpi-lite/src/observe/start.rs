//! Tells the launcher how long the C library and the program took to `MPI_Init`, and how long that took
//! (`unirank run --boot-times`).

use std::arch::x86_64::_rdtsc;

use crate::platform;

/// Set by the launcher when it wants to know.
const WANTED: &str = "UNIRANK_BOOT_TIMES";

/// When `MPI_Init` began, if the launcher wants to know.
#[derive(Clone, Copy, Debug)]
pub struct InitBegun(Option<u64>);

fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and both Linux and the library OS let programs use it.
    unsafe { _rdtsc() }
}

/// `MPI_Init` begins.
pub fn init_begins() -> InitBegun {
    InitBegun(std::env::var_os(WANTED).map(|_| ticks()))
}

/// `MPI_Init` is done.
pub fn init_done(begun: InitBegun) {
    if let Some(begun) = begun.0 {
        let done = ticks();
        platform::notify(&format!("boot {} program={begun} MPI_Init={done}", ticks()));
    }
}
