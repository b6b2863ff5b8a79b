//! A panic of the kernel: told like a fault, ends the rank.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let location = info.location().map_or(("?", 0), |l| (l.file(), l.line()));
    crate::fault::kernel_panic(format_args!(
        "kernel panic at {}:{}: {}",
        location.0,
        location.1,
        info.message()
    ))
}
