//! What the arguments of the system calls mean (Linux, x86-64): `man 2` of each, values from the kernel's headers.

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file descriptor.
    Fd,
    /// A folder's descriptor, or the working folder.
    DirFd,
    /// A string ended by NUL.
    Text,
    /// Bytes.
    Data,
    /// A signed number.
    Int,
    /// An unsigned number.
    Size,
    /// A permission mode.
    Mode,
    /// An address or anything else: hexadecimal.
    Hex,
    /// A signal.
    Signal,
    /// `struct timespec`.
    Time,
    /// `struct sockaddr`.
    Socket,
    /// A set of flags; what has no name is shown in hexadecimal.
    Flags(Names),
    /// One of several values, after a mask of flags.
    One(Names),
    /// Flags of `open`, whose lowest two bits are one value.
    Open,
    /// Operation of `futex`.
    Futex,
}

/// Values and their names.
pub type Names = &'static [(u64, &'static str)];

use Kind::*;

const PROT: Names = &[(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC")];
const MAP: Names = &[
    (1, "MAP_SHARED"),
    (2, "MAP_PRIVATE"),
    (0x10, "MAP_FIXED"),
    (0x20, "MAP_ANONYMOUS"),
    (0x100, "MAP_GROWSDOWN"),
    (0x4000, "MAP_NORESERVE"),
    (0x8000, "MAP_POPULATE"),
    (0x2_0000, "MAP_STACK"),
    (0x4_0000, "MAP_HUGETLB"),
    (0x10_0000, "MAP_FIXED_NOREPLACE"),
];
const MADVISE: Names = &[
    (0, "MADV_NORMAL"),
    (1, "MADV_RANDOM"),
    (2, "MADV_SEQUENTIAL"),
    (3, "MADV_WILLNEED"),
    (4, "MADV_DONTNEED"),
    (8, "MADV_FREE"),
    (14, "MADV_HUGEPAGE"),
    (15, "MADV_NOHUGEPAGE"),
];
const MREMAP: Names = &[(1, "MREMAP_MAYMOVE"), (2, "MREMAP_FIXED")];
const SEEK: Names = &[(0, "SEEK_SET"), (1, "SEEK_CUR"), (2, "SEEK_END"), (3, "SEEK_DATA"), (4, "SEEK_HOLE")];
const ACCESS: Names = &[(1, "X_OK"), (2, "W_OK"), (4, "R_OK")];
const AT: Names = &[
    (0x100, "AT_SYMLINK_NOFOLLOW"),
    (0x200, "AT_REMOVEDIR"),
    (0x400, "AT_SYMLINK_FOLLOW"),
    (0x1000, "AT_EMPTY_PATH"),
];
const ARCH: Names = &[
    (0x1001, "ARCH_SET_GS"),
    (0x1002, "ARCH_SET_FS"),
    (0x1003, "ARCH_GET_FS"),
    (0x1004, "ARCH_GET_GS"),
    (0x3001, "ARCH_CET_STATUS"),
];
const CLOCK: Names = &[
    (0, "CLOCK_REALTIME"),
    (1, "CLOCK_MONOTONIC"),
    (2, "CLOCK_PROCESS_CPUTIME_ID"),
    (3, "CLOCK_THREAD_CPUTIME_ID"),
    (4, "CLOCK_MONOTONIC_RAW"),
    (5, "CLOCK_REALTIME_COARSE"),
    (6, "CLOCK_MONOTONIC_COARSE"),
    (7, "CLOCK_BOOTTIME"),
];
const TIMER: Names = &[(1, "TIMER_ABSTIME")];
const HOW: Names = &[(0, "SIG_BLOCK"), (1, "SIG_UNBLOCK"), (2, "SIG_SETMASK")];
const FAMILY: Names =
    &[(1, "AF_UNIX"), (2, "AF_INET"), (10, "AF_INET6"), (16, "AF_NETLINK"), (17, "AF_PACKET")];
const SOCK: Names = &[
    (1, "SOCK_STREAM"),
    (2, "SOCK_DGRAM"),
    (3, "SOCK_RAW"),
    (0x800, "SOCK_NONBLOCK"),
    (0x8_0000, "SOCK_CLOEXEC"),
];
const RANDOM: Names = &[(1, "GRND_NONBLOCK"), (2, "GRND_RANDOM"), (4, "GRND_INSECURE")];
const RESOURCE: Names = &[
    (0, "RLIMIT_CPU"),
    (1, "RLIMIT_FSIZE"),
    (2, "RLIMIT_DATA"),
    (3, "RLIMIT_STACK"),
    (4, "RLIMIT_CORE"),
    (7, "RLIMIT_NOFILE"),
    (8, "RLIMIT_MEMLOCK"),
    (9, "RLIMIT_AS"),
];
const FCNTL: Names = &[
    (0, "F_DUPFD"),
    (1, "F_GETFD"),
    (2, "F_SETFD"),
    (3, "F_GETFL"),
    (4, "F_SETFL"),
    (5, "F_GETLK"),
    (6, "F_SETLK"),
    (7, "F_SETLKW"),
    (1030, "F_DUPFD_CLOEXEC"),
];
const IOCTL: Names = &[
    (0x5401, "TCGETS"),
    (0x5402, "TCSETS"),
    (0x5413, "TIOCGWINSZ"),
    (0x541b, "FIONREAD"),
    (0x5421, "FIONBIO"),
];
const CLONE: Names = &[
    (0x100, "CLONE_VM"),
    (0x200, "CLONE_FS"),
    (0x400, "CLONE_FILES"),
    (0x800, "CLONE_SIGHAND"),
    (0x4000, "CLONE_VFORK"),
    (0x1_0000, "CLONE_THREAD"),
    (0x4_0000, "CLONE_SYSVSEM"),
    (0x8_0000, "CLONE_SETTLS"),
    (0x10_0000, "CLONE_PARENT_SETTID"),
    (0x20_0000, "CLONE_CHILD_CLEARTID"),
    (0x100_0000, "CLONE_CHILD_SETTID"),
];
const EVENTFD: Names = &[(1, "EFD_SEMAPHORE"), (0x800, "EFD_NONBLOCK"), (0x8_0000, "EFD_CLOEXEC")];
const EPOLL_OP: Names = &[(1, "EPOLL_CTL_ADD"), (2, "EPOLL_CTL_DEL"), (3, "EPOLL_CTL_MOD")];

/// Flags of `open` above the access mode.
pub const OPEN: Names = &[
    (0x40, "O_CREAT"),
    (0x80, "O_EXCL"),
    (0x100, "O_NOCTTY"),
    (0x200, "O_TRUNC"),
    (0x400, "O_APPEND"),
    (0x800, "O_NONBLOCK"),
    (0x4000, "O_DIRECT"),
    (0x8000, "O_LARGEFILE"),
    (0x1_0000, "O_DIRECTORY"),
    (0x2_0000, "O_NOFOLLOW"),
    (0x8_0000, "O_CLOEXEC"),
    (0x20_0000, "O_PATH"),
    (0x10_1000, "O_SYNC"),
];

/// Commands of `futex`, below its flags.
pub const FUTEX: Names = &[
    (0, "FUTEX_WAIT"),
    (1, "FUTEX_WAKE"),
    (3, "FUTEX_REQUEUE"),
    (4, "FUTEX_CMP_REQUEUE"),
    (5, "FUTEX_WAKE_OP"),
    (6, "FUTEX_LOCK_PI"),
    (7, "FUTEX_UNLOCK_PI"),
    (9, "FUTEX_WAIT_BITSET"),
    (10, "FUTEX_WAKE_BITSET"),
];

/// The arguments of a call, by its name; `None` for one that is not known here.
pub fn arguments(name: &str) -> Option<&'static [Kind]> {
    Some(match name {
        "read" | "write" => &[Fd, Data, Size],
        "pread64" | "pwrite64" => &[Fd, Data, Size, Int],
        "readv" | "writev" => &[Fd, Hex, Int],
        "preadv" | "pwritev" => &[Fd, Hex, Int, Int],
        "open" => &[Text, Open, Mode],
        "openat" => &[DirFd, Text, Open, Mode],
        "creat" | "mkdir" | "chmod" => &[Text, Mode],
        "mkdirat" | "fchmodat" => &[DirFd, Text, Mode],
        "close" | "fsync" | "fdatasync" | "dup" | "fchdir" | "syncfs" => &[Fd],
        "dup2" => &[Fd, Fd],
        "dup3" => &[Fd, Fd, Open],
        "pipe" => &[Hex],
        "pipe2" => &[Hex, Open],
        "stat" | "lstat" | "statfs" => &[Text, Hex],
        "fstat" | "fstatfs" => &[Fd, Hex],
        "newfstatat" => &[DirFd, Text, Hex, Flags(AT)],
        "statx" => &[DirFd, Text, Flags(AT), Hex, Hex],
        "access" => &[Text, Flags(ACCESS)],
        "faccessat" | "faccessat2" => &[DirFd, Text, Flags(ACCESS), Flags(AT)],
        "lseek" => &[Fd, Int, One(SEEK)],
        "ftruncate" => &[Fd, Int],
        "truncate" => &[Text, Int],
        "unlink" | "rmdir" | "chdir" => &[Text],
        "unlinkat" => &[DirFd, Text, Flags(AT)],
        "rename" | "link" | "symlink" => &[Text, Text],
        "renameat" => &[DirFd, Text, DirFd, Text],
        "renameat2" | "linkat" => &[DirFd, Text, DirFd, Text, Hex],
        "symlinkat" => &[Text, DirFd, Text],
        "readlink" => &[Text, Data, Size],
        "readlinkat" => &[DirFd, Text, Data, Size],
        "getcwd" => &[Text, Size],
        "getdents64" => &[Fd, Hex, Size],
        "fcntl" => &[Fd, One(FCNTL), Hex],
        "ioctl" => &[Fd, One(IOCTL), Hex],
        "mmap" => &[Hex, Size, Flags(PROT), Flags(MAP), Fd, Hex],
        "mprotect" => &[Hex, Size, Flags(PROT)],
        "munmap" => &[Hex, Size],
        "mremap" => &[Hex, Size, Size, Flags(MREMAP), Hex],
        "madvise" => &[Hex, Size, One(MADVISE)],
        "brk" | "set_tid_address" => &[Hex],
        "arch_prctl" => &[One(ARCH), Hex],
        "exit" | "exit_group" | "setuid" | "setgid" | "umask" | "sched_getscheduler" => &[Int],
        "getpid" | "gettid" | "getppid" | "getuid" | "geteuid" | "getgid" | "getegid" | "getpgrp"
        | "sched_yield" | "pause" | "rt_sigreturn" | "setsid" | "sync" => &[],
        "kill" | "tkill" => &[Int, Signal],
        "tgkill" => &[Int, Int, Signal],
        "rt_sigaction" => &[Signal, Hex, Hex, Size],
        "rt_sigprocmask" => &[One(HOW), Hex, Hex, Size],
        "rt_sigpending" | "rt_sigsuspend" => &[Hex, Size],
        "sigaltstack" => &[Hex, Hex],
        "nanosleep" => &[Time, Hex],
        "clock_nanosleep" => &[One(CLOCK), Flags(TIMER), Time, Hex],
        "clock_gettime" | "clock_getres" => &[One(CLOCK), Hex],
        "gettimeofday" | "getitimer" => &[Hex, Hex],
        "futex" => &[Hex, Futex, Int, Hex, Hex, Hex],
        "set_robust_list" => &[Hex, Size],
        "rseq" => &[Hex, Size, Hex, Hex],
        "clone" => &[Flags(CLONE), Hex, Hex, Hex, Hex],
        "clone3" => &[Hex, Size],
        "prlimit64" => &[Int, One(RESOURCE), Hex, Hex],
        "getrlimit" | "setrlimit" => &[One(RESOURCE), Hex],
        "getrandom" => &[Hex, Size, Flags(RANDOM)],
        "uname" | "sysinfo" | "times" => &[Hex],
        "getrusage" => &[Int, Hex],
        "sched_getaffinity" | "sched_setaffinity" => &[Int, Size, Hex],
        "poll" => &[Hex, Size, Int],
        "ppoll" => &[Hex, Size, Hex, Hex, Size],
        "select" => &[Int, Hex, Hex, Hex, Hex],
        "epoll_create1" => &[Flags(EVENTFD)],
        "epoll_ctl" => &[Fd, One(EPOLL_OP), Fd, Hex],
        "epoll_wait" => &[Fd, Hex, Int, Int],
        "epoll_pwait" => &[Fd, Hex, Int, Int, Hex],
        "eventfd2" => &[Int, Flags(EVENTFD)],
        "socket" => &[One(FAMILY), Flags(SOCK), Int],
        "connect" | "bind" => &[Fd, Socket, Int],
        "listen" => &[Fd, Int],
        "accept" => &[Fd, Hex, Hex],
        "accept4" => &[Fd, Hex, Hex, Flags(SOCK)],
        "shutdown" => &[Fd, Int],
        "sendto" | "recvfrom" => &[Fd, Data, Size, Hex, Hex, Hex],
        "sendmsg" | "recvmsg" => &[Fd, Hex, Hex],
        "setsockopt" | "getsockopt" => &[Fd, Int, Int, Hex, Hex],
        _ => return None,
    })
}

/// Whether a call's result is an address.
pub fn returns_address(name: &str) -> bool {
    matches!(name, "mmap" | "mremap" | "brk")
}
