//! Constants of the module `mpi_f08`: those of `mpif_constants.h`; handles get the type that `mpi.h` casts them to.

use crate::read;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Declarations of all constants.
pub fn f08() -> String {
    let (handles, mut kinds, mut text) = (handles(), BTreeMap::new(), String::new());
    let constants = read("include/mpif_constants.h");
    for line in constants.lines().map(str::trim).filter(|line| !line.starts_with('!')) {
        if let Some(pair) = line.strip_prefix("parameter (").and_then(|l| l.strip_suffix(')')) {
            let (name, value) = pair.split_once('=').expect("a value");
            let ty: &str = kinds[name];
            let _ = match (handles.get(name), name) {
                (Some(ty), _) => writeln!(text, "  type({ty}), parameter :: {name} = {ty}({value})"),
                // gfortran keeps variables with the attribute in memory over calls, and the buffers here have it.
                (_, "MPI_ASYNC_PROTECTS_NONBLOCKING") => {
                    writeln!(text, "  logical, parameter :: {name} = .true.")
                }
                _ => writeln!(text, "  {ty}, parameter :: {name} = {value}"),
            };
        } else if line.starts_with("common ") {
            let _ = writeln!(text, "  {line}");
        } else if let Some((ty, name)) = line.split_once(' ') {
            let variable = name.split('(').next().expect("a name");
            kinds.insert(variable, ty);
            // Variables, whose address is what matters.
            if !constants.contains(&format!("parameter ({variable}=")) {
                let _ = match variable {
                    "MPI_STATUS_IGNORE" => writeln!(text, "  type(MPI_Status) :: {variable}"),
                    "MPI_STATUSES_IGNORE" => writeln!(text, "  type(MPI_Status) :: {variable}(1)"),
                    _ => writeln!(text, "  {ty} :: {name}"),
                };
            }
        }
    }
    text
}

/// Handle constants of `mpi.h` and their types.
fn handles() -> BTreeMap<String, String> {
    let header = read("include/mpi.h");
    let mut found = BTreeMap::new();
    for line in header.lines().filter_map(|line| line.strip_prefix("#define ")) {
        let Some((name, value)) = line.split_once(' ') else { continue };
        let value = value.trim();
        if let Some((ty, _)) = value.strip_prefix("((").and_then(|v| v.split_once(')'))
            && ty.starts_with("MPI_")
            && !ty.ends_with('*')
            && ty != "MPI_Offset"
        {
            found.insert(name.to_owned(), ty.to_owned());
        } else if let Some(ty) = found.get(value).cloned() {
            found.insert(name.to_owned(), ty);
        }
    }
    found
}
