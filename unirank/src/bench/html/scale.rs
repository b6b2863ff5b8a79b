//! Logarithmic axes: where a value lies, and which ticks an axis gets.

use crate::text::size;

/// A logarithmic axis from `low` to `high`, drawn between two coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

/// A tick: its value, and its label where it has one.
pub type Tick = (f64, Option<String>);

impl Scale {
    /// An axis that holds all of these values, which are above 0; `None` without values.
    pub fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        // One value alone gets an axis, too.
        (low <= high).then(|| {
            if low < high {
                Self { low, high, from, to }
            } else {
                Self { low: low / 2.0, high: high * 2.0, from, to }
            }
        })
    }

    /// The same, a little longer at both ends.
    pub fn with_room(self) -> Self {
        let room = (self.high / self.low).powf(0.04);
        Self { low: self.low / room, high: self.high * room, ..self }
    }

    /// The coordinate of a value.
    pub fn at(self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value / self.low).ln() / (self.high / self.low).ln()
    }

    fn holds(self, value: f64) -> bool {
        (self.low * 0.999..=self.high * 1.001).contains(&value)
    }

    /// Ticks at 1 to 9 of every power of ten; those at the powers have labels, at 2 and 5 too if there are few.
    pub fn decimal_ticks(self, label: fn(f64) -> String) -> Vec<Tick> {
        let decades = (self.high / self.low).log10();
        let labelled: &[u32] = if decades <= 2.5 { &[1, 2, 5] } else { &[1] };
        let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let ticks = powers.flat_map(|power| (1..10).map(move |digit| (power, digit)));
        ticks
            .map(|(power, digit)| (f64::from(digit) * 10_f64.powi(power), digit))
            .filter(|(value, _)| self.holds(*value))
            .map(|(value, digit)| (value, labelled.contains(&digit).then(|| label(value))))
            .collect()
    }

    /// Ticks at powers of two, every third with a label.
    pub fn byte_ticks(self) -> Vec<Tick> {
        let powers = (0..64).map(|power| (power, 2_f64.powi(power))).filter(|(_, value)| self.holds(*value));
        powers.map(|(power, value)| (value, (power % 3 == 0).then(|| size(value as u64)))).collect()
    }
}

/// Microseconds in the unit that fits.
pub fn time(us: f64) -> String {
    match us {
        ..1.0 => format!("{} ns", digits(us * 1e3)),
        ..1e3 => format!("{} µs", digits(us)),
        ..1e6 => format!("{} ms", digits(us / 1e3)),
        _ => format!("{} s", digits(us / 1e6)),
    }
}

/// MB/s in the unit that fits.
pub fn speed(mb: f64) -> String {
    match mb {
        ..1.0 => format!("{} kB/s", digits(mb * 1e3)),
        ..1e3 => format!("{} MB/s", digits(mb)),
        _ => format!("{} GB/s", digits(mb / 1e3)),
    }
}

/// Messages a second.
pub fn rate(messages: f64) -> String {
    match messages {
        ..1e3 => format!("{}/s", digits(messages)),
        ..1e6 => format!("{} thousand/s", digits(messages / 1e3)),
        _ => format!("{} million/s", digits(messages / 1e6)),
    }
}

/// Three digits, without zeros behind the point.
fn digits(value: f64) -> String {
    let text = match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_where_they_should() {
        let scale = Scale::around([1.0, 100.0].into_iter(), 0.0, 200.0).unwrap();
        assert!((scale.at(10.0) - 100.0).abs() < 1e-9);
        let upwards = Scale::around([1.0, 100.0].into_iter(), 300.0, 0.0).unwrap();
        assert!((upwards.at(1.0) - 300.0).abs() < 1e-9 && upwards.at(100.0).abs() < 1e-9);
        assert!(Scale::around(std::iter::empty(), 0.0, 1.0).is_none());
        let alone = Scale::around([5.0].into_iter(), 0.0, 10.0).unwrap();
        assert!((alone.at(5.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_have_units() {
        let scale = Scale::around([0.1, 2000.0].into_iter(), 0.0, 1.0).unwrap();
        let labels: Vec<String> =
            scale.decimal_ticks(time).into_iter().filter_map(|(_, label)| label).collect();
        assert_eq!(labels, ["100 ns", "1 µs", "10 µs", "100 µs", "1 ms"]);
        let bytes = Scale::around([1.0, 4096.0].into_iter(), 0.0, 1.0).unwrap().byte_ticks();
        assert_eq!(bytes.len(), 13);
        let labels: Vec<String> = bytes.into_iter().filter_map(|(_, label)| label).collect();
        assert_eq!(labels, ["1 B", "8 B", "64 B", "512 B", "4 KiB"]);
        assert_eq!((speed(12_600.0).as_str(), speed(30.0).as_str()), ("12.6 GB/s", "30 MB/s"));
        assert_eq!((time(0.0178).as_str(), rate(17.4e6).as_str()), ("17.8 ns", "17.4 million/s"));
    }
}
