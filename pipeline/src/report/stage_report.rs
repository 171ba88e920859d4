//! `StageReport`: the counts and latencies of one step.

use std::time::Duration;

use histogram::Histogram;

use super::batches_closed::BatchesClosed;
use super::metrics::Snapshot;

/// The counts and latencies of one step of a run: a stage, a closure or a boundary.
///
/// ```
/// use pipeline::pipeline;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
/// let report = pipeline![|x: u32| 0..x => each => batch(4)].drain(0..5).await?;
/// let counts: Vec<_> = report.stages()[1..].iter().map(|it| (it.name(), it.calls(), it.outputs())).collect();
/// assert_eq!(counts, [("each", 5, 10), ("batch(4)", 10, 3)]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    pub(super) name: String,
    pub(super) boundary: bool,
    pub(super) calls: usize,
    pub(super) outputs: usize,
    pub(super) closed: Option<BatchesClosed>,
    pub(super) snapshot: Snapshot,
}

/// Converts an internal `u64` counter to the `usize` of the public methods.
pub(crate) fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl StageReport {
    /// `counts` is (items in, items out).
    pub(super) fn new(name: &str, boundary: bool, counts: (u64, u64), snapshot: Snapshot) -> Self {
        let (calls, outputs) = (to_usize(counts.0), to_usize(counts.1));
        Self { name: name.to_owned(), boundary, calls, outputs, closed: None, snapshot }
    }

    /// The name of the stage, closure or boundary.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a boundary: `each` or `batch`.
    #[must_use]
    pub fn is_boundary(&self) -> bool {
        self.boundary
    }

    /// The number of items that the stage was called on; for a boundary, the items that went in.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// The number of items that the stage returned; for a boundary, the items that came out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Why the batches of a `batch` were closed; `None` for any other step.
    ///
    /// ```
    /// use pipeline::pipeline;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
    /// let report = pipeline![u32: batch(4) => |batch| batch.len()].drain(0..10).await?;
    /// let closed = report.stages()[0].batches_closed().unwrap();
    /// assert_eq!((closed.full, closed.linger, closed.end), (2, 0, 1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn batches_closed(&self) -> Option<BatchesClosed> {
        self.closed
    }

    /// The number of attempts, including retries.
    #[must_use]
    pub fn attempts(&self) -> usize {
        (self.calls + to_usize(self.snapshot.retries)).saturating_sub(to_usize(self.snapshot.unattempted))
    }

    /// The number of attempts after the first of their call.
    #[must_use]
    pub fn retries(&self) -> usize {
        to_usize(self.snapshot.retries)
    }

    /// The number of attempts that exceeded the stage's `timeout`.
    #[must_use]
    pub fn timeouts(&self) -> usize {
        to_usize(self.snapshot.timeouts)
    }

    /// The number of calls that failed after their last attempt, including panics, and of rows that failed alone.
    #[must_use]
    pub fn failed(&self) -> usize {
        to_usize(self.snapshot.failed)
    }

    /// The number of calls that were dropped before they finished.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        to_usize(self.snapshot.cancelled)
    }

    /// The total time that calls were queued for a concurrency permit or the rate limit.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.snapshot.queued
    }

    /// The median of the call duration: see [`latency`](Self::latency).
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.latency(50.0)
    }

    /// The 95th percentile of the call duration: see [`latency`](Self::latency).
    #[must_use]
    pub fn p95(&self) -> Option<Duration> {
        self.latency(95.0)
    }

    /// The 99th percentile of the call duration: see [`latency`](Self::latency).
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.latency(99.0)
    }

    /// A percentile of the call duration, accurate to 3 %. `percentile` is from 0 to 100.
    ///
    /// The duration of a call includes its attempts, waits and queues. Calls are sampled: of those that wait, the first
    /// 1024 and then one in eight; of those that are ready at once, one in 256. Where `collect` or `drain` has only stages
    /// that are not async, it is one in 1024. A call that waits is timed with a clock that is read a few times per poll of
    /// the run. Returns `None` if no call was timed.
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
