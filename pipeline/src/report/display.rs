//! Displays a report as a table for a terminal.

use std::fmt;
use std::time::Duration;

use super::stage_report::StageReport;
use super::stopped::Stopped;
use super::summary::Report;
use super::table::{plural, table, with_separators};
use super::totals::Totals;

use crate::error::human::format_duration;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stages.iter().rfind(|stage| stage.is_boundary()) {
            Some(last) => self.write_rows(last, f)?,
            None => {
                write!(f, "{} in {}", Totals(self), format_duration(self.elapsed))?;
                if let Some(rate) = self.per_second(self.items_in) {
                    write!(f, " ({rate} items/s)")?;
                }
            }
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

impl Report {
    /// Writes `Loaded 300 rows in 210ms (3 batches, 5 pages, 1 failed; 1,429 rows/s)`, for a pipeline with this last boundary.
    fn write_rows(&self, last: &StageReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_each = self.stages.iter().any(|stage| stage.is_boundary() && stage.name() == "each");
        let (page, pages) = if has_each { ("page", "pages") } else { ("item", "items") };
        let mut counts = Vec::new();
        if last.name() != "each" {
            counts.push(plural(self.items_out, "batch", "batches"));
        }
        counts.push(plural(self.items_in, page, pages));
        for (count, what) in [(self.items_failed, "failed"), (self.items_cancelled, "cancelled")] {
            if count > 0 {
                counts.push(format!("{} {what}", with_separators(count)));
            }
        }
        let (rows, elapsed) = (plural(self.rows_loaded, "row", "rows"), format_duration(self.elapsed));
        write!(f, "Loaded {rows} in {elapsed} ({}", counts.join(", "))?;
        if let Some(rate) = self.per_second(self.rows_loaded) {
            write!(f, "; {rate} rows/s")?;
        }
        f.write_str(")")
    }

    /// A rate for people to read; `None` if it is less than one a second.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
    fn per_second(&self, count: usize) -> Option<String> {
        let seconds = self.elapsed.as_secs_f64();
        let rate = if seconds > 0.0 { (count as f64 / seconds).round() as u64 } else { 0 };
        (rate > 0).then(|| with_separators(rate))
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
