//! Writes the Fortran modules of MPI: `mpi-bindings FOLDER`.

use std::path::Path;

fn main() {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: mpi-bindings FOLDER");
        std::process::exit(2);
    };
    let functions = unirank_mpi_bindings::functions();
    for (name, text) in [
        ("mpi.f90", unirank_mpi_bindings::modules::mpi(&functions)),
        ("mpi_f08.f90", unirank_mpi_bindings::modules::mpi_f08(&functions)),
    ] {
        let path = Path::new(&folder).join(name);
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("mpi-bindings: {}: {error}", path.display());
            std::process::exit(1);
        }
    }
}
