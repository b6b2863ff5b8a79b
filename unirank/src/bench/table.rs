//! Tables for people: a title, columns as wide as they need to be, notes below.

use std::fmt;

/// Longest line of a note.
const WIDTH: usize = 110;

/// A table being filled.
#[derive(Clone, Debug, Default)]
pub struct Table {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// A table with these columns. The first column and those without a title hold text and are set to the left, the
    /// others to the right.
    pub fn new<S: Into<String>>(title: impl Into<String>, header: impl IntoIterator<Item = S>) -> Self {
        Self { title: title.into(), header: header.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Adds a row; cells that are missing stay empty.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Adds a line of explanation below.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.header.len()];
        for row in self.rows.iter().chain([&self.header]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        let widths = self.widths();
        for row in [&self.header].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (n, width) in widths.iter().copied().enumerate() {
                let cell = row.get(n).map_or("", String::as_str);
                if n == 0 || self.header[n].is_empty() {
                    line += &format!("  {cell:<width$}");
                } else {
                    line += &format!("  {cell:>width$}");
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            for (n, line) in wrap(note, WIDTH - 4).iter().enumerate() {
                writeln!(f, "  {} {line}", if n == 0 { "-" } else { " " })?;
            }
        }
        Ok(())
    }
}

/// Breaks text into lines between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number with as many digits as say something: about three, whole ones with their thousands grouped.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        return grouped(value.round() as i64);
    }
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    match size {
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        0.1.. => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new("Title", ["name", "us"]);
        table.row(["a", "1.00"]);
        table.row(["longer"]);
        table.row(["ü", "123.4"]);
        table.note("a note");
        let text = "\nTitle\n  name       us\n  a        1.00\n  longer\n  ü       123.4\n  - a note\n";
        assert_eq!(table.to_string(), text);
    }

    #[test]
    fn columns_without_title_hold_text() {
        let mut table = Table::new("T", ["", "us", ""]);
        table.row(["a", "1", "met"]);
        table.row(["b", "22", "not met"]);
        assert_eq!(table.to_string(), "\nT\n     us\n  a   1  met\n  b  22  not met\n");
    }

    #[test]
    fn notes_are_broken_between_words() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("a-word-that-is-too-long b", 5), ["a-word-that-is-too-long", "b"]);
        assert!(wrap("  ", 5).is_empty());
    }

    #[test]
    fn numbers_read_well() {
        let cases = [
            (0.0, "0"),
            (0.256, "0.256"),
            (0.01784, "0.0178"),
            (9.999, "10.00"),
            (12.345, "12.3"),
            (999.5, "999.5"),
            (1234.6, "1 235"),
            (1234567.0, "1 234 567"),
            (-4321.0, "-4 321"),
            (-0.5, "-0.500"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
