//! `CallTimer`: measures a call from its first `Pending`.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::panic_origin::CallSite;
use crate::error::step_id::StepId;
use crate::run::item::Item;

/// The timer of a call, which starts at the first `Pending` or the first failed attempt.
///
/// Reading a clock costs more than most calls that are ready at once, so those read none. The timer has no destructor,
/// which would also slow them down: a dropped call still counts as waiting in the metrics of its step.
pub(crate) struct CallTimer<'a> {
    pub(crate) item: &'a Item<'a>,
    step: StepId,
    /// The start, in the time of the run; 0 if not started.
    since: u64,
}

impl<'a> CallTimer<'a> {
    #[inline]
    pub(crate) fn new(item: &'a Item<'a>, step: StepId) -> Self {
        Self { item, step, since: 0 }
    }

    /// A timer that started at this time of the run; 0 if it has not.
    #[inline]
    pub(crate) fn started(item: &'a Item<'a>, step: StepId, since: u64) -> Self {
        Self { item, step, since }
    }

    /// The start, in the time of the run; 0 if not started.
    #[inline]
    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    /// The call site of an attempt of this call.
    #[inline]
    pub(crate) fn call_site(&self, stage: &'static str, attempt: u32) -> CallSite {
        CallSite { stage, step: self.step, attempt, waiting: self.since != 0 }
    }

    /// Notes that the call waits. Starts the timer, unless it runs: the time is the one that the worker last read.
    #[inline]
    pub(crate) fn on_pending(&mut self) {
        self.item.run().note_works();
        if self.since == 0 {
            self.start(self.item.run().nanos());
        }
    }

    /// Starts the timer, unless it runs, at the time that the clock shows.
    pub(crate) fn begin(&mut self) {
        if self.since == 0 {
            self.pending_since(Instant::now());
        }
    }

    /// The start of the timer. Starts it at `now`, unless it runs.
    pub(crate) fn pending_since(&mut self, now: Instant) -> Instant {
        let run = self.item.run();
        if self.since == 0 {
            self.start(run.nanos_at(now));
        }
        run.at(self.since)
    }

    #[inline]
    fn start(&mut self, now: u64) {
        self.since = now;
        if let Some(metrics) = self.item.run().metrics(self.step) {
            metrics.waiting.inc();
        }
    }

    /// The time since the start; zero if not started.
    pub(crate) fn elapsed(&self) -> Duration {
        if self.since == 0 { Duration::ZERO } else { self.item.run().at(self.since).elapsed() }
    }

    /// Records the end of the call.
    #[inline]
    pub(crate) fn finish(&self) {
        if self.since != 0 {
            record_wait(self.item, self.step, self.since);
        }
    }
}

#[inline(never)]
fn record_wait(item: &Item<'_>, step: StepId, since: u64) {
    let run = item.run();
    if let Some(metrics) = run.metrics(step) {
        metrics.waiting.dec();
        // An observed call is timed by `ObservedCall`.
        if !item.is_observed() {
            metrics.record_wait(run.nanos().saturating_sub(since));
        }
    }
}
