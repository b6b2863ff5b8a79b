//! The entry of a program without a C library, called by `link/start.s`: thread-local storage, then the standard library's
//! `runtime_entry`.

use core::ptr;

use crate::memory;
use crate::thread::Initial;

const ARCH_SET_FS: u64 = 0x1002;
const SIGPIPE: u64 = 13;
const SIG_IGN: u64 = 1;

/// `runtime_entry(number of arguments, arguments, environment)`.
type Entry = unsafe extern "C" fn(i32, *const *const u8, *const *const u8) -> !;

/// Starts the program on the stack the kernel prepared (System V ABI for x86-64, section 3.4.1).
#[unsafe(no_mangle)]
unsafe extern "C" fn hermit_start(stack: *const usize, entry: Entry) -> ! {
    let initial = Initial::of_program();
    let area = memory::map(initial.room());
    if area.is_null() {
        let text = "not enough memory for the program's thread-local storage\n";
        linux!(WRITE, 2, text.as_ptr(), text.len());
        loop {
            linux!(EXIT_GROUP, 1);
        }
    }
    // SAFETY: fresh memory of this size.
    let pointer = unsafe { initial.fill(area, [0; 2]) };
    linux!(ARCH_PRCTL, ARCH_SET_FS, pointer);
    // Hermit has no signals: a write that nobody can read any more is an error, not the end.
    let ignore = [SIG_IGN, 0, 0, 0];
    linux!(RT_SIGACTION, SIGPIPE, &raw const ignore, ptr::null::<u8>(), 8);
    // SAFETY: the number of arguments, the arguments, null, the environment, null.
    unsafe {
        let count = stack.read();
        let arguments = stack.add(1).cast::<*const u8>();
        entry(count as i32, arguments, arguments.add(count + 1))
    }
}
