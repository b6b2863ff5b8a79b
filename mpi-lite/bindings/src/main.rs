//! Writes what is made from `mpi.h`: the Fortran modules (`mpi-bindings FOLDER`) or the list of functions
//! (`mpi-bindings --coverage FILE`).

use std::path::Path;
use std::{fs, io};
use unirank_mpi_bindings::coverage::Coverage;
use unirank_mpi_bindings::{functions, library, modules};

fn write_modules(folder: &str) -> io::Result<()> {
    let functions = functions();
    for (name, text) in [("mpi.f90", modules::mpi(&functions)), ("mpi_f08.f90", modules::mpi_f08(&functions))]
    {
        fs::write(Path::new(folder).join(name), text)?;
    }
    Ok(())
}

fn write_coverage(file: &str) -> io::Result<()> {
    fs::write(file, Coverage::read(&library().join(".."))?.document())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let written = match words[..] {
        ["--coverage", file] => write_coverage(file),
        [folder] => write_modules(folder),
        _ => {
            eprintln!("usage: mpi-bindings FOLDER | --coverage FILE");
            std::process::exit(2);
        }
    };
    if let Err(error) = written {
        eprintln!("mpi-bindings: {error}");
        std::process::exit(1);
    }
}
