//! What a program of the comparison printed, and what all its runs came to.

use std::collections::BTreeMap;

use crate::bench::statistics::Summary;
use crate::failure::{Failure, Result};

/// A figure: what the program calls it, and bytes.
pub type Key = (String, u64);

/// A run's own rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The middle one.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// Everything one run measured.
pub type Reading = BTreeMap<Key, Row>;

/// Reads lines of name, bytes, median, smallest and largest.
pub fn parse(text: &str) -> Result<Reading> {
    let mut reading = Reading::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let row = match words[..] {
            [name, bytes, median, low, high] => {
                row(bytes, [median, low, high]).map(|(b, row)| (name, b, row))
            }
            _ => None,
        };
        let (name, bytes, row) =
            row.ok_or_else(|| Failure::new(format!("the program printed {line:?}, which is no figure")))?;
        reading.insert((name.into(), bytes), row);
    }
    if reading.is_empty() { Err(Failure::new("the program printed no figures")) } else { Ok(reading) }
}

fn row(bytes: &str, values: [&str; 3]) -> Option<(u64, Row)> {
    let value = |text: &str| text.parse().ok().filter(|v: &f64| v.is_finite() && *v >= 0.0);
    let [median, low, high] = values.map(value);
    Some((bytes.parse().ok()?, Row { median: median?, low: low?, high: high? }))
}

/// All rounds of one contender.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Round by round; `None` where it failed or no longer took part.
    pub rounds: Vec<Option<Reading>>,
    /// Why it left.
    pub failure: Option<String>,
}

impl Course {
    /// The medians of a figure, round by round.
    pub fn values(&self, key: &Key) -> Vec<Option<f64>> {
        self.rounds.iter().map(|round| Some(round.as_ref()?.get(key)?.median)).collect()
    }

    /// The median of the rounds' medians, and the extremes of everything; rounds are those of all runs together.
    pub fn summary(&self, key: &Key) -> Option<Summary> {
        let rows: Vec<&Row> = self.rounds.iter().filter_map(|round| round.as_ref()?.get(key)).collect();
        let medians: Vec<f64> = rows.iter().map(|row| row.median).collect();
        let min = rows.iter().map(|row| row.low).fold(f64::INFINITY, f64::min);
        let max = rows.iter().map(|row| row.high).fold(0.0, f64::max);
        Summary::of(&medians).map(|s| Summary { min, max, ..s })
    }

    /// All figures it has.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.rounds.iter().flatten().flat_map(BTreeMap::keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_others_refused() {
        let reading = parse("latency 8 0.13 0.12 0.5\nrate 8 17000000 1.6e7 1.8e7\n").unwrap();
        assert_eq!(reading[&("latency".into(), 8)], Row { median: 0.13, low: 0.12, high: 0.5 });
        assert_eq!(reading.len(), 2);
        for wrong in ["", "latency 8 0.13 0.12", "latency x 1 1 1", "latency 8 nan 1 1", "latency 8 -1 1 1"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn rounds_are_summed_up() {
        let round = |text: &str| Some(parse(text).unwrap());
        let rounds =
            vec![round("put 8 3 2 9"), None, round("put 8 1 1 2"), round("put 8 2 2 2\nget 8 1 1 1")];
        let course = Course { rounds, failure: None };
        let put = ("put".to_owned(), 8);
        assert_eq!(course.values(&put), [Some(3.0), None, Some(1.0), Some(2.0)]);
        assert_eq!(course.summary(&put), Some(Summary { median: 2.0, min: 1.0, max: 9.0, rounds: 3 }));
        assert_eq!(course.summary(&("barrier".into(), 0)), None);
    }
}
