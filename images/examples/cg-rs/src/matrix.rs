//! A rank's rows of a sparse matrix, read from a Matrix Market file
//! (<https://math.nist.gov/MatrixMarket/formats.html>, `coordinate real general` or `symmetric`).

use std::fs::File;
use std::io::{BufRead, BufReader};

/// A band of consecutive rows in compressed form, and how all rows are dealt out to the ranks.
pub struct Band {
    pub unknowns: usize,
    pub counts: Vec<i32>,
    pub starts: Vec<i32>,
    rows: Vec<Vec<(usize, f64)>>,
}

impl Band {
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// This band of `A v`.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| row.iter().map(|&(column, a)| a * v[column]).sum()).collect()
    }

    pub fn read(path: &str, rank: usize, ranks: usize) -> Result<Band, String> {
        let file = File::open(path).map_err(|e| format!("cannot open matrix file {path}: {e}"))?;
        let mut lines = BufReader::new(file).lines();
        let mut next = || match lines.next() {
            Some(line) => line.map_err(|e| format!("cannot read {path}: {e}")),
            None => Err(format!("{path} ends too early")),
        };
        let head = next()?;
        if !head.starts_with("%%MatrixMarket matrix coordinate real") {
            return Err(format!("{path} is not a Matrix Market file of real coordinates"));
        }
        let symmetric = head.contains("symmetric");
        let mut size = next()?;
        while size.starts_with('%') {
            size = next()?;
        }
        let (n, columns, stored): (usize, usize, f64) = three(&size)?;
        if n == 0 || n != columns || n > i32::MAX as usize {
            return Err(format!("{path} has no square size"));
        }
        let start = |i: usize| n * i / ranks;
        let (first, end) = (start(rank), start(rank + 1));
        let mut rows = vec![Vec::new(); end - first];
        let mut put = |row: usize, column: usize, value: f64| {
            if (first..end).contains(&row) {
                rows[row - first].push((column, value));
            }
        };
        for _ in 0..stored as usize {
            let (i, j, value) = three(&next()?)?;
            if !(1..=n).contains(&i) || !(1..=n).contains(&j) {
                return Err(format!("{path} has an index out of range: {i} {j}"));
            }
            put(i - 1, j - 1, value);
            if symmetric && i != j {
                put(j - 1, i - 1, value);
            }
        }
        let starts: Vec<i32> = (0..ranks).map(|i| start(i) as i32).collect();
        let counts = (0..ranks).map(|i| (start(i + 1) - start(i)) as i32).collect();
        Ok(Band { unknowns: n, counts, starts, rows })
    }
}

fn three(line: &str) -> Result<(usize, usize, f64), String> {
    let bad = || format!("not `row column value`: {line}");
    let mut words = line.split_ascii_whitespace();
    let mut word = || words.next().ok_or_else(bad);
    let (a, b, c) = (word()?, word()?, word()?);
    Ok((a.parse().map_err(|_| bad())?, b.parse().map_err(|_| bad())?, c.parse().map_err(|_| bad())?))
}
