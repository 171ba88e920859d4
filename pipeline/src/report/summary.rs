//! `Report`: the result of a run of many items.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::failure::Failure;
use super::run_id::RunId;
use super::stage_report::StageReport;
use super::stopped::Stopped;

/// The result of a run: the counts of its items, and a [`StageReport`] per step. It displays as a table.
///
/// The counts add up. In a pipeline without boundaries:
///
/// `items_in + rows_isolated = items_out + items_failed + items_cancelled`
///
/// `rows_isolated` is on the left because each such row is an additional failure: its batch goes on.
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
/// assert_eq!(report.stages()[0].failed(), 1);
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
    pub(crate) rows_loaded: usize,
    pub(crate) letters_lost: usize,
    pub(crate) observer_panics: usize,
    pub(crate) stopped: Option<Stopped>,
    pub(crate) started_at: Option<SystemTime>,
    pub(crate) elapsed: Duration,
    pub(crate) stages: Vec<StageReport>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) failures_omitted: usize,
}

/// A report that may come.
pub(crate) type ReportSlot = Arc<Mutex<Option<Report>>>;

impl Report {
    /// The id of the run.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run
    }

    /// The number of items that were taken from the source.
    #[must_use]
    pub fn items_in(&self) -> usize {
        self.items_in
    }

    /// The number of items that came out at the end. After `each` these are its items, after `batch` its batches.
    #[must_use]
    pub fn items_out(&self) -> usize {
        self.items_out
    }

    /// The number of failures: of failed items, and of [isolated rows](Self::rows_isolated). A failed batch counts as many as it
    /// has members.
    #[must_use]
    pub fn items_failed(&self) -> usize {
        self.items_failed
    }

    /// The number of items that were dropped because the run was aborted: in flight, or queued between two stages. A batch
    /// counts as many as it has members.
    #[must_use]
    pub fn items_cancelled(&self) -> usize {
        self.items_cancelled
    }

    /// The number of rows that `split_on_failure` removed from a batch whose other rows went on. They are included in
    /// [`items_failed`](Self::items_failed).
    #[must_use]
    pub fn rows_isolated(&self) -> usize {
        self.rows_isolated
    }

    /// The number of rows that came through the last stage: the members of its batches if there is a `batch` before it, otherwise
    /// its items. Rows that were [isolated](Self::rows_isolated) from their batch are not among them.
    ///
    /// ```
    /// use pipeline::pipeline;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
    /// let load = pipeline![|page: u32| 0..page => each => batch(4) => |rows| rows.len()];
    /// let report = load.drain([3, 7]).await?;
    /// assert_eq!((report.items_in(), report.items_out()), (2, 3)); // two pages, three batches
    /// assert_eq!((report.rows_extracted(), report.rows_loaded(), report.rows_failed()), (10, 10, 0));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn rows_loaded(&self) -> usize {
        self.rows_loaded
    }

    /// The number of rows that were read: the items that came out of the first `each`, or without one those of the source.
    #[must_use]
    pub fn rows_extracted(&self) -> usize {
        let each = self.stages.iter().find(|stage| stage.is_boundary() && stage.name() == "each");
        each.map_or(self.items_in, StageReport::outputs)
    }

    /// The number of rows that failed: [`items_failed`](Self::items_failed), in which a batch counts as many as it has members.
    #[must_use]
    pub fn rows_failed(&self) -> usize {
        self.items_failed
    }

    /// The number of dead letters that were not delivered: the sink failed, or a second cancellation dropped them.
    #[must_use]
    pub fn letters_lost(&self) -> usize {
        self.letters_lost
    }

    /// How the run was stopped; `None` if it went on to the end of its source.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// The number of observer calls that panicked.
    #[must_use]
    pub fn observer_panics(&self) -> usize {
        self.observer_panics
    }

    /// When the run began, on the clock of the system; `None` for a report that is of no run.
    #[must_use]
    pub fn started_at(&self) -> Option<SystemTime> {
        self.started_at
    }

    /// The duration of the run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The throughput: items taken from the source per second.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // A rate.
    pub fn items_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.items_in as f64 / seconds } else { 0.0 }
    }

    /// The reports of the stages, closures and boundaries, in the order of the pipeline.
    #[must_use]
    pub fn stages(&self) -> &[StageReport] {
        &self.stages
    }

    /// The report of the first step with this name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&StageReport> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The failures in the order in which they occurred: all of them in [`Collect`](crate::ErrorMode::Collect) mode, otherwise the
    /// first [100, or as many as the pipeline keeps](crate::Pipeline::keep_failures).
    ///
    /// A failed batch is one failure. A run that was ended by something other than an item has that last in
    /// [`gather`](crate::Pipeline::gather).
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The number of failures that are not in [`failures`](Self::failures), because there were too many.
    #[must_use]
    pub fn failures_omitted(&self) -> usize {
        self.failures_omitted
    }

    /// Whether no item failed or was cancelled, and nothing else ended the run. A run that was
    /// [stopped gracefully](Stopped::Gracefully) is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let ended = matches!(self.stopped, Some(Stopped::AtFailure | Stopped::RuntimeShutDown));
        self.items_failed == 0 && self.items_cancelled == 0 && !ended
    }
}
