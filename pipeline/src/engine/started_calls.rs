//! Counts the calls that a segment starts, and selects those that are timed from their start.

use crate::call::observed_call::SAMPLE_EVERY;

/// The first calls of a segment are all timed, so that short runs have latencies too.
const ALWAYS_TIMED: u64 = 16;

/// In a sweep, one item in this many is timed. Its calls take nanoseconds, and reading the clock takes longer than they do.
const SWEEP_SAMPLE_EVERY: u64 = 1024;

/// The number of calls that a segment has started.
pub(crate) struct StartedCalls {
    count: u64,
    /// Whether the run has observers. If it has, every call is timed.
    observed: bool,
    /// Whether all calls are special: observed, or in order.
    all_special: bool,
}

impl StartedCalls {
    pub(crate) fn new(observed: bool, in_order: bool) -> Self {
        Self { count: 0, observed, all_special: observed || in_order }
    }

    /// Whether the next call is [observed](Self::next_is_observed) or in order.
    #[inline]
    pub(crate) fn next_is_special(&self) -> bool {
        self.all_special || self.next_is_timed()
    }

    /// Whether the next call is timed from its start, and reported to observers.
    #[inline]
    pub(crate) fn next_is_observed(&self) -> bool {
        self.observed || self.next_is_timed()
    }

    #[inline]
    fn next_is_timed(&self) -> bool {
        self.count < ALWAYS_TIMED || self.count.is_multiple_of(SAMPLE_EVERY)
    }

    /// If the next item of a sweep is timed: how many calls it represents.
    pub(crate) fn next_sample(&self) -> Option<u64> {
        if self.count < ALWAYS_TIMED {
            Some(1)
        } else {
            self.count.is_multiple_of(SWEEP_SAMPLE_EVERY).then_some(SWEEP_SAMPLE_EVERY)
        }
    }

    /// How many items a sweep may take: one if it is timed. 0 if the run has observers.
    #[allow(clippy::cast_possible_truncation)] // At most `SWEEP_SAMPLE_EVERY`.
    pub(crate) fn sweep_limit(&self) -> usize {
        match self.next_sample() {
            _ if self.observed => 0,
            Some(_) => 1,
            None => (SWEEP_SAMPLE_EVERY - self.count % SWEEP_SAMPLE_EVERY) as usize,
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, calls: u64) {
        self.count += calls;
    }

    /// Subtracts calls that were counted in advance and never started.
    pub(crate) fn subtract(&mut self, calls: u64) {
        self.count -= calls;
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}
