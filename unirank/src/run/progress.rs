//! The line that shows how many VMs have booted, on a terminal only.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often it moves while nothing else happens.
pub const TICK: Duration = Duration::from_millis(100);

/// The progress line; gone for good once output begins or all ranks run.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Shows the line if standard error is a terminal and there is something to wait for.
    pub fn new(ranks: u32, wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(Some(u64::from(ranks)), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} booting: {pos} of {len} ranks run ({elapsed})");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar: Some(bar) }
    }

    /// One more rank runs.
    pub fn one_more(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            if bar.position() >= bar.length().unwrap_or(0) {
                self.clear();
            }
        }
    }

    /// Moves the spinner; returns whether the line is shown.
    pub fn tick(&self) -> bool {
        self.bar.as_ref().inspect(|bar| bar.tick()).is_some()
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
