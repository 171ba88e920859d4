//! `Watch`: whether a call without a future is timed.

use tokio::time::Instant;

use super::observe::Unobserved;
use super::stage_context::PlainContext;
use crate::error::step_id::StepId;
use crate::report::metrics::StageMetrics;

/// Whether calls without a future are timed: [`Unobserved`] or `OneOf`. There are no observers.
pub trait Watch: Copy {
    /// Makes a call of a step.
    fn watch<S, T>(self, step: StepId, cx: &PlainContext<'_, S>, call: impl FnOnce() -> T) -> T;
}

impl Watch for Unobserved {
    #[inline]
    fn watch<S, T>(self, _: StepId, _: &PlainContext<'_, S>, call: impl FnOnce() -> T) -> T {
        call()
    }
}

/// The calls of one item in so many, which represent those of the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneOf(pub(crate) u64);

impl Watch for OneOf {
    fn watch<S, T>(self, step: StepId, cx: &PlainContext<'_, S>, call: impl FnOnce() -> T) -> T {
        let Some(metrics) = cx.item().run().metrics(step) else { return call() };
        let _timed = Timed { metrics, calls: self.0, since: Instant::now() };
        call()
    }
}

/// Records how long a call took, even if it panics.
struct Timed<'a> {
    metrics: &'a StageMetrics,
    /// How many calls this one represents.
    calls: u64,
    since: Instant,
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        let nanos = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.metrics.record_latency(nanos, self.calls);
    }
}
