//! The goals of `unirank bench os`: names, limits, where they hold, and what is known of missed ones.

use crate::bench::figure::{Figure, Goal};
use crate::bench::start;
use crate::bench::statistics::Summary;
use crate::run::accel;
use crate::text::one_line;

/// Most characters of a reason.
const MOST: usize = 400;

/// QEMU's start to `main`.
pub const START: &str = start::NAME;
/// Start of 64 ranks.
pub const MANY: &str = "start_64_ranks_s";
/// Reading the clock.
pub const CLOCK: &str = "clock_gettime_vs_native";
/// A mutex nobody else wants.
pub const MUTEX: &str = "mutex_vs_native";
/// Thread switch through a condition variable.
pub const SWITCH: &str = "switch_vs_native";
/// Triad and EP-like loop.
pub const OPENMP: &str = "openmp_vs_native";
/// First use of memory.
pub const MEMORY: &str = "memory_touch_vs_native";
/// Reading a file.
pub const FILE_READ: &str = "file_read_vs_native";
/// Writing a file.
pub const FILE_WRITE: &str = "file_write_vs_native";

/// All of them.
#[cfg(test)]
pub const NAMES: [&str; 9] = [START, MANY, CLOCK, MUTEX, SWITCH, OPENMP, MEMORY, FILE_READ, FILE_WRITE];

/// Why a goal is missed where that is known: shown when it is.
const CAUSES: &[(&str, &str)] = &[
    (SWITCH, "a thread that waits goes through the kernel's futex and its one lock"),
    (MEMORY, "the host is slow to find large pages, or has none to spare, and each small one is a VM exit"),
    (FILE_READ, "each request of 9p is a VM exit and a turn of QEMU's thread, which copies"),
    (FILE_WRITE, "each request of 9p is a VM exit and a turn of QEMU's thread, which copies"),
];

/// Whether a goal holds only where VMs run on hardware virtualization.
pub fn has_goal_elsewhere(name: &str) -> bool {
    [MUTEX, SWITCH].contains(&name)
}

fn goal(name: &str, hardware: bool) -> Option<Goal> {
    match name {
        START => Some(start::GOAL),
        MANY => Some(Goal::AtMost(8.0)),
        CLOCK => Some(Goal::AtMost(1.2)),
        MUTEX => hardware.then_some(Goal::AtMost(1.1)),
        SWITCH => hardware.then_some(Goal::AtMost(1.5)),
        OPENMP => Some(Goal::AtMost(1.05)),
        MEMORY => Some(Goal::AtMost(1.0)),
        FILE_READ | FILE_WRITE => Some(Goal::AtLeast(0.6)),
        _ => None,
    }
}

fn unit(name: &str) -> &'static str {
    match name {
        START => "ms",
        MANY => "s",
        _ => "ratio",
    }
}

/// A measured figure with its goal. `note` says what was compared.
pub fn figure(name: &str, value: Summary, note: &str) -> Figure {
    dress(name, Figure::new(name, unit(name), value).note(note), accel::hardware_virtualization())
}

/// One that could not be measured, and why.
pub fn missing(name: &str, why: impl Into<String>) -> Figure {
    let why = one_line(&why.into(), MOST);
    dress(name, Figure::missing(name, unit(name), why), true)
}

fn dress(name: &str, figure: Figure, hardware: bool) -> Figure {
    let mut figure = match goal(name, hardware) {
        Some(goal) => figure.goal(goal),
        None => figure,
    };
    let mut add = |text: &str| {
        if !figure.note.is_empty() {
            figure.note += "; ";
        }
        figure.note += text;
    };
    if !hardware && has_goal_elsewhere(name) {
        let limit = goal(name, true).map_or(String::new(), |goal| goal.to_string());
        add(&format!("a goal ({limit}) only on hosts with hardware virtualization, which this one has not"));
    }
    if figure.is_met() == Some(false)
        && let Some((_, cause)) = CAUSES.iter().find(|(known, _)| *known == name)
    {
        figure.note += &format!("; {cause}");
    }
    figure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_goal_and_causes_belong_to_names() {
        assert!(NAMES.iter().all(|name| goal(name, true).is_some()));
        assert!(CAUSES.iter().all(|(name, _)| NAMES.contains(name)));
    }

    #[test]
    fn what_ring_0_decides_has_a_goal_only_on_hardware() {
        let dressed = |name, hardware| dress(name, Figure::new(name, "ratio", Summary::once(2.0)), hardware);
        let here = dressed(SWITCH, false);
        assert_eq!(here.is_met(), None);
        assert!(
            here.note.contains("<= 1.5") && here.note.contains("hardware virtualization"),
            "{}",
            here.note
        );
        assert_eq!(dressed(SWITCH, true).is_met(), Some(false));
        assert!(dressed(SWITCH, true).note.contains("futex"));
        assert_eq!(dressed(CLOCK, false).is_met(), Some(false));
    }

    #[test]
    fn what_was_not_measured_keeps_its_goal() {
        let figure = missing(MUTEX, "no threads");
        assert_eq!((figure.verdict().as_str(), figure.note.as_str()), ("not measured", "no threads"));
    }
}
