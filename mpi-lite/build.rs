//! Makes the Fortran bindings out of `include/mpi.h`.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=include/mpi.h");
    let out = std::env::var_os("OUT_DIR").expect("set by Cargo");
    let text = unirank_mpi_bindings::rust::bindings(&unirank_mpi_bindings::functions());
    std::fs::write(Path::new(&out).join("fortran.rs"), text).expect("a writable folder");
}
