//! Displays a report as a table for a terminal.

use std::fmt;
use std::time::Duration;

use super::stopped::Stopped;
use super::summary::Report;
use super::table::{table, with_separators};
use super::totals::Totals;

use crate::error::human::format_duration;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Totals(self).fmt(f)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A rate for people to read.
        let rate = self.items_per_second().round() as u64;
        write!(f, " in {}", format_duration(self.elapsed))?;
        if rate > 0 {
            write!(f, " ({} items/s)", with_separators(rate))?;
        }
        // A failure is in the line already.
        if let Some(stopped) = self.stopped.filter(|stopped| *stopped != Stopped::AtFailure) {
            write!(f, "; {stopped}")?;
        }
        if self.failures_omitted > 0 {
            write!(f, "; {} more failures than were kept", with_separators(self.failures_omitted))?;
        }
        if self.letters_lost > 0 {
            write!(f, "; {} dead letters LOST", with_separators(self.letters_lost))?;
        }
        if self.observer_panics > 0 {
            write!(f, "; observers panicked {} times", with_separators(self.observer_panics))?;
        }
        if self.stages.is_empty() {
            return Ok(());
        }
        let nonzero = |value: usize| if value == 0 { String::new() } else { with_separators(value) };
        let time = |duration: Option<Duration>| {
            duration.map(|it| format_duration(it).to_string()).unwrap_or_default()
        };
        let rows = self.stages.iter().map(|stage| {
            let queued = Some(stage.queued()).filter(|queued| !queued.is_zero());
            vec![
                short_name(&stage.name),
                with_separators(stage.calls()),
                with_separators(stage.outputs()),
                nonzero(stage.failed()),
                nonzero(stage.cancelled()),
                nonzero(stage.retries()),
                nonzero(stage.timeouts()),
                time(stage.p50()),
                time(stage.p95()),
                time(stage.p99()),
                time(queued),
            ]
        });
        let headers = [
            "stage",
            "in",
            "out",
            "failed",
            "cancelled",
            "retries",
            "timeouts",
            "p50",
            "p95",
            "p99",
            "queued",
        ];
        table(f, &headers, &rows.collect::<Vec<_>>())
    }
}

/// Drops the folders of a closure's location, to keep the table narrow: `closure at src/bin/main.rs:7` becomes
/// `closure at main.rs:7`.
fn short_name(name: &str) -> String {
    match (name.split_once(" at "), name.rsplit_once('/')) {
        (Some((what, _)), Some((_, file))) => format!("{what} at {file}"),
        _ => name.to_owned(),
    }
}
