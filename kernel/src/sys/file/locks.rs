//! File locks: flock(2) and those of fcntl(2).
//!
//! QEMU's file server grants every lock to everyone (hw/9pfs/9p.c, v9fs_lock), so a lock on a file of the host cannot
//! keep other ranks away. In a job of several ranks such a lock is therefore refused, unless `UNIRANK_LOCKS=local` says
//! that each rank is to be content with its own view. Within the rank locks work: those of fcntl belong to the process
//! and never conflict here, those of flock belong to open files and do.

use super::super::first_time;
use crate::bootconfig;
use crate::cell::KernelCell;
use crate::errno::{Errno, Result, SysResult};
use crate::fs;
use crate::fs::open::{O_ACCMODE, O_RDONLY, O_WRONLY, Object, OpenFile};
use crate::irq;
use crate::sys::nr;
use crate::user;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

const LOCK_SH: u64 = 1;
const LOCK_EX: u64 = 2;
const LOCK_NB: u64 = 4;
const LOCK_UN: u64 = 8;

const F_RDLCK: u16 = 0;
const F_WRLCK: u16 = 1;
const F_UNLCK: u16 = 2;

/// A lock of flock(2): it lives as long as its open file.
struct Held {
    by: Weak<OpenFile>,
    /// File system and file number.
    what: (u64, u64),
    exclusive: bool,
}

static HELD: KernelCell<Vec<Held>> = KernelCell::new(Vec::new());
static TOLD: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);

/// Whether other ranks may want the file, too, and would not meet a lock of this one.
fn is_out_of_reach(file: &OpenFile) -> bool {
    let config = bootconfig::get();
    let alone = config.env_var("UNIRANK_SIZE").is_none_or(|n| n == b"1");
    let local = config.env_var("UNIRANK_LOCKS").is_some_and(|how| how == b"local");
    matches!(file.object, Object::Host(_)) && !alone && !local
}

fn refuse(number: u64, errno: Errno) -> Errno {
    if first_time(&TOLD, number) {
        note!(
            "file locks do not reach the other ranks: {} gets {}; UNIRANK_LOCKS=local has locks granted within each rank",
            nr::name(number).unwrap_or("?"),
            errno.name()
        );
    }
    errno
}

pub fn flock(fd: u64, operation: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let exclusive = match operation & !LOCK_NB {
        LOCK_SH => false,
        LOCK_EX => true,
        LOCK_UN => {
            release(&file);
            irq::notify();
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL),
    };
    if is_out_of_reach(&file) {
        // Libraries that lock in passing (HDF5) take this for a file system without locks and go on.
        return Err(refuse(nr::FLOCK, Errno::ENOSYS));
    }
    let attr = file.attr()?;
    let what = (attr.dev, attr.ino);
    // A lock that changes its kind is given up first, as on Linux.
    release(&file);
    if operation & LOCK_NB != 0 {
        return if take(&file, what, exclusive) { Ok(0) } else { Err(Errno::EAGAIN) };
    }
    irq::wait_interruptible(|| take(&file, what, exclusive), None).map(|_| 0)
}

fn release(file: &Rc<OpenFile>) {
    HELD.borrow().retain(|held| held.by.strong_count() > 0 && held.by.as_ptr() != Rc::as_ptr(file));
}

fn take(file: &Rc<OpenFile>, what: (u64, u64), exclusive: bool) -> bool {
    let mut held = HELD.borrow();
    held.retain(|h| h.by.strong_count() > 0);
    let free = held.iter().all(|h| h.what != what || !(h.exclusive || exclusive));
    if free {
        held.push(Held { by: Rc::downgrade(file), what, exclusive });
    }
    free
}

/// The kind of lock that a `struct flock` asks for.
fn wanted(address: u64) -> Result<u16> {
    // l_type and l_whence, l_start, l_len, l_pid, each in its own word.
    let [kinds, ..] = user::read::<[u64; 4]>(address)?;
    if kinds >> 16 & 0xffff > 2 { Err(Errno::EINVAL) } else { Ok(kinds as u16) }
}

/// F_GETLK: no lock of another process is ever in the way.
pub fn get(file: &OpenFile, address: u64) -> Result<()> {
    match wanted(address)? {
        F_RDLCK | F_WRLCK if is_out_of_reach(file) => Err(refuse(nr::FCNTL, Errno::ENOLCK)),
        F_RDLCK | F_WRLCK => user::write(address, &F_UNLCK),
        _ => Err(Errno::EINVAL),
    }
}

/// F_SETLK and F_SETLKW.
pub fn set(file: &OpenFile, address: u64) -> Result<()> {
    let access = file.flags() & O_ACCMODE;
    match wanted(address)? {
        F_UNLCK => Ok(()),
        F_RDLCK if access == O_WRONLY => Err(Errno::EBADF),
        F_WRLCK if access == O_RDONLY => Err(Errno::EBADF),
        F_RDLCK | F_WRLCK if is_out_of_reach(file) => Err(refuse(nr::FCNTL, Errno::ENOLCK)),
        F_RDLCK | F_WRLCK => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::synth::Device;

    #[test]
    fn locks_of_open_files_exclude_each_other() {
        let open = || Rc::new(OpenFile::device(Device::Null, 0));
        let (a, b) = (open(), open());
        assert!(take(&a, (1, 2), false) && take(&b, (1, 2), false));
        release(&a);
        assert!(!take(&a, (1, 2), true) && take(&a, (1, 3), true));
        drop(b);
        assert!(take(&open(), (1, 2), true), "a closed file holds no lock");
        release(&a);
    }
}
