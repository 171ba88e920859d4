//! The counters of one stage in one run, as seen by one worker.
//!
//! A call that is ready at once and succeeds is not counted: `accounting` derives the number of such calls from the
//! others. Each worker has its own counters, so these atomics are never contended.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use histogram::{AtomicHistogram, Histogram};

/// 2^5 buckets per power of two: percentiles are accurate to 3 %.
const GROUPING_POWER: u8 = 5;

/// The histogram covers up to 2^63 nanoseconds: three centuries.
const MAX_VALUE_POWER: u8 = 63;

/// The counters of one step.
#[derive(Debug, Default)]
pub(crate) struct StageMetrics {
    pub(crate) failed: Counter,
    /// Rows that failed alone, while the rest of their batch succeeded.
    pub(crate) isolated: Counter,
    /// Calls that have returned `Pending` and are not finished. At the end of a run these are the cancelled calls.
    pub(crate) waiting: Gauge,
    /// Attempts after the first of their call.
    pub(crate) retries: Counter,
    /// Calls that ended before their first attempt: the deadline passed in the queue.
    pub(crate) unattempted: Counter,
    /// Attempts that exceeded the stage's `timeout`.
    pub(crate) timeouts: Counter,
    /// Nanoseconds that calls were queued for a concurrency permit or the rate limit.
    pub(crate) queued: Counter,
    /// Calls that returned `Pending` and then finished.
    waited: Gauge,
    /// Items that passed, at the start of a branch or the end of a fork.
    pub(crate) passed: Gauge,
    /// Durations of the sampled calls, in nanoseconds.
    latency: OnceLock<Option<AtomicHistogram>>,
}

impl StageMetrics {
    /// Records the duration of a call that returned `Pending`, in nanoseconds. Samples the first 1024 such calls, then one
    /// in eight.
    #[inline]
    pub(crate) fn record_wait(&self, nanos: u64) {
        let calls = self.waited.get();
        self.waited.inc();
        if calls < 1024 {
            self.record_latency(nanos, 1);
        } else if calls.is_multiple_of(8) {
            self.record_latency(nanos, 8);
        }
    }

    /// Records a sampled duration, in nanoseconds, weighted as `calls` calls.
    pub(crate) fn record_latency(&self, nanos: u64, calls: u64) {
        let histogram =
            self.latency.get_or_init(|| AtomicHistogram::new(GROUPING_POWER, MAX_VALUE_POWER).ok());
        if let Some(histogram) = histogram {
            // The value is capped, so it is always in range.
            let _ = histogram.add(nanos.min(1 << 62), calls);
        }
    }

    /// A copy of the histogram; `None` if no call was sampled.
    pub(crate) fn latency(&self) -> Option<Histogram> {
        Some(self.latency.get()?.as_ref()?.load())
    }
}

/// A counter that threads may increment at the same time.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter that only the worker's own task changes, so it needs no read-modify-write instruction.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    #[inline]
    pub(crate) fn inc(&self) {
        self.0.store(self.get().wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn dec(&self) {
        self.0.store(self.get().wrapping_sub(1), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The values of the counters of one step, of one worker or summed over several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) failed: u64,
    pub(crate) isolated: u64,
    pub(crate) cancelled: u64,
    pub(crate) retries: u64,
    pub(crate) unattempted: u64,
    pub(crate) timeouts: u64,
    pub(crate) queued: Duration,
    pub(crate) passed: u64,
    pub(crate) latency: Option<Histogram>,
}

impl Snapshot {
    pub(crate) fn of(metrics: &StageMetrics) -> Self {
        Self {
            failed: metrics.failed.get(),
            isolated: metrics.isolated.get(),
            cancelled: metrics.waiting.get(),
            retries: metrics.retries.get(),
            unattempted: metrics.unattempted.get(),
            timeouts: metrics.timeouts.get(),
            queued: Duration::from_nanos(metrics.queued.get()),
            passed: metrics.passed.get(),
            latency: metrics.latency(),
        }
    }

    /// Adds the values of another worker.
    pub(crate) fn add(&mut self, other: &Self) {
        self.failed += other.failed;
        self.isolated += other.isolated;
        self.cancelled += other.cancelled;
        self.retries += other.retries;
        self.unattempted += other.unattempted;
        self.timeouts += other.timeouts;
        self.queued += other.queued;
        self.passed += other.passed;
        self.latency = match (self.latency.take(), &other.latency) {
            (Some(mine), Some(more)) => Some(mine.checked_add(more).unwrap_or(mine)),
            (mine, more) => mine.or_else(|| more.clone()),
        };
    }
}
