//! What is counted of one stage in one run, by one worker.
//!
//! A call that is ready at once and well is not counted at all: how many there were follows from how many items came
//! in and what became of the others. Nobody else writes to a worker's meters, so these atomics are never contended.

use histogram::{AtomicHistogram, Histogram};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2^5 buckets to each power of two: percentiles are right to 3 %.
const GROUPING_POWER: u8 = 5;

/// Nanoseconds up to 2^63: three centuries.
const MAX_VALUE_POWER: u8 = 63;

#[derive(Debug, Default)]
pub(crate) struct StageMetrics {
    pub(crate) failed: Counter,
    /// Rows that failed without their batch.
    pub(crate) isolated: Counter,
    /// Calls that had to wait, and are not over. At the end of a run these are the calls that were given up.
    pub(crate) waiting: Gauge,
    /// Attempts after the first.
    pub(crate) retries: Counter,
    /// Calls that ended before their first attempt.
    pub(crate) unattempted: Counter,
    pub(crate) timeouts: Counter,
    /// Nanoseconds in queues: for a permit, for the rate.
    pub(crate) queued: Counter,
    /// Calls that had to wait, and came to an end.
    waited: Gauge,
    /// Items that came by, where a pipeline forks.
    pub(crate) passed: Gauge,
    latency: OnceLock<Option<AtomicHistogram>>,
}

impl StageMetrics {
    /// Notes how long a call took that had to wait: each of the first thousand, then one in eight.
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

    /// Notes how long a call took, in nanoseconds, which stands for so many.
    pub(crate) fn record_latency(&self, nanos: u64, calls: u64) {
        let histogram =
            self.latency.get_or_init(|| AtomicHistogram::new(GROUPING_POWER, MAX_VALUE_POWER).ok());
        if let Some(histogram) = histogram {
            // Too long a call for the histogram is no reason to fail.
            let _ = histogram.add(nanos.min(1 << 62), calls);
        }
    }

    pub(crate) fn latency(&self) -> Option<Histogram> {
        Some(self.latency.get()?.as_ref()?.load())
    }
}

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

/// Goes up and down, by the one task that a worker is: no two threads change it at once.
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

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was read off a meter, or off those of several workers.
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
