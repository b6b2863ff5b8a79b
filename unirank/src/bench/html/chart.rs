//! Charts as inline SVG; the page's style sheet gives them their colours.

use std::fmt::Write;

use super::scale::{Scale, Tick};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
/// What the axes' labels need.
const LEFT: f64 = 76.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;
/// Of a bar and the gap below it.
const BAR: f64 = 30.0;
/// What the bars' names and values need.
const NAMES: f64 = 320.0;
const VALUES: f64 = 110.0;

/// A measured value and its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The median.
    pub median: f64,
    /// Smallest and largest.
    pub spread: Option<[f64; 2]>,
}

/// The values of one contender.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is, for people.
    pub what: String,
    /// Its class in the style sheet.
    pub class: String,
    /// By size in bytes.
    pub points: Vec<(u64, Value)>,
}

/// Values over message sizes, both axes logarithmic, with its legend; empty text if there is nothing to draw.
pub fn curves(label: fn(f64) -> String, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|s| &s.points).filter(|p| is_drawn(p));
    let x = Scale::around(points().map(|(bytes, _)| *bytes as f64), LEFT, WIDTH - RIGHT);
    let y = Scale::around(points().map(|(_, value)| value.median), HEIGHT - BOTTOM, TOP);
    let Some((x, y)) = x.zip(y.map(Scale::with_room)) else { return String::new() };
    let mut svg = legend(series);
    open(&mut svg, HEIGHT);
    axes(&mut svg, (x, &x.byte_ticks()), (y, &y.decimal_ticks(label)));
    // Ours on top.
    let (ours, others): (Vec<&Series>, Vec<&Series>) =
        series.iter().partition(|s| s.class.starts_with("ours"));
    for series in others.into_iter().chain(ours.into_iter().rev()) {
        let points: Vec<(f64, f64)> = series
            .points
            .iter()
            .filter(|p| is_drawn(p))
            .map(|(b, v)| (x.at(*b as f64), y.at(v.median)))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        put(
            &mut svg,
            format_args!("<g class=\"{}\"><polyline points=\"{}\"/>", series.class, path.join(" ")),
        );
        for ((px, py), (bytes, value)) in points.iter().zip(series.points.iter().filter(|p| is_drawn(p))) {
            let tip =
                escape(&format!("{}: {}, {}", series.what, crate::text::size(*bytes), told(*value, label)));
            put(
                &mut svg,
                format_args!(
                    "<g class=\"point\"><circle class=\"hit\" cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"9\"/><circle \
                     cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"2.7\"/><title>{tip}</title></g>"
                ),
            );
        }
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

/// One bar for each contender, longest is largest.
pub fn bars(label: fn(f64) -> String, series: &[Series]) -> String {
    let first = |s: &Series| s.points.first().map(|(_, value)| *value);
    let most = series.iter().filter_map(first).map(|v| v.median).fold(0.0, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let mut svg = String::new();
    open(&mut svg, BAR * series.len() as f64 + 6.0);
    for (n, series) in series.iter().enumerate() {
        let Some(value) = first(series) else { continue };
        let (top, length) = (BAR * n as f64 + 4.0, (WIDTH - NAMES - VALUES) * value.median / most);
        let (middle, end) = (top + BAR / 2.0 + 1.0, NAMES + length + 8.0);
        let (what, text, tip) = (escape(&series.what), label(value.median), escape(&told(value, label)));
        put(
            &mut svg,
            format_args!(
                "<g class=\"{}\"><title>{what}: {tip}</title><text class=\"name\" x=\"{:.0}\" y=\"{middle:.1}\">{what}\
                 </text><rect x=\"{NAMES}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{:.0}\" rx=\"2\"/><text \
                 class=\"value\" x=\"{end:.1}\" y=\"{middle:.1}\">{text}</text></g>\n",
                series.class,
                NAMES - 10.0,
                BAR - 8.0
            ),
        );
    }
    svg + "</svg>\n"
}

/// Text as XML holds it.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a logarithmic axis can hold.
fn is_drawn((bytes, value): &(u64, Value)) -> bool {
    *bytes > 0 && value.median > 0.0 && value.median.is_finite()
}

fn told(value: Value, label: fn(f64) -> String) -> String {
    let spread = value.spread.map(|[low, high]| format!(" ({} to {})", label(low), label(high)));
    label(value.median) + &spread.unwrap_or_default()
}

fn legend(series: &[Series]) -> String {
    let mut list = String::from("<ul class=\"legend\">");
    for series in series {
        let (class, what) = (&series.class, escape(&series.what));
        put(
            &mut list,
            format_args!(
                "<li><svg width=\"30\" height=\"10\" aria-hidden=\"true\"><g class=\"{class}\"><polyline \
                 points=\"1,5 29,5\"/><circle cx=\"15\" cy=\"5\" r=\"2.7\"/></g></svg>{what}</li>"
            ),
        );
    }
    list + "</ul>\n"
}

fn open(svg: &mut String, height: f64) {
    put(svg, format_args!("<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n"));
}

fn axes(svg: &mut String, (x, x_ticks): (Scale, &[Tick]), (y, y_ticks): (Scale, &[Tick])) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (value, label) in y_ticks {
        let at = y.at(*value);
        let class = if label.is_some() { "grid" } else { "grid minor" };
        put(svg, format_args!("<path class=\"{class}\" d=\"M{LEFT} {at:.1}H{right}\"/>"));
        if let Some(label) = label {
            put(svg, format_args!("<text class=\"y\" x=\"{}\" y=\"{at:.1}\">{label}</text>\n", LEFT - 8.0));
        }
    }
    for (value, label) in x_ticks {
        let at = x.at(*value);
        if let Some(label) = label {
            put(
                svg,
                format_args!(
                    "<path class=\"grid\" d=\"M{at:.1} {TOP}V{bottom}\"/><text class=\"x\" x=\"{at:.1}\" \
                     y=\"{}\">{label}</text>\n",
                    bottom + 18.0
                ),
            );
        }
        put(svg, format_args!("<path class=\"axis\" d=\"M{at:.1} {bottom}v4\"/>"));
    }
    put(svg, format_args!("<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>"));
    let middle = (LEFT + right) / 2.0;
    put(
        svg,
        format_args!("<text class=\"x\" x=\"{middle:.0}\" y=\"{}\">message size</text>\n", HEIGHT - 8.0),
    );
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::super::scale::{rate, time};
    use super::*;

    fn series(what: &str, points: &[(u64, f64)]) -> Series {
        let value = |median: f64| Value { median, spread: Some([median / 2.0, median * 2.0]) };
        let points = points.iter().map(|&(bytes, median)| (bytes, value(median))).collect();
        Series { what: what.into(), class: "s0".into(), points }
    }

    #[test]
    fn curves_have_axes_legend_and_tips() {
        let svg = curves(
            time,
            &[series("A <1>", &[(0, 0.1), (1, 0.1), (8, 0.12), (4096, 2.0)]), series("B", &[(8, 9.0)])],
        );
        assert!(svg.contains("<li>") && svg.contains("A &lt;1&gt;</li>"), "{svg}");
        assert!(svg.contains(">4 KiB</text>") && svg.contains(">1 µs</text>"), "{svg}");
        assert!(svg.contains("<title>A &lt;1&gt;: 8 B, 120 ns (60 ns to 240 ns)</title>"), "{svg}");
        // No logarithm holds the message of no bytes.
        assert_eq!(svg.matches("class=\"point\"").count(), 4);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    }

    #[test]
    fn nothing_to_draw_is_no_chart() {
        assert_eq!(curves(time, &[]), "");
        assert_eq!(curves(time, &[series("A", &[(0, 1.0), (8, 0.0)])]), "");
        assert_eq!(bars(rate, &[series("A", &[])]), "");
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let svg = bars(rate, &[series("A", &[(8, 1e7)]), series("B", &[(8, 5e6)])]);
        let width = |n: usize| {
            svg.split("width=\"").nth(n).unwrap().split('"').next().unwrap().parse::<f64>().unwrap()
        };
        assert_eq!(width(1), 2.0 * width(2));
        assert!(svg.contains(">10 million/s</text>"), "{svg}");
    }
}
