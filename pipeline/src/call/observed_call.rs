//! `ObservedCall`: a call that is timed from its start and reported to the observers.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::catch_panic::panic_failure;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::item::Item;
use crate::run::outcome::Outcome;
use crate::run::stage_call::StageCall;

/// Without observers, one call in this many is timed, and represents the others.
pub(crate) const SAMPLE_EVERY: u64 = 256;

pin_project! {
    /// A call that is timed from its start: either there is an observer, or it is the one in [`SAMPLE_EVERY`] that is sampled.
    pub(crate) struct ObservedCall<'a, C> {
        #[pin]
        call: C,
        record: CallRecord<'a>,
    }
}

/// Times the call, and notifies the observers when it ends or is dropped.
struct CallRecord<'a> {
    item: &'a Item<'a>,
    name: &'static str,
    step: StepId,
    started_at: Instant,
    polls: u32,
    ended: bool,
}

impl<'a, C> ObservedCall<'a, C> {
    /// Starts to observe a call.
    pub(crate) fn new(name: &'static str, step: StepId, call: C, item: &'a Item<'a>) -> Self {
        let record = CallRecord { item, name, step, started_at: Instant::now(), polls: 0, ended: false };
        let observed = record.call();
        item.run().notify(|observer| observer.stage_started(&observed));
        Self { call, record }
    }
}

impl<C: Future<Output = Result<T, StageError>>, T> Future for ObservedCall<'_, C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, record) = (this.call, this.record);
        record.polls = record.polls.saturating_add(1);
        // Caught here, where the start time of the call is known.
        let result = match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(payload) => Err(panic_failure(record.item.run(), payload)),
        };
        let result = result.map_err(|error| error.or_at_step(record.step));
        record.end(Some(result.as_ref().map(|_| ())));
        Poll::Ready(result)
    }
}

impl CallRecord<'_> {
    fn call(&self) -> StageCall<'_> {
        StageCall::new(self.name, self.item)
    }

    /// Records the end of the call; `None` if it was dropped before it finished.
    fn end(&mut self, result: Option<Result<(), &StageError>>) {
        self.ended = true;
        if !self.item.is_observed() {
            // It is here because it has a place in the order.
            return;
        }
        let (run, elapsed) = (self.item.run(), self.started_at.elapsed());
        if let (Some(metrics), false) = (run.metrics(self.step), result.is_none()) {
            // A call that was pending is timed even if it is not sampled, so it only represents itself.
            let represents_itself = self.polls > 1 || run.is_observed();
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            metrics.record_latency(nanos, if represents_itself { 1 } else { SAMPLE_EVERY });
        }
        if !run.is_observed() {
            return;
        }
        let outcome = match result {
            Some(Ok(())) => Outcome::Done,
            Some(Err(error)) => Outcome::Failed(error.clone()),
            None => Outcome::Cancelled,
        };
        let call = self.call();
        run.notify(|observer| observer.stage_finished(&call, &outcome, elapsed));
    }
}

impl Drop for CallRecord<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(None);
        }
    }
}
