//! The functions that are exported, each with the declaration of the crate that it stands for. That the types agree is checked
//! by the compiler; that none is missing, by a test.

use crate::{
    descriptor, entropy, error, file, futex, heap, memory, names, process, queue, semaphore, socket, status,
    thread, time,
};

macro_rules! functions {
    ($($module:ident :: $function:ident = $declaration:ident;)*) => {
        // The elements of an array are of one type: for two functions that is the type of pointers to them, if theirs agree
        // in every argument, the result, the convention and in being unsafe.
        #[allow(deprecated)]
        const _: () = {
            $(let _ = [$module::$function, hermit_abi::$declaration];)*
        };

        /// Names of all that the crate gives a name.
        #[cfg(test)]
        const FUNCTIONS: &[&str] = &[$(stringify!($function)),*];
    };
}

functions! {
    error::sys_get_errno = get_errno;
    error::sys_errno = errno;
    memory::sys_getpagesize = getpagesize;
    memory::sys_mmap = mmap;
    memory::sys_munmap = munmap;
    memory::sys_mprotect = mprotect;
    futex::sys_futex_wait = futex_wait;
    futex::sys_futex_wake = futex_wake;
    semaphore::sys_sem_init = sem_init;
    semaphore::sys_sem_destroy = sem_destroy;
    semaphore::sys_sem_post = sem_post;
    semaphore::sys_sem_trywait = sem_trywait;
    semaphore::sys_sem_timedwait = sem_timedwait;
    process::sys_getpid = getpid;
    process::sys_exit = exit;
    process::sys_abort = abort;
    time::sys_usleep = usleep;
    time::sys_nanosleep = nanosleep;
    thread::sys_spawn = spawn;
    thread::sys_spawn2 = spawn2;
    thread::sys_join = join;
    thread::sys_yield = yield_now;
    time::sys_clock_gettime = clock_gettime;
    file::sys_open = open;
    file::sys_opendir = opendir;
    file::sys_unlink = unlink;
    file::sys_rmdir = rmdir;
    status::sys_stat = stat;
    status::sys_lstat = lstat;
    status::sys_fstat = fstat;
    process::sys_available_parallelism = available_parallelism;
    process::sys_get_processor_count = get_processor_count;
    heap::sys_malloc = malloc;
    heap::sys_alloc = alloc;
    heap::sys_alloc_zeroed = alloc_zeroed;
    heap::sys_realloc = realloc;
    heap::sys_free = free;
    heap::sys_dealloc = dealloc;
    queue::sys_notify = notify;
    queue::sys_add_queue = add_queue;
    queue::sys_wait = wait;
    queue::sys_init_queue = init_queue;
    queue::sys_destroy_queue = destroy_queue;
    thread::sys_block_current_task = block_current_task;
    thread::sys_block_current_task_with_timeout = block_current_task_with_timeout;
    thread::sys_wakeup_taskt = wakeup_task;
    names::sys_getaddrbyname = getaddrbyname;
    socket::sys_accept = accept;
    socket::sys_bind = bind;
    socket::sys_connect = connect;
    file::sys_read = read;
    file::sys_readv = readv;
    file::sys_getdents64 = getdents64;
    file::sys_mkdir = mkdir;
    entropy::sys_read_entropy = read_entropy;
    socket::sys_recv = recv;
    socket::sys_recvfrom = recvfrom;
    file::sys_lseek = lseek;
    file::sys_write = write;
    file::sys_writev = writev;
    descriptor::sys_close = close;
    file::sys_fsync = fsync;
    descriptor::sys_dup = dup;
    socket::sys_getpeername = getpeername;
    socket::sys_getsockname = getsockname;
    socket::sys_getsockopt = getsockopt;
    socket::sys_setsockopt = setsockopt;
    descriptor::sys_ioctl = ioctl;
    descriptor::sys_fcntl = fcntl;
    descriptor::sys_eventfd = eventfd;
    descriptor::sys_poll = poll;
    socket::sys_listen = listen;
    socket::sys_send = send;
    socket::sys_sendto = sendto;
    socket::sys_shutdown = shutdown;
    socket::sys_shutdown_socket = shutdown_socket;
    socket::sys_socket = socket;
    names::sys_freeaddrinfo = freeaddrinfo;
    names::sys_getaddrinfo = getaddrinfo;
}

// The crate keeps the declarations of these two to itself.
const _: unsafe extern "C" fn() -> u8 = thread::sys_get_priority;
const _: unsafe extern "C" fn(hermit_abi::Tid, u8) = thread::sys_set_priority;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::Command;

    /// In the crate, but not in Hermit.
    const NOWHERE: &str = "sys_network_init";

    /// The source of the crate that this one is built with.
    fn source() -> String {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--filter-platform=x86_64-unknown-linux-gnu",
        ]);
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let end = "/src/lib.rs\"";
        let path = text
            .split("\"src_path\":\"")
            .filter_map(|rest| rest.split(end).next())
            .find(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("hermit-abi-")))
            .unwrap_or_else(|| panic!("no hermit-abi in {text}{}", String::from_utf8_lossy(&output.stderr)));
        std::fs::read_to_string(PathBuf::from(path).join("src/lib.rs")).expect("readable")
    }

    #[test]
    fn every_function_of_the_crate_is_there() {
        let source = source();
        let linked = source.split("link_name = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let private = source.split("\n\tfn sys_").skip(1).filter_map(|rest| rest.split('(').next());
        let mut declared: Vec<String> =
            linked.map(str::to_owned).chain(private.map(|name| format!("sys_{name}"))).collect();
        let mut ours: Vec<String> = FUNCTIONS.iter().map(|&name| name.to_owned()).collect();
        ours.extend(["sys_get_priority".into(), "sys_set_priority".into(), NOWHERE.into()]);
        declared.sort();
        ours.sort();
        assert_eq!(ours, declared);
    }
}
