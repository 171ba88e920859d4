//! A call that is timed from its start, and of which observers are told.

use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Instant;

use super::catch_panic::panic_failure;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::item::Item;
use crate::run::outcome::Outcome;
use crate::run::stage_call::StageCall;

/// One call in so many is timed where nobody observes; it stands for the others.
pub(crate) const SAMPLE_EVERY: u64 = 256;

pin_project! {
    /// A call that is observed from its start: because there is an observer, or as one in [`SAMPLE_EVERY`] that are timed.
    pub(crate) struct ObservedCall<'a, C> {
        #[pin]
        call: C,
        record: CallRecord<'a>,
    }
}

/// Times the call, and notifies the observers of its end, also when it is dropped.
struct CallRecord<'a> {
    item: &'a Item<'a>,
    name: &'static str,
    step: StepId,
    begun: Instant,
    polls: u32,
    over: bool,
}

impl<'a, C> ObservedCall<'a, C> {
    /// Observes a call, from now on.
    pub(crate) fn new(name: &'static str, step: StepId, call: C, item: &'a Item<'a>) -> Self {
        let record = CallRecord { item, name, step, begun: Instant::now(), polls: 0, over: false };
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
        // Caught here, where it is known when the call began.
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
        self.over = true;
        let (run, elapsed) = (self.item.run(), self.begun.elapsed());
        if let (Some(metrics), false) = (run.metrics(self.step), result.is_none()) {
            // One that waited would have been timed anyway.
            let alone = self.polls > 1 || run.is_observed();
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            metrics.record_latency(nanos, if alone { 1 } else { SAMPLE_EVERY });
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
        if !self.over {
            self.end(None);
        }
    }
}
