//! A panic of these functions: none is meant to happen, and the program cannot go on.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let place = info.location().map_or("an unknown place", |location| location.file());
    for text in ["panic in ", place, "\n"] {
        linux!(WRITE, 2, text.as_ptr(), text.len());
    }
    // SAFETY: ends the program.
    unsafe { crate::process::sys_abort() }
}
