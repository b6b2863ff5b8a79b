//! What several measurements of the same thing come to.

/// Median and extremes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle value; of an even number the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many there were.
    pub rounds: usize,
}

impl Summary {
    /// Sums values up; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 };
        Some(Self { median, min, max, rounds: sorted.len() })
    }

    /// One value that was not measured several times.
    pub fn once(value: f64) -> Self {
        Self { median: value, min: value, max: value, rounds: 1 }
    }
}

/// Each value of the first over its counterpart in the second, summed up; `None` if no two are both there.
///
/// Where rounds were made in turn, what disturbed a round disturbed both its values: their ratio says more than that
/// of two medians.
pub fn ratio(of: &[Option<f64>], to: &[Option<f64>]) -> Option<Summary> {
    let both = of.iter().zip(to).filter_map(|(of, to)| (*of).zip(*to));
    let ratios: Vec<f64> = both.filter(|(_, to)| *to > 0.0).map(|(of, to)| of / to).collect();
    Summary::of(&ratios)
}

/// Mean, and its standard error (0 for fewer than two values); `None` without values.
pub fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return Some((mean, 0.0));
    }
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some((mean, (variance / n).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_and_even_numbers() {
        let summary = Summary::of(&[9.0, 1.0, 5.0]).unwrap();
        assert_eq!(summary, Summary { median: 5.0, min: 1.0, max: 9.0, rounds: 3 });
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 9.0]).unwrap().median, 3.0);
        assert_eq!(Summary::of(&[7.0]), Some(Summary::once(7.0)));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn ratios_are_made_round_by_round() {
        // The third round was disturbed; one of the fourth is missing.
        let of = [Some(1.0), Some(1.2), Some(9.0), None];
        let to = [Some(2.0), Some(2.0), Some(18.0), Some(2.0)];
        assert_eq!(ratio(&of, &to), Some(Summary { median: 0.5, min: 0.5, max: 0.6, rounds: 3 }));
        assert_eq!(ratio(&[Some(1.0)], &[None]), None);
        assert_eq!(ratio(&[Some(1.0)], &[Some(0.0)]), None);
    }

    #[test]
    fn standard_error_of_the_mean() {
        let (mean, error) = mean_and_error(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(mean, 5.0);
        assert!((error - (32.0f64 / 7.0 / 8.0).sqrt()).abs() < 1e-12, "{error}");
        assert_eq!(mean_and_error(&[3.0]), Some((3.0, 0.0)));
        assert_eq!(mean_and_error(&[]), None);
    }
}
