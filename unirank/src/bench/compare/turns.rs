//! Runs in turn: A, B, C, A, B, C, so that what changes over time changes for all.

use super::quiet::Watch;
use super::reading::{Course, Reading};
use crate::bench::Bench;
use crate::failure::Result;
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
                    // A compiler or linker has much to say; its beginning is the reason.
                    let why = one_line(&failure.to_string(), MOST);
                    bench.aside(&format!("{} failed: {why}", entrant.what));
                    course.rounds.push(None);
                    course.failure = Some(why);
                }
            }
        }
    }
    Ok(courses)
}
