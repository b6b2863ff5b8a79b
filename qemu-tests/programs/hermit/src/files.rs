//! Files, folders and descriptors, in the working folder.

use hermit_abi as abi;
use hermit_abi::{dirent64, iovec, pollfd, stat};
use std::ffi::CStr;
use std::ptr::null_mut;

pub unsafe fn all() {
    contents();
    folders();
    descriptors();
}

unsafe fn contents() {
    let name = c"hermit-file".as_ptr();
    let fd = abi::open(name, abi::O_CREAT | abi::O_EXCL | abi::O_RDWR, 0o640);
    check!(fd >= 0, true);
    check!(abi::write(fd, b"hello world".as_ptr(), 11), 11);
    check!(abi::lseek(fd, 6, abi::SEEK_SET), 6);
    let mut buffer = [0u8; 32];
    check!(abi::read(fd, buffer.as_mut_ptr(), 32), 5);
    check!(&buffer[..5], b"world");
    let piece = |text: &mut [u8]| iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    let (mut a, mut b) = (*b"ab", *b"cde");
    check!(abi::writev(fd, [piece(&mut a), piece(&mut b)].as_ptr(), 2), 5);
    check!(abi::lseek(fd, -5, abi::SEEK_END), 11);
    let (mut c, mut d) = ([0; 3], [0; 9]);
    check!(abi::readv(fd, [piece(&mut c), piece(&mut d)].as_ptr(), 2), 5);
    check!((&c, &d[..2]), (b"abc", &b"de"[..]));
    check!(abi::lseek(fd, 0, abi::SEEK_CUR), 16);
    check!(abi::fsync(fd), 0);
    let mut status = stat::default();
    check!(abi::fstat(fd, &mut status), 0);
    check!((status.st_size, status.st_mode), (16, 0o100_640));
    check!((status.st_nlink, status.st_mtim.tv_sec > 1_700_000_000), (1, true));
    check!((0..1_000_000_000).contains(&status.st_mtim.tv_nsec), true);
    let mut by_name = stat::default();
    check!(abi::stat(name, &mut by_name), 0);
    check!((by_name.st_ino, by_name.st_size, by_name.st_blksize), (status.st_ino, 16, status.st_blksize));
    check!(abi::close(fd), 0);
    check!(abi::close(fd), -abi::EBADF);
    check!(abi::get_errno(), abi::EBADF);
    check!(abi::open(name, abi::O_CREAT | abi::O_EXCL | abi::O_RDWR, 0o640), -abi::EEXIST);
    check!(abi::open(name, 1 << 30, 0), -abi::EINVAL);
    std::os::unix::fs::symlink("hermit-file", "hermit-link").expect("a link");
    check!(abi::lstat(c"hermit-link".as_ptr(), &mut by_name), 0);
    check!(by_name.st_mode & abi::S_IFMT, abi::S_IFLNK);
    check!(abi::unlink(c"hermit-link".as_ptr()), 0);
    check!(abi::unlink(name), 0);
    check!(abi::stat(name, &mut by_name), -abi::ENOENT);
    check!(abi::lstat(name, &mut by_name), -abi::ENOENT);
    check!(abi::fstat(-1, &mut by_name), -abi::EBADF);
    check!(abi::fstat(0, null_mut()), -abi::EINVAL);
    check!(abi::read(-1, buffer.as_mut_ptr(), 1), -abi::EBADF as isize);
    check!(abi::writev(1, [piece(&mut a)].as_ptr(), abi::IOV_MAX + 1), -abi::EINVAL as isize);
}

unsafe fn folders() {
    let name = c"hermit-folder".as_ptr();
    check!(abi::mkdir(name, 0o755), 0);
    check!(abi::mkdir(name, 0o755), -abi::EEXIST);
    let inside = c"hermit-folder/one".as_ptr();
    let fd = abi::open(inside, abi::O_CREAT | abi::O_WRONLY, 0o600);
    check!(abi::close(fd), 0);
    check!(abi::rmdir(name), -abi::ENOTEMPTY);
    let folder = abi::open(name, abi::O_RDONLY | abi::O_DIRECTORY, 0);
    let mut entries = [0u64; 512];
    let len = abi::getdents64(folder, entries.as_mut_ptr().cast::<dirent64>(), 4096);
    let (mut at, mut seen) = (0, Vec::new());
    while (at as i64) < len {
        let entry = entries.as_ptr().cast::<u8>().add(at).cast::<dirent64>();
        let text = CStr::from_ptr((&raw const (*entry).d_name).cast());
        seen.push((text.to_string_lossy().into_owned(), (*entry).d_type));
        at += usize::from((*entry).d_reclen);
    }
    seen.sort();
    let kind = |name: &str, kind| (name.to_owned(), kind);
    check!(seen, [kind(".", abi::DT_DIR), kind("..", abi::DT_DIR), kind("one", abi::DT_REG)]);
    check!(abi::getdents64(folder, entries.as_mut_ptr().cast(), 4096), 0);
    check!(abi::getdents64(folder, null_mut(), 4096), -i64::from(abi::EINVAL));
    check!(abi::close(folder), 0);
    #[allow(deprecated)]
    {
        let folder = abi::opendir(name);
        check!(abi::getdents64(folder, entries.as_mut_ptr().cast(), 4096) > 0, true);
        check!(abi::close(folder), 0);
        check!(abi::opendir(inside), -abi::ENOTDIR);
    }
    check!(abi::unlink(inside), 0);
    check!(abi::rmdir(name), 0);
    check!(abi::rmdir(name), -abi::ENOENT);
}

