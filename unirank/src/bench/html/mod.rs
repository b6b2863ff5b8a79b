//! The figures as one page that needs nothing else: goals, curves by message size, bars. Light and dark.
//!
//! Drawn here and not by a plotting library: those write colours into the drawing, so that it cannot follow the
//! reader's choice of light or dark, and have no tips on points.

mod chart;
mod scale;

use chart::{Series, Value, bars, curves, escape};

use super::figure::Figure;
use super::table::number;

/// A chart: the figures' name before the contender's, title, how it is drawn, its values' unit.
type Chart = (&'static str, &'static str, Drawing, fn(f64) -> String);
type Drawing = fn(fn(f64) -> String, &[Series]) -> String;
const CHARTS: [Chart; 7] = [
    ("half_round_trip_us", "Half round trip (lower is better)", curves, scale::time),
    ("bandwidth_mb_per_s", "Bandwidth, window of 64 messages (higher is better)", curves, scale::speed),
    ("message_rate_per_s", "Message rate, 8 bytes, window of 64 (higher is better)", bars, scale::rate),
    ("allreduce_us", "Allreduce of 8 bytes (lower is better)", bars, scale::time),
    ("barrier_us", "Barrier (lower is better)", bars, scale::time),
    ("put_us", "Put of 8 bytes and flush (lower is better)", bars, scale::time),
    ("get_us", "Get of 8 bytes and flush (lower is better)", bars, scale::time),
];
/// Colours the style sheet has for other libraries.
const OTHERS: usize = 6;

/// The page. `host` says what the figures were measured on.
pub fn page(host: &str, figures: &[Figure], quick: bool) -> String {
    let mut body = format!("<h1>unirank bench</h1>\n<p class=\"host\">{}</p>\n", escape(host));
    if quick {
        body += "<p class=\"warning\">Measured with --quick: too short for figures to rely on.</p>\n";
    }
    body += &goals(figures);
    for (name, title, draw, label) in CHARTS {
        let drawn = draw(label, &series(figures, name));
        if !drawn.is_empty() {
            body += &format!("<section><h2>{title}</h2>\n{drawn}</section>\n");
        }
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>unirank bench</title>\n<style>\n{}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        include_str!("style.css")
    )
}

fn goals(figures: &[Figure]) -> String {
    let mut rows = String::new();
    for figure in figures.iter().filter(|f| f.goal.is_some()) {
        let class = match figure.is_met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "absent",
        };
        let value = figure.value.map_or("-".into(), number);
        let spread = figure.spread.filter(|_| figure.rounds > 1);
        let spread = spread.map_or(String::new(), |[min, max]| format!("{} to {}", number(min), number(max)));
        let goal = figure.goal.map_or(String::new(), |goal| goal.to_string());
        let cells = [&figure.name, &value, &spread, &goal, figure.unit, &figure.verdict(), &figure.note];
        let [name, value, spread, goal, unit, verdict, note] = cells.map(escape);
        rows += &format!(
            "<tr><td>{name}<td class=\"n\">{value}<td class=\"n\">{spread}<td class=\"n\">{goal}<td>{unit}<td \
             class=\"{class}\">{verdict}<td class=\"note\">{note}</tr>\n"
        );
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<section><h2>Goals</h2>\n<div class=\"wide\"><table><thead><tr><th>figure<th>value<th>spread<th>goal<th>unit\
         <th>verdict<th>from</tr></thead>\n<tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

/// The series of figures called `name/contender/bytes`, one for each contender.
fn series(figures: &[Figure], name: &str) -> Vec<Series> {
    let mut all: Vec<(&str, Series)> = Vec::new();
    let mut others = 0;
    for figure in figures {
        let Some((contender, bytes)) = address(&figure.name, name) else { continue };
        let Some(median) = figure.value else { continue };
        let n = all.iter().position(|(known, _)| *known == contender).unwrap_or_else(|| {
            let class = class(contender).map_or_else(|| format!("other{}", others % OTHERS), String::from);
            others += usize::from(class.starts_with("other"));
            let what = if figure.note.is_empty() { contender } else { &figure.note };
            all.push((contender, Series { what: what.into(), class, points: Vec::new() }));
            all.len() - 1
        });
        all[n].1.points.push((bytes, Value { median, spread: figure.spread }));
    }
    all.iter_mut().for_each(|(_, series)| series.points.sort_by_key(|(bytes, _)| *bytes));
    all.into_iter().map(|(_, series)| series).collect()
}

/// Contender and bytes in a figure's name.
fn address<'a>(figure: &'a str, name: &str) -> Option<(&'a str, u64)> {
    let (contender, bytes) = figure.strip_prefix(name)?.strip_prefix('/')?.rsplit_once('/')?;
    Some((contender, bytes.parse().ok()?))
}

/// The class of our own contenders.
fn class(contender: &str) -> Option<&'static str> {
    match contender {
        "kvm" => Some("ours kvm"),
        "native" => Some("ours native"),
        _ if contender.ends_with("-hca") => Some("ours hca"),
        "tcg" => Some("ours tcg"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figure::Goal;
    use crate::bench::statistics::Summary;

    fn figure(name: &str, value: f64, note: &str) -> Figure {
        Figure::new(name, "us", Summary { median: value, min: value, max: value, rounds: 9 }).note(note)
    }

    #[test]
    fn the_page_has_all_and_needs_nothing_else() {
        let figures = [
            Figure { goal: Some(Goal::AtMost(0.7)), ..figure("latency_8B_vs_mpi", 0.9, "0.1 us & more") },
            Figure::missing("put_8B_vs_mpi", "ratio", "no <MPI_Put>").goal(Goal::AtMost(0.7)),
            figure("half_round_trip_us/kvm/8", 0.1, "unirank, VMs under KVM"),
            figure("half_round_trip_us/kvm/4096", 0.5, "unirank, VMs under KVM"),
            figure("half_round_trip_us/openmpi-5.0.11/8", 0.2, "Open MPI 5.0.11"),
            figure("message_rate_per_s/mpich-4.0.2/8", 1e7, "MPICH 4.0.2"),
        ];
        let page = page("a host", &figures, true);
        for wanted in [
            "Measured with --quick",
            "class=\"missed\">MISSED by 29 %",
            "0.1 us &amp; more",
            "class=\"absent\">not measured",
            "no &lt;MPI_Put&gt;",
            "<h2>Half round trip",
            "<h2>Message rate",
            "<g class=\"ours kvm\">",
            "<g class=\"other0\">",
            "prefers-color-scheme: dark",
        ] {
            assert!(page.contains(wanted), "{wanted}\n{page}");
        }
        // What was not measured has no chart, and nothing is fetched.
        assert!(!page.contains("<h2>Barrier"));
        assert!(!page.contains("http") && !page.contains("src=") && !page.contains("url("));
    }

    #[test]
    fn figures_of_other_names_are_no_series() {
        let figures =
            [figure("half_round_trip_us/kvm", 1.0, ""), figure("half_round_trip_us_x/kvm/8", 1.0, "")];
        assert!(series(&figures, "half_round_trip_us").is_empty());
        assert_eq!(address("put_us/kvm-hca/8", "put_us"), Some(("kvm-hca", 8)));
    }
}
