//! What came of a run of many items.

#[cfg(feature = "serde")]
mod serialize;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use histogram::Histogram;

use crate::StageError;
use crate::dead_letters::DeliveryQueue;
use crate::display::{count, human, table};
use crate::engine::{RunState, RunTotals, SegmentTotals};
use crate::metrics::Snapshot;
use crate::plan::{Plan, StepKind};
use crate::run::RunId;

/// An item that failed: where it stood in the source, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The position of the item in the source; the first is 0. Behind `each` it is that of the item that was taken
    /// apart, behind `batch` that of the first of the batch.
    pub index: usize,
    /// What its stage said.
    pub error: StageError,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}: {}", self.index, self.error)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

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
    run: RunId,
    items_in: usize,
    items_out: usize,
    items_failed: usize,
    items_cancelled: usize,
    rows_isolated: usize,
    letters_lost: usize,
    observer_panics: u64,
    elapsed: Duration,
    stages: Vec<StageReport>,
    failures: Vec<Failure>,
}

/// What came of one step in a run: of a stage, or of a boundary.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    name: String,
    boundary: bool,
    calls: u64,
    given: u64,
    snapshot: Snapshot,
}

impl Report {
    pub(crate) fn new<R>(run_state: &mut RunState<'_, R>, totals: &RunTotals, plan: &Plan) -> Self {
        let run = run_state.run;
        let mut snapshots: Vec<_> = run_state.counters.metrics().iter().map(Snapshot::of).collect();
        for others in &totals.worker_snapshots {
            snapshots.iter_mut().zip(others).for_each(|(mine, other)| mine.add(other));
        }
        let mut segments = totals.segments.iter();
        let mut arriving = None;
        let stages = plan.steps().iter().zip(snapshots).filter_map(|(step, snapshot)| {
            let name = step.name.clone().into_owned();
            match step.kind {
                StepKind::Stage(_) | StepKind::Boundary => {}
                StepKind::Open(_) => return None,
                // Where it forks the items are counted.
                StepKind::Branch(_) | StepKind::Close(_) => {
                    arriving = Some(snapshot.passed);
                    return None;
                }
            }
            if matches!(step.kind, StepKind::Boundary) {
                arriving = None;
                let (calls, given) = segments
                    .find_map(|part| match *part {
                        SegmentTotals::Boundary { items_in, items_out } => Some((items_in, items_out)),
                        SegmentTotals::Segment { .. } => None,
                    })
                    .unwrap_or_default();
                return Some(StageReport { name, boundary: true, calls, given, snapshot });
            }
            // What a stage is called on is what the one before it did not keep.
            let calls = arriving.unwrap_or_else(|| match segments.next() {
                Some(&SegmentTotals::Segment { started }) => started,
                _ => 0,
            });
            let lost = (snapshot.failed - snapshot.isolated) + snapshot.cancelled;
            let given = calls.saturating_sub(lost);
            arriving = Some(given);
            Some(StageReport { name, boundary: false, calls, given, snapshot })
        });
        Self {
            run: run.id(),
            stages: stages.collect(),
            items_in: run_state.items_in,
            items_out: run_state.items_out,
            items_failed: run_state.items_failed,
            items_cancelled: usize::try_from(totals.cancelled).unwrap_or(usize::MAX),
            rows_isolated: run_state.rows_isolated,
            letters_lost: run_state.delivery.as_ref().map_or(0, DeliveryQueue::lost),
            observer_panics: run_state.counters.observer_panics() + totals.observer_panics,
            elapsed: run_state.counters.elapsed(),
            failures: std::mem::take(&mut run_state.failures),
        }
    }

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
    pub fn observer_panics(&self) -> u64 {
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

impl StageReport {
    /// The name of the stage.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a boundary: `each` or `batch`.
    #[must_use]
    pub fn is_boundary(&self) -> bool {
        self.boundary
    }

    /// The items it was called on; of a boundary, the items that came in.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The items that it gave.
    #[must_use]
    pub fn outputs(&self) -> u64 {
        self.given
    }

    /// All attempts, first ones and retries.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        (self.calls + self.snapshot.retries).saturating_sub(self.snapshot.unattempted)
    }

    /// The attempts after the first.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.snapshot.retries
    }

