//! Counts the calls that a segment starts, and selects those that are timed from their start.

use crate::call::observed_call::SAMPLE_EVERY;

/// The first calls of a segment are all timed, so that short runs have latencies too.
const ALWAYS_TIMED: u64 = 16;

/// The number of calls that a segment has started.
pub(crate) struct StartedCalls {
    count: u64,
    /// Whether the run has observers. If it has, every call is timed.
    observed: bool,
}

impl StartedCalls {
    pub(crate) fn new(observed: bool) -> Self {
        Self { count: 0, observed }
    }

    /// Whether the next call is timed from its start, and reported to observers.
    #[inline]
    pub(crate) fn next_is_observed(&self) -> bool {
        self.observed || self.count < ALWAYS_TIMED || self.count.is_multiple_of(SAMPLE_EVERY)
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
