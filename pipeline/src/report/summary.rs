//! What came of a run of many items.

use std::time::Duration;

use super::failure::Failure;
use super::run_id::RunId;
use super::stage_report::StageReport;

/// What came of a run, in all and stage by stage. It displays as a table.
///
/// The counts add up. In a pipeline without boundaries, and with rows that
/// [`split_on_failure`](macro@crate::stage) took out of their batch on the left:
///
/// `items_in + rows_isolated = items_out + items_failed + items_cancelled`
///
/// ```
/// use pipeline::{pipeline, stage, ErrorMode};
///
/// #[stage]
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
/// let lines = ["1", "two", "3"].map(String::from);
/// let report = pipeline![parse].on_error(ErrorMode::Collect).drain(lines).await?;
/// assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (3, 2, 1));
/// assert_eq!(report.failures()[0].index, 1);
/// assert_eq!(report.stages()[0].failures(), 1);
/// println!("{report}");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub(crate) run: RunId,
    pub(crate) items_in: usize,
    pub(crate) items_out: usize,
    pub(crate) items_failed: usize,
    pub(crate) items_cancelled: usize,
    pub(crate) rows_isolated: usize,
    pub(crate) letters_lost: usize,
    pub(crate) observer_panics: usize,
    pub(crate) elapsed: Duration,
    pub(crate) stages: Vec<StageReport>,
    pub(crate) failures: Vec<Failure>,
}

impl Report {
    /// The run.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run
    }

    /// The items that were taken from the source.
    #[must_use]
    pub fn items_in(&self) -> usize {
        self.items_in
    }

    /// The items that came out at the end: behind `each` its items, behind `batch` its batches.
    #[must_use]
    pub fn items_out(&self) -> usize {
        self.items_out
    }

    /// The failures: items that a stage failed on, and [single rows](Self::rows_isolated).
    #[must_use]
    pub fn items_failed(&self) -> usize {
        self.items_failed
    }

    /// The items that were given up while they were under way, or waited for the next stage.
    #[must_use]
    pub fn items_cancelled(&self) -> usize {
        self.items_cancelled
    }

    /// The failures among [`items_failed`](Self::items_failed) that are rows of a batch whose other rows went on, by
    /// `split_on_failure`.
    #[must_use]
    pub fn rows_isolated(&self) -> usize {
        self.rows_isolated
    }

    /// The dead letters that their sink could not take; and those that were left when the run was stopped a second time.
    #[must_use]
    pub fn letters_lost(&self) -> usize {
        self.letters_lost
    }

    /// The calls of observers that panicked.
    #[must_use]
    pub fn observer_panics(&self) -> usize {
        self.observer_panics
    }

    /// How long the run took.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The items taken per second.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // A rate.
    pub fn items_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.items_in as f64 / seconds } else { 0.0 }
    }

    /// The stages, closures and boundaries, in order.
    #[must_use]
    pub fn stages(&self) -> &[StageReport] {
        &self.stages
    }

    /// The first stage of this name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&StageReport> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The failures, in the order in which they came, of a run in [`Collect`](crate::ErrorMode::Collect) mode.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Whether nothing failed and nothing was given up.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.items_failed == 0 && self.items_cancelled == 0
    }
}
