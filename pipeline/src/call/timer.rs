//! Calls of stages, watched: since when they wait, how long they take, what becomes of them.

use std::time::Duration;
use tokio::time::Instant;

use crate::error::panic_origin::CallSite;
use crate::error::step_id::StepId;
use crate::run::item::Item;

/// The watch of one call: started when the call first has to wait, or first fails.
///
/// Snapshot a clock costs more than most calls that are ready at once, so a call that never waits never reads one. It has
/// no destructor, which would cost those calls too: a call that is given up is known by its meter, where it still waits.
pub(crate) struct CallTimer<'a> {
    pub(crate) item: &'a Item<'a>,
    step: StepId,
    /// On the clock of the run; nothing is 0.
    since: u64,
}

impl<'a> CallTimer<'a> {
    #[inline]
    pub(crate) fn new(item: &'a Item<'a>, step: StepId) -> Self {
        Self { item, step, since: 0 }
    }

    /// The place of an attempt of this call.
    #[inline]
    pub(crate) fn call_site(&self, stage: &'static str, attempt: u32) -> CallSite {
        CallSite { stage, step: self.step, attempt, waiting: self.since != 0 }
    }

    /// The call has to wait. (The time is that of the worker's last look at the clock.)
    #[inline]
    pub(crate) fn on_pending(&mut self) {
        if self.since == 0 {
            self.start(self.item.run().nanos());
        }
    }

    /// Since when the call waits: from now on, if it did not before.
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

    /// How long the call took: nothing, if it never had to wait.
    pub(crate) fn elapsed(&self) -> Duration {
        if self.since == 0 { Duration::ZERO } else { self.item.run().at(self.since).elapsed() }
    }

    /// The call is over, well or not.
    #[inline]
    pub(crate) fn finish(&self) {
        if self.since != 0 {
            waited(self.item, self.step, self.since);
        }
    }
}

#[inline(never)]
fn waited(item: &Item<'_>, step: StepId, since: u64) {
    let run = item.run();
    if let Some(metrics) = run.metrics(step) {
        metrics.waiting.dec();
        // A watched call is timed by whoever watches it.
        if !item.is_observed() {
            metrics.record_wait(run.nanos().saturating_sub(since));
        }
    }
}
