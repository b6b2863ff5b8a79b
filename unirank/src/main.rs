//! The `unirank` command; started under the name `mpiexec` or `mpirun` it takes their flags.

use std::process::ExitCode;

fn main() -> ExitCode {
    unirank_cli::main()
}
