//! Text for people: sizes, and foreign text made harmless.

/// `text` with control characters written as escapes, so that what a guest says cannot drive the terminal through
/// a message of ours. Newlines stay: callers that want one line use [`one_line`].
pub fn printable(text: &str) -> String {
    escape(text, |c| c == '\n')
}

/// As [`printable`], newlines and tabs escaped too and cut at `most` characters.
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = escape(text, |_| false);
    if let Some((cut, _)) = line.char_indices().nth(most) {
        line.truncate(cut);
        line.push_str("...");
    }
    line
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Bidirectional overrides reorder what is shown after them.
        let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() || reorders) && !keep(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Bytes as people write them: `512 MiB`, `1.5 GiB`, `300 B`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value.fract() == 0.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// `1 rank`, `4 ranks`.
pub fn ranks(n: u32) -> String {
    if n == 1 { "1 rank".into() } else { format!("{n} ranks") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_become_text() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{9b}d"), "a\\u{1b}[31mb\nc\\u{9b}d");
        assert_eq!(one_line("a\nb\tc", 10), "a\\nb\\tc");
        assert_eq!(one_line("abcdef", 3), "abc...");
        assert_eq!(one_line("\u{202e}x", 20), "\\u{202e}x");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(512 << 20), "512 MiB");
        assert_eq!(size(3 << 29), "1.5 GiB");
    }
}
