//! The library's copy routine against libc's `memcpy`, in this very process.
//!
//! *Hot*: the same two buffers over and over, as a rank that reuses its buffers has them. *Cold destination*: each
//! copy goes where none went lately, so that no cache holds the destination.

use std::time::{Duration, Instant};

use super::figure::Figure;
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::Result;
use crate::text::size;

/// More than the caches hold: the destinations of cold copies go round in it.
const RANGE: usize = 192 << 20;
const SMALLEST: usize = 64;
const LARGEST: usize = 64 << 20;

/// One of the two routines.
type Routine = fn(&mut [u8], &[u8]);
const ROUTINES: [(&str, Routine); 2] = [("unirank", routine::ours), ("memcpy", routine::libc)];

/// Measures them.
pub fn measure(bench: &Bench) -> Result<Report> {
    let (rounds, each) =
        if bench.options.quick { (3, Duration::from_micros(200)) } else { (9, Duration::from_millis(10)) };
    let source = vec![1_u8; LARGEST];
    let mut target = vec![2_u8; RANGE];
    let mut table = Table::new(
        "Copies, GB/s",
        ["", "unirank hot", "memcpy hot", "ratio", "unirank cold", "memcpy cold", "ratio"],
    );
    let mut figures = Vec::new();
    let mut len = SMALLEST;
    while len <= LARGEST {
        let mut cells = vec![size(len as u64)];
        for (kind, range) in [("hot", len), ("cold", RANGE)] {
            let speeds = in_turn(rounds, each, &source[..len], &mut target[..range]);
            bench.workshop.check_interrupted()?;
            cells.extend(speeds.iter().map(|s| number(s.median)));
            cells.push(number(speeds[0].median / speeds[1].median));
            for ((name, _), summary) in ROUTINES.iter().zip(speeds) {
                figures.push(Figure::new(format!("copy_gb_per_s/{name}/{kind}/{len}"), "GB/s", summary));
            }
        }
        table.row(cells);
        len *= 4;
    }
    // Steps of four end at 64 MiB, as they began at 64 bytes.
    table.note(format!("Medians of {rounds} rounds in turn; 10^9 bytes copied a second, one core."));
    table.note("hot: the same buffers again and again; cold: the destination has long left the caches.");
    Ok(Report { figures, tables: vec![table] })
}

/// GB/s of both routines, by rounds in turn.
fn in_turn(rounds: usize, each: Duration, source: &[u8], target: &mut [u8]) -> [Summary; 2] {
    let mut speeds = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for ((_, routine), speeds) in ROUTINES.iter().zip(&mut speeds) {
            speeds.push(speed(*routine, each, source, target));
        }
    }
    speeds.map(|values| Summary::of(&values).unwrap_or(Summary::once(0.0)))
}

/// GB/s of copies to consecutive places of `target`, for at least so long.
fn speed(routine: Routine, each: Duration, source: &[u8], target: &mut [u8]) -> f64 {
    let len = source.len();
    let (mut copies, mut batch, mut at) = (0_usize, 1, 0);
    let began = Instant::now();
    loop {
        for _ in 0..batch {
            if at + len > target.len() {
                at = 0;
            }
            routine(std::hint::black_box(&mut target[at..at + len]), std::hint::black_box(source));
            at += len;
        }
        copies += batch;
        let took = began.elapsed();
        if took >= each {
            return (copies * len) as f64 / took.as_secs_f64() / 1e9;
        }
        // The clock is read seldom enough not to count.
        batch = copies.min(1 << 16);
    }
}

/// The routines behind one safe signature.
#[allow(unsafe_code, reason = "what is measured are copies between raw pointers")]
mod routine {
    /// What messages are copied with.
    pub fn ours(to: &mut [u8], from: &[u8]) {
        assert_eq!(to.len(), from.len());
        // SAFETY: both are valid for that many bytes, and a `&mut` overlaps nothing else.
        unsafe { unirank_ivc::copy::copy(to.as_mut_ptr(), from.as_ptr(), from.len()) }
    }

    /// libc's `memcpy`, which a copy of a length unknown to the compiler becomes.
    pub fn libc(to: &mut [u8], from: &[u8]) {
        assert_eq!(to.len(), from.len());
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr(), from.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_routines_copy() {
        for (name, routine) in ROUTINES {
            for len in [0, 1, 63, 64, 65, 4096, 100_001] {
                let source: Vec<u8> = (0..len).map(|n| n as u8).collect();
                let mut target = vec![0xee; len + 2];
                routine(&mut target[1..=len], &source);
                assert_eq!(&target[1..=len], source, "{name}, {len}");
                assert!(target[0] == 0xee && target[len + 1] == 0xee, "{name}, {len}");
            }
        }
    }

    #[test]
    fn copies_go_round_in_their_range() {
        let (source, mut target) = ([7; 64], [0; 200]);
        assert!(speed(routine::libc, Duration::from_micros(50), &source, &mut target) > 0.0);
        // Three fit, and nothing is written behind them.
        assert_eq!(target[..192], [7; 192]);
        assert_eq!(target[192..], [0; 8]);
    }
}
