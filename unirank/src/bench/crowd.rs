//! More ranks than cores: do jobs finish, and how long do they take?

use std::time::Duration;

use super::figure::Figure;
use super::job::Job;
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::Result;

const ROUNDS: u64 = 100;
const LIMIT: Duration = Duration::from_secs(300);

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let image = bench.workshop.compile(bench.workshop.tool("mpicc"), "crowd.c", "crowd", &["-Wall"])?;
    let sizes: &[u32] = if bench.options.quick { &[8] } else { &[8, 16] };
    let mut table = Table::new(
        format!("Jobs of more ranks than the {} cores, seconds", bench.cores.len()),
        ["", "whole job", "of that in the program"],
    );
    let mut figures = Vec::new();
    for accel in bench.machines() {
        for &ranks in sizes {
            let job = Job::new(&image, ranks, accel)
                .flags(&["--mem", "64M"])
                .args(&[ROUNDS.to_string()])
                .limit(LIMIT);
            let name = format!("crowd_s/{}/{ranks}", accel.name());
            let label = format!("{}, {ranks} ranks", accel.name());
            match job.run(&bench.workshop) {
                Ok(outcome) => {
                    let wall = outcome.wall.as_secs_f64();
                    let inside = inside(&outcome.output).map_or(String::new(), number);
                    table.row([label, number(wall), inside]);
                    figures.push(Figure::new(name, "s", Summary::once(wall)));
                }
                Err(failure) => {
                    bench.workshop.check_interrupted()?;
                    table.row([label, "FAILED".into()]);
                    table.note(format!("{} with {ranks} ranks: {failure}", accel.name()));
                    figures.push(Figure::missing(name, "s", failure.to_string()));
                }
            }
        }
    }
    table.note(format!(
        "{ROUNDS} rounds of MPI_Allreduce, a ring of MPI_Sendrecv, MPI_Alltoall and MPI_Barrier, every result checked; \
         ranks that wait for more than UNIRANK_SPIN_US (20 us) sleep. The whole job includes the boot of all VMs."
    ));
    Ok(Report { figures, tables: vec![table] })
}

/// The seconds in the program's line `100 rounds in 1.5 s`.
fn inside(output: &str) -> Option<f64> {
    output.lines().find_map(|line| line.split_once(" rounds in ")?.1.strip_suffix(" s")?.parse().ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_programs_line_is_understood() {
        assert_eq!(super::inside("x\n100 rounds in 1.250000 s\n"), Some(1.25));
        assert_eq!(super::inside("100 rounds\n"), None);
    }
}
