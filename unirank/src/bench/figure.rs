//! One measured figure, its goal, and how figures are written as JSON.

use std::fmt;

use serde::{Serialize, Serializer};

use super::statistics::Summary;
use super::table::number;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// This or less.
    AtMost(f64),
    /// Less than this.
    Below(f64),
    /// This or more.
    AtLeast(f64),
}

impl Goal {
    /// Whether a value is good enough.
    pub fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::Below(limit) => value < limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }

    /// By how much a value misses the limit, as a part of the limit; `None` if it does not, or the limit is 0.
    pub fn missed_by(self, value: f64) -> Option<f64> {
        let missed = !self.is_met_by(value) && self.limit() != 0.0;
        missed.then(|| (value / self.limit() - 1.0).abs())
    }

    /// The limit.
    pub fn limit(self) -> f64 {
        match self {
            Self::AtMost(limit) | Self::Below(limit) | Self::AtLeast(limit) => limit,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self {
            Self::AtMost(_) => "<=",
            Self::Below(_) => "<",
            Self::AtLeast(_) => ">=",
        };
        // As it was set: 0.7, not 0.700.
        let limit = self.limit();
        if limit < 100.0 {
            write!(f, "{relation} {limit}")
        } else {
            write!(f, "{relation} {}", number(limit))
        }
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.limit())
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Name; variants follow after slashes: `half_round_trip_us/kvm/8`.
    pub name: String,
    /// The figure, the median where there are several rounds; `None` if it could not be measured.
    pub value: Option<f64>,
    /// Unit.
    pub unit: &'static str,
    /// Its limit, if it has one.
    pub goal: Option<Goal>,
    /// Smallest and largest of all rounds.
    pub spread: Option<[f64; 2]>,
    /// How often it was measured.
    pub rounds: usize,
    /// How it was measured, why it could not be, or what it is made of.
    pub note: String,
}

impl Figure {
    /// A measured figure.
    pub fn new(name: impl Into<String>, unit: &'static str, summary: Summary) -> Self {
        Self {
            name: name.into(),
            value: Some(summary.median),
            unit,
            goal: None,
            spread: Some([summary.min, summary.max]),
            rounds: summary.rounds,
            note: String::new(),
        }
    }

    /// One that could not be measured, and why.
    pub fn missing(name: impl Into<String>, unit: &'static str, why: impl Into<String>) -> Self {
        Self { name: name.into(), value: None, unit, goal: None, spread: None, rounds: 0, note: why.into() }
    }

    /// Gives it a goal.
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Says more about it.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Whether it meets its goal; `None` without goal or value.
    pub fn is_met(&self) -> Option<bool> {
        Some(self.goal?.is_met_by(self.value?))
    }

    /// What became of its goal, in a word or two.
    pub fn verdict(&self) -> String {
        let missed_by = || self.goal?.missed_by(self.value?);
        match (self.is_met(), missed_by()) {
            (Some(true), _) => "met".into(),
            (Some(false), Some(part)) => format!("MISSED by {:.0} %", (100.0 * part).ceil()),
            (Some(false), None) => "MISSED".into(),
            (None, _) => "not measured".into(),
        }
    }
}

/// All figures as a JSON list.
pub fn to_json(figures: &[Figure]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(figures).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_limits() {
        assert!(Goal::AtMost(120.0).is_met_by(120.0) && !Goal::AtMost(120.0).is_met_by(120.1));
        assert!(Goal::Below(10.0).is_met_by(-3.0) && !Goal::Below(10.0).is_met_by(10.0));
        assert!(Goal::AtLeast(1.3).is_met_by(1.3) && !Goal::AtLeast(1.3).is_met_by(1.29));
        assert_eq!(Goal::AtLeast(1.3).to_string(), ">= 1.3");
        let figure = Figure::new("a", "ms", Summary::once(3.0));
        assert_eq!(figure.is_met(), None);
        assert_eq!(figure.goal(Goal::AtMost(2.0)).is_met(), Some(false));
        assert_eq!(Figure::missing("a", "ms", "no KVM").goal(Goal::AtMost(2.0)).is_met(), None);
    }

    #[test]
    fn verdicts_say_by_how_much() {
        let verdict = |goal, value| Figure::new("a", "ratio", Summary::once(value)).goal(goal).verdict();
        assert_eq!(verdict(Goal::AtMost(0.7), 0.7), "met");
        assert_eq!(verdict(Goal::AtMost(0.7), 0.91), "MISSED by 31 %");
        assert_eq!(verdict(Goal::AtLeast(1.3), 1.04), "MISSED by 20 %");
        // What misses its goal by a hair does not miss it by nothing.
        assert_eq!(verdict(Goal::AtMost(1.03), 1.0301), "MISSED by 1 %");
        assert_eq!(verdict(Goal::AtMost(0.0), 3.0), "MISSED");
        assert_eq!(Figure::missing("a", "ratio", "no KVM").goal(Goal::Below(1.0)).verdict(), "not measured");
    }

    #[test]
    fn json_has_the_agreed_members() {
        let summary = Summary { median: 80.5, min: 70.0, max: 99.0, rounds: 9 };
        let figures = [
            Figure::new("start_to_main_ms", "ms", summary).goal(Goal::AtMost(120.0)).note("under KVM"),
            Figure::missing("exits_per_million_messages", "exits", "no KVM").goal(Goal::Below(10.0)),
        ];
        let value: serde_json::Value = serde_json::from_str(&to_json(&figures).unwrap()).unwrap();
        assert_eq!(
            value,
            serde_json::json!([
                {"name": "start_to_main_ms", "value": 80.5, "unit": "ms", "goal": 120.0, "spread": [70.0, 99.0],
                 "rounds": 9, "note": "under KVM"},
                {"name": "exits_per_million_messages", "value": null, "unit": "exits", "goal": 10.0, "spread": null,
                 "rounds": 0, "note": "no KVM"},
            ])
        );
    }
}
