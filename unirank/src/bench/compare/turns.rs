//! Runs in turn: A, B, C, A, B, C, so that what changes over time changes for all.

use super::quiet::Watch;
use super::reading::{Course, Reading};
use crate::bench::Bench;
use crate::failure::{Failure, Result};
use crate::text::one_line;

/// Most characters of a reason.
const MOST: usize = 400;

/// One who takes turns.
pub struct Entrant<'a> {
    /// What it is called while it runs.
    pub what: String,
    /// A run.
    pub run: Box<dyn Fn() -> Result<Reading> + 'a>,
}

/// Lets all run so many rounds. Who fails leaves, with the rounds it made.
pub fn in_turn(
    bench: &Bench,
    watch: &mut Watch,
    rounds: usize,
    entrants: &[Entrant<'_>],
) -> Result<Vec<Course>> {
    let mut courses = vec![Course::default(); entrants.len()];
    for round in 1..=rounds {
        bench.aside(&format!("round {round} of {rounds}"));
        for (entrant, course) in entrants.iter().zip(&mut courses) {
            if course.failure.is_some() {
                course.rounds.push(None);
                continue;
            }
            match watch.run(&entrant.run) {
                Ok(reading) => course.rounds.push(Some(reading)),
                Err(failure) => {
                    bench.workshop.check_interrupted()?;
                    let why = reason(&failure);
                    bench.aside(&format!("{} failed: {why}", entrant.what));
                    course.rounds.push(None);
                    course.failure = Some(why);
                }
            }
        }
    }
    Ok(courses)
}

/// A failure in one line. Compilers and linkers have much to say; the first thing they lack is the reason.
fn reason(failure: &Failure) -> String {
    let text = failure.to_string();
    let telling = ["error: ", "undefined reference"];
    let line = text.lines().find(|line| telling.iter().any(|mark| line.contains(mark)));
    one_line(line.unwrap_or(&text), MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_tells() {
        let linker =
            "mpicc failed: ld: a.o: in function `put':\nrma.c: undefined reference to `MPI_Put'\nmore";
        assert_eq!(reason(&Failure::new(linker)), "rma.c: undefined reference to `MPI_Put'");
        assert_eq!(reason(&Failure::new("did not end\nwithin 9 s")), "did not end\\nwithin 9 s");
        assert!(reason(&Failure::new("x".repeat(5000))).len() <= MOST + 3);
    }
}
