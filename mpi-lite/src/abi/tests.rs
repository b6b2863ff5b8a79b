//! What the headers say is what the library means: constants of `mpi.h` and of the Fortran headers, and functions.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn include(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All constants of this module.
fn ours() -> BTreeMap<&'static str, i64> {
    let tables: &[&[(&str, i64)]] = &[
        VERSIONS,
        ARGUMENTS,
        FILE_ARGUMENTS,
        ATTRIBUTES,
        ERRORS,
        COMMS,
        GROUPS,
        WINS,
        FILES,
        SESSIONS,
        MESSAGES,
        INFOS,
        ERRHANDLERS,
        REQUESTS,
        LIMITS,
        MODES,
        OPS,
        DATATYPES,
        F_STATUS,
        TOOL,
    ];
    tables.iter().flat_map(|table| table.iter().copied()).collect()
}

/// A number as C writes it: decimal or hexadecimal, in parentheses, behind a cast.
fn number(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let text = text.rsplit_once(')').map_or(text, |(_cast, number)| number).trim();
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `NAME = value` of every `#define MPI_NAME number` and enumerator of `mpi.h`.
fn defined_in_c() -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for line in include("mpi.h").lines() {
        let line = line.split("/*").next().unwrap_or_default().trim();
        let pair = match line.strip_prefix("#define ") {
            Some(rest) => rest.trim().split_once(char::is_whitespace),
            None => line.trim_end_matches(',').split_once('='),
        };
        if let Some((name, value)) = pair
            && name.trim().starts_with("MPI_")
            && let Some(value) = number(value)
        {
            found.insert(name.trim().to_owned(), value);
        }
    }
    found
}

#[test]
fn constants_of_the_header_are_those_of_the_abi() {
    let (ours, header) = (ours(), defined_in_c());
    let both: Vec<_> = ours.keys().filter(|name| header.contains_key(**name)).collect();
    assert!(both.len() > 250, "only {} constants are in both", both.len());
    for name in both {
        assert_eq!(header[*name], ours[name], "{name}");
    }
    let missing: Vec<_> = ours.keys().filter(|name| !header.contains_key(**name)).collect();
    assert!(missing.is_empty(), "mpi.h lacks {missing:?}");
}

#[test]
fn constants_of_the_fortran_header_are_those_of_the_abi() {
    let ours = ours();
    let mut compared = 0;
    for line in include("mpif_constants.h").lines() {
        let Some(pair) = line.trim().strip_prefix("parameter (").and_then(|l| l.strip_suffix(')')) else {
            continue;
        };
        let Some((name, value)) = pair.split_once('=') else { panic!("{line}") };
        let Some(&want) = ours.get(name) else { continue };
        // Fortran text has no NUL to count.
        let text = [
            MPI_MAX_PROCESSOR_NAME,
            MPI_MAX_ERROR_STRING,
            MPI_MAX_OBJECT_NAME,
            MPI_MAX_LIBRARY_VERSION_STRING,
        ];
        let shorter =
            name.starts_with("MPI_MAX_") && (text.contains(&(want as i32)) || name != "MPI_MAX_ERROR_STRING");
        let want = if shorter { want - 1 } else { want };
        assert_eq!(value.parse(), Ok(want), "{name}");
        compared += 1;
    }
    assert!(compared > 200, "only {compared} constants were compared");
}

/// Names in the declarations of `mpi.h`: `MPI_FN_(result, Name, (arguments))` declares `MPI_Name` and `PMPI_Name`.
fn declared() -> BTreeSet<String> {
    let text = include("mpi.h");
    let lines = text.lines().filter_map(|line| line.strip_prefix("MPI_FN_("));
    lines.filter_map(|line| line.split(", ").nth(1)).map(|name| format!("MPI_{name}")).collect()
}

/// Function names that the macro `mpi_fn!` defines in `src/c`.
fn defined() -> BTreeSet<String> {
    fn files(folder: PathBuf, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { files(path, found) } else { found.push(path) }
        }
    }
    let mut paths = Vec::new();
    files(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/c"), &mut paths);
    let text: String = paths.iter().map(|p| std::fs::read_to_string(p).expect("readable")).collect();
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words
        .filter(|w| w.starts_with("MPI_") && w.contains(|c: char| c.is_lowercase()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_declared_function_is_defined() {
    let (declared, defined) = (declared(), defined());
    assert!(declared.len() > 650, "only {} functions are declared", declared.len());
    let missing: Vec<_> = declared.difference(&defined).collect();
    assert!(missing.is_empty(), "declared but not defined: {missing:?}");
}
