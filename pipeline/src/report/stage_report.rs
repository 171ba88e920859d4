//! The figures of one stage.

use histogram::Histogram;
use std::time::Duration;

use super::metrics::Snapshot;

/// What came of one step in a run: of a stage, or of a boundary.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    pub(super) name: String,
    pub(super) boundary: bool,
    pub(super) calls: usize,
    pub(super) outputs: usize,
    pub(super) snapshot: Snapshot,
}

/// Counters are `u64`, what users see is `usize`.
pub(crate) fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl StageReport {
    /// `counts` are the items in and the items out.
    pub(super) fn new(name: &str, boundary: bool, counts: (u64, u64), snapshot: Snapshot) -> Self {
        let (calls, outputs) = (size(counts.0), size(counts.1));
        Self { name: name.to_owned(), boundary, calls, outputs, snapshot }
    }

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
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// The items that it gave.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// All attempts, first ones and retries.
    #[must_use]
    pub fn attempts(&self) -> usize {
        (self.calls + size(self.snapshot.retries)).saturating_sub(size(self.snapshot.unattempted))
    }

    /// The attempts after the first.
    #[must_use]
    pub fn retries(&self) -> usize {
        size(self.snapshot.retries)
    }

    /// The attempts that took longer than the stage's `timeout`.
    #[must_use]
    pub fn timeouts(&self) -> usize {
        size(self.snapshot.timeouts)
    }

    /// The calls that failed for good, panics included; and rows that failed by themselves.
    #[must_use]
    pub fn failed(&self) -> usize {
        size(self.snapshot.failed)
    }

    /// The calls that were given up before they were done.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        size(self.snapshot.cancelled)
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
