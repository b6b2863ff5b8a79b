// Rust's standard library: arguments, clock, a caught panic, a hash map, the number of processors, a thread.
use std::collections::HashMap;
use std::time::{Duration, Instant};

fn main() {
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    let slept = start.elapsed();
    let caught = std::panic::catch_unwind(|| panic!("boom")).is_err();
    let map = HashMap::from([(1, 2)]);
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let joined = std::thread::spawn(|| 7).join().ok();
    println!(
        "slept {} caught {caught} map {map:?} threads {threads} joined {joined:?}",
        slept >= Duration::from_millis(20) && slept < Duration::from_secs(5)
    );
}
