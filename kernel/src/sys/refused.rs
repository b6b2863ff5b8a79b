//! Calls a rank cannot have: one process per VM. They fail, and the user is told once what to do.

use super::{first_time, nr};
use crate::cell::KernelCell;
use crate::errno::{Errno, SysResult};

static TOLD: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);

/// The family's calls.
pub fn call(number: u64, _: &[u64; 6]) -> Option<SysResult> {
    let (errno, what, remedy) = match number {
        // The C library tries clone3 first and then clone: the second has the message. Threads never come here.
        nr::CLONE3 => return Some(Err(Errno::ENOSYS)),
        nr::CLONE | nr::FORK | nr::VFORK => {
            (Errno::ENOSYS, "start a process", "a rank is one process: run the other program on the host")
        }
        nr::EXECVE | nr::EXECVEAT => {
            (Errno::ENOSYS, "run another program", "a rank is one program: run the other one on the host")
        }
        nr::PTRACE => (Errno::EPERM, "trace a process", "start the image natively under the debugger"),
        nr::INOTIFY_INIT | nr::INOTIFY_INIT1 | nr::FANOTIFY_INIT => (
            Errno::ENOSYS,
            "be told of changes of files",
            "look at the file's times (stat) in the program's loop",
        ),
        _ => return None,
    };
    tell(number, what, remedy);
    Some(Err(errno))
}

fn tell(number: u64, what: &str, remedy: &str) {
    if first_time(&TOLD, number) {
        let name = nr::name(number).unwrap_or("?");
        note!("the program wants to {what} ({name}), which a rank cannot do: {remedy}");
    }
}

/// The GS base is the kernel's.
pub fn gs_base() -> Errno {
    tell(nr::ARCH_PRCTL, "set the GS base", "thread-local data is reached through FS, as compilers do");
    Errno::EPERM
}
