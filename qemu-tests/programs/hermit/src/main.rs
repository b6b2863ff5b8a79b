//! Calls every function of the hermit-abi crate directly and checks what it does: one group of functions for each argument.
//! qemu-tests/tests/hermit.rs runs it, and checks that it leaves none out.
// Nearly every line is a call of the crate, and all of them are unsafe.
#![allow(unsafe_op_in_unsafe_fn)]

#[macro_use]
mod check;
mod ends;
mod files;
mod memory;
mod names;
mod sockets;
mod threads;
mod time;

fn main() {
    let groups = std::env::args().skip(1).collect::<Vec<_>>();
    let mut groups = groups.iter().map(String::as_str);
    while let Some(group) = groups.next() {
        // SAFETY: each group passes what the functions it calls ask for.
        unsafe {
            match group {
                "files" => files::all(),
                "events" => files::events(),
                "memory" => memory::all(),
                "time" => time::all(),
                "alone" => threads::alone(),
                "threads" => threads::together(),
                "sockets" => sockets::all(),
                "names" => names::all(),
                "exit" => ends::exit(groups.next().and_then(|status| status.parse().ok()).expect("a status")),
                "abort" => ends::abort(),
                other => panic!("there is no group {other}"),
            }
        }
        println!("{group}: {}", if check::failed() { "FAILED" } else { "passed" });
    }
    std::process::exit(i32::from(check::failed()));
}
