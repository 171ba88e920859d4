//! Calls of stages, watched: since when they wait, how long they take, what becomes of them.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::engine::panic_failure;
use crate::item::Item;
use crate::observer::{Outcome, StageCall};
use crate::panic_origin::CallSite;
use crate::plan::StepId;
use crate::{StageContext, StageError};

/// How many calls one of them stands for, where not all are timed.
pub(crate) const SAMPLE_EVERY: u64 = 256;

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

pin_project! {
    /// A call that is watched from its beginning: because somebody observes, or as one in [`SAMPLE_EVERY`] to be timed.
    pub(crate) struct Observed<'a, C> {
        #[pin]
        call: C,
        record: CallRecord<'a>,
    }
}

/// Its clock; and whoever observes it is told at the end, however that comes.
struct CallRecord<'a> {
    item: &'a Item<'a>,
    name: &'static str,
    step: StepId,
    begun: Instant,
    polls: u32,
    over: bool,
}

impl<'a, C> Observed<'a, C> {
    /// Watches a call, from now on.
    pub(crate) fn new<S>(name: &'static str, step: StepId, call: C, cx: &StageContext<'a, S>) -> Self {
        let item = cx.item();
        let record =
            CallRecord { item, name, step: cx.step(step), begun: Instant::now(), polls: 0, over: false };
        let observed = record.call();
        item.run().notify(|observer| observer.stage_started(&observed));
        Self { call, record }
    }
}

impl<C: Future<Output = Result<T, StageError>>, T> Future for Observed<'_, C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, record) = (this.call, this.record);
        record.polls = record.polls.saturating_add(1);
        // CatchPanic here, where it is known when the call began.
        let result = match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(payload) => Err(panic_failure(record.item.run(), payload)),
        };
        let result = result.map_err(|error| error.or_at_step(record.step));
        record.end(&match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
        Poll::Ready(result)
    }
}

impl CallRecord<'_> {
    fn call(&self) -> StageCall<'_> {
        StageCall::new(self.name, self.item)
    }

    fn end(&mut self, outcome: &Outcome<'_>) {
        self.over = true;
        let (run, elapsed) = (self.item.run(), self.begun.elapsed());
        if let (Some(metrics), false) = (run.metrics(self.step), matches!(outcome, Outcome::Cancelled)) {
            // One that waited would have been timed anyway.
            let alone = self.polls > 1 || run.is_observed();
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            metrics.record_latency(nanos, if alone { 1 } else { SAMPLE_EVERY });
        }
        let call = self.call();
        run.notify(|observer| observer.stage_finished(&call, outcome, elapsed));
    }
}

impl Drop for CallRecord<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.end(&Outcome::Cancelled);
        }
    }
}