unsafe fn descriptors() {
    let fd = abi::open(c"hermit-flags".as_ptr(), abi::O_CREAT | abi::O_RDWR | abi::O_APPEND, 0o600);
    let twin = abi::dup(fd);
    check!(twin > fd, true);
    check!(abi::write(fd, b"ab".as_ptr(), 2), 2);
    check!(abi::lseek(twin, 0, abi::SEEK_CUR), 2);
    check!(abi::fcntl(fd, abi::F_GETFD, 0), 0);
    check!(abi::fcntl(fd, abi::F_SETFD, abi::FD_CLOEXEC), 0);
    check!(abi::fcntl(fd, abi::F_GETFD, 0), abi::FD_CLOEXEC);
    check!(abi::fcntl(fd, abi::F_DUPFD, 50), 50);
    let flags = || abi::fcntl(fd, abi::F_GETFL, 0) & (abi::O_RDWR | abi::O_APPEND | abi::O_NONBLOCK);
    check!(flags(), abi::O_RDWR | abi::O_APPEND);
    check!(abi::fcntl(fd, abi::F_SETFL, abi::O_NONBLOCK), 0);
    check!(flags(), abi::O_RDWR | abi::O_NONBLOCK);
    check!(abi::fcntl(fd, 77, 0), -abi::EINVAL);
    let mut off = 0i32;
    check!(abi::ioctl(fd, abi::FIONBIO, (&raw mut off).cast()), 0);
    check!(flags(), abi::O_RDWR);
    check!(abi::ioctl(fd, abi::FIONBIO, null_mut()), -abi::EFAULT);
    check!(abi::ioctl(fd, 0x5413, (&raw mut off).cast()), -abi::EINVAL);
    for fd in [fd, twin, 50] {
        check!(abi::close(fd), 0);
    }
    check!(abi::unlink(c"hermit-flags".as_ptr()), 0);
    check!(abi::dup(fd), -abi::EBADF);
}

/// Counters of events, and waiting for them.
pub unsafe fn events() {
    let fd = abi::eventfd(3, abi::EFD_NONBLOCK);
    check!(fd >= 0, true);
    let mut wait = [pollfd { fd, events: abi::POLLIN | abi::POLLOUT, revents: 0 }];
    check!(abi::poll(wait.as_mut_ptr(), 1, -1), 1);
    check!(wait[0].revents, abi::POLLIN | abi::POLLOUT);
    let mut count = 0u64;
    check!(abi::write(fd, (&raw const wait).cast::<u8>(), 3), -abi::EINVAL as isize);
    check!(abi::write(fd, 4u64.to_ne_bytes().as_ptr(), 8), 8);
    check!(abi::read(fd, (&raw mut count).cast(), 8), 8);
    check!(count, 7);
    check!(abi::read(fd, (&raw mut count).cast(), 8), -abi::EAGAIN as isize);
    wait[0] = pollfd { fd, events: abi::POLLIN, revents: 0 };
    check!(abi::poll(wait.as_mut_ptr(), 1, 5), 0);
    check!(abi::close(fd), 0);
    check!(abi::poll(wait.as_mut_ptr(), 1, 0), 1);
    check!(wait[0].revents, abi::POLLNVAL);
    let fd = abi::eventfd((1 << 40) + 2, abi::EFD_SEMAPHORE | abi::EFD_CLOEXEC);
    check!(abi::fcntl(fd, abi::F_GETFD, 0), abi::FD_CLOEXEC);
    check!(abi::read(fd, (&raw mut count).cast(), 8), 8);
    check!(count, 1);
    check!(abi::close(fd), 0);
    check!(abi::eventfd(0, 2), -abi::EINVAL);
}
