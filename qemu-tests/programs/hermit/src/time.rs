//! Clocks, sleep, and the process itself.

use hermit_abi as abi;
use hermit_abi::timespec;
use std::ptr::null;

pub unsafe fn now(clock: i32) -> u64 {
    let mut time = timespec::default();
    check!(abi::clock_gettime(clock, &mut time), 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

pub unsafe fn all() {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    check!(now(abi::CLOCK_REALTIME).abs_diff(since_epoch.as_nanos() as u64) < 10_000_000_000, true);
    let before = now(abi::CLOCK_MONOTONIC);
    abi::usleep(3000);
    let between = now(abi::CLOCK_MONOTONIC);
    check!(between >= before + 3_000_000, true);
    check!(abi::nanosleep(&timespec { tv_sec: 0, tv_nsec: 2_000_000 }), 0);
    check!(now(abi::CLOCK_MONOTONIC) >= between + 2_000_000, true);
    check!(abi::nanosleep(&timespec { tv_sec: 0, tv_nsec: 1_000_000_000 }), -abi::EINVAL);
    check!(abi::nanosleep(&timespec { tv_sec: -1, tv_nsec: 0 }), -abi::EINVAL);
    check!(abi::nanosleep(null()), -abi::EFAULT);
    check!(abi::clock_gettime(77, &mut timespec::default()), -abi::EINVAL);
    check!(abi::getpid() > 0, true);
    check!(abi::getpid() as u32, std::process::id());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    check!(abi::available_parallelism(), processors);
    #[allow(deprecated)]
    {
        check!(abi::get_processor_count(), processors);
    }
}
