//! Calls a rank cannot have: one process, one thread per VM. They fail, and the user is told once what to do.

use super::{first_time, nr};
use crate::cell::KernelCell;
use crate::errno::{Errno, SysResult};

/// The new thread shares the address space.
const CLONE_VM: u64 = 0x100;

static TOLD: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let (errno, what, remedy) = match number {
        // The C library tries clone3 first and then clone: the second has the message.
        nr::CLONE3 => return Some(Err(Errno::ENOSYS)),
        // What the C library's fork does.
        nr::CLONE if args[0] & CLONE_VM == 0 => {
            (Errno::ENOSYS, "start a process", "a rank is one process: run the other program on the host")
        }
        nr::CLONE => (
            Errno::EAGAIN,
            "start a thread",
            "a rank has one thread: run more ranks, or set OMP_NUM_THREADS=1 for OpenMP programs",
        ),
        nr::FORK | nr::VFORK => {
            (Errno::ENOSYS, "start a process", "a rank is one process: run the other program on the host")
        }
        nr::EXECVE | nr::EXECVEAT => {
            (Errno::ENOSYS, "run another program", "a rank is one program: run the other one on the host")
        }
        nr::PTRACE => (Errno::EPERM, "trace a process", "start the image natively under the debugger"),
        _ => return None,
    };
    if first_time(&TOLD, number) {
        let name = nr::name(number).unwrap_or("?");
        note!("the program wants to {what} ({name}), which a rank cannot do: {remedy}");
    }
    Some(Err(errno))
}