    /// The attempts that took longer than the stage's `timeout`.
    #[must_use]
    pub fn timeouts(&self) -> u64 {
        self.snapshot.timeouts
    }

    /// The calls that failed for good, panics included; and rows that failed by themselves.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.snapshot.failed
    }

    /// The calls that were given up before they were done.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.snapshot.cancelled
    }

    /// How long calls waited for their turn, a permit or the rate, all together.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.snapshot.queued
    }

    /// The median of how long calls took: see [`latency`](Self::latency).
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.latency(50.0)
    }

    /// What 95 of a hundred calls took at most: see [`latency`](Self::latency).
    #[must_use]
    pub fn p95(&self) -> Option<Duration> {
        self.latency(95.0)
    }

    /// What 99 of a hundred calls took at most: see [`latency`](Self::latency).
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.latency(99.0)
    }

    /// How long calls took, attempts, waits and queues together: so many of a hundred took at most this long, to 3 %.
    ///
    /// Calls that wait are timed by a clock that is read some times in each turn of the engine: the first thousand, then
    /// one in eight. Of those that are ready at once, one in 256 is timed. Each stands for the others. `None` if no call was.
    ///
    /// ```
    /// # fn show(stage: &pipeline::StageReport) {
    /// println!("p50 {:?}, p99 {:?}", stage.latency(50.0), stage.latency(99.0));
    /// # }
    /// ```
    #[must_use]
    pub fn latency(&self, percentile: f64) -> Option<Duration> {
        let histogram: &Histogram = self.snapshot.latency.as_ref()?;
        let bucket = histogram.quantile_bucket((percentile / 100.0).clamp(0.0, 1.0)).ok()??;
        Some(Duration::from_nanos(bucket.end()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items_in, items_out, items_failed, items_cancelled, .. } = self;
        write!(f, "{} in, {} out", count(items_in), count(items_out))?;
        if *items_failed > 0 {
            write!(f, ", {} failed", count(items_failed))?;
        }
        if *items_cancelled > 0 {
            write!(f, ", {} cancelled", count(items_cancelled))?;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A rate, to be read.
        let rate = self.items_per_second().round() as u64;
        write!(f, " in {}", human(self.elapsed))?;
        if rate > 0 {
            write!(f, " ({} in a second)", count(rate))?;
        }
        if self.letters_lost > 0 {
            write!(f, "; {} dead letters LOST", count(self.letters_lost))?;
        }
        if self.observer_panics > 0 {
            write!(f, "; observers panicked {} times", count(self.observer_panics))?;
        }
        if self.stages.is_empty() {
            return Ok(());
        }
        let quiet = |value: u64| if value == 0 { String::new() } else { count(value) };
        let time = |duration: Option<Duration>| duration.map(|it| human(it).to_string()).unwrap_or_default();
        let rows = self.stages.iter().map(|stage| {
            let queued = Some(stage.queued()).filter(|queued| !queued.is_zero());
            vec![
                shortened(&stage.name),
                count(stage.calls()),
                count(stage.outputs()),
                quiet(stage.failures()),
                quiet(stage.cancelled()),
                quiet(stage.retries()),
                quiet(stage.timeouts()),
                time(stage.p50()),
                time(stage.p95()),
                time(stage.p99()),
                time(queued),
            ]
        });
        let heads = [
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
        table(f, &heads, &rows.collect::<Vec<_>>())
    }
}

/// `closure at main.rs:7` of `closure at src/bin/main.rs:7`: a table has little room.
fn shortened(name: &str) -> String {
    match (name.split_once(" at "), name.rsplit_once('/')) {
        (Some((what, _)), Some((_, file))) => format!("{what} at {file}"),
        _ => name.to_owned(),
    }
}

/// A run that was given up at its first failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Aborted {
    /// The failure.
    pub failure: Failure,
    /// What was done before it.
    pub report: Report,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { items_in, items_out, items_failed, items_cancelled, elapsed, .. } = &self.report;
        write!(
            f,
            "{} ({items_in} items in, {items_out} out, {items_failed} failed, {items_cancelled} cancelled, in {})",
            self.failure,
            human(*elapsed)
        )
    }
}

impl Error for Aborted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.failure.error)
    }
}
