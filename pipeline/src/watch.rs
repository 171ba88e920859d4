//! Calls of stages, watched: since when they wait, how long they take, what becomes of them.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::engine::panicked;
use crate::footing::Place;
use crate::item::Item;
use crate::observer::{Outcome, StageCall};
use crate::plan::Slot;
use crate::{Scope, StageError};

/// How many calls one of them stands for, where not all are timed.
pub(crate) const SAMPLED: u64 = 256;

/// The watch of one call: started when the call first has to wait, or first fails.
///
/// Reading a clock costs more than most calls that are ready at once, so a call that never waits never reads one. It has
/// no destructor, which would cost those calls too: a call that is given up is known by its meter, where it still waits.
pub(crate) struct Watch<'a> {
    pub(crate) item: &'a Item<'a>,
    slot: Slot,
    /// On the clock of the run; nothing is 0.
    since: u64,
}

impl<'a> Watch<'a> {
    #[inline]
    pub(crate) fn new(item: &'a Item<'a>, slot: Slot) -> Self {
        Self { item, slot, since: 0 }
    }

    /// The place of an attempt of this call.
    #[inline]
    pub(crate) fn place(&self, stage: &'static str, attempt: u32) -> Place {
        Place { stage, slot: self.slot, attempt, waits: self.since != 0 }
    }

    /// The call has to wait. (The time is that of the worker's last look at the clock.)
    #[inline]
    pub(crate) fn waits(&mut self) {
        if self.since == 0 {
            self.starts(self.item.run().nanos());
        }
    }

    /// Since when the call waits: from now on, if it did not before.
    pub(crate) fn waits_since(&mut self, now: Instant) -> Instant {
        let run = self.item.run();
        if self.since == 0 {
            self.starts(run.nanos_at(now));
        }
        run.at(self.since)
    }

    #[inline]
    fn starts(&mut self, now: u64) {
        self.since = now;
        if let Some(meter) = self.item.run().meter(self.slot) {
            meter.waiting.up();
        }
    }

    /// How long the call took: nothing, if it never had to wait.
    pub(crate) fn elapsed(&self) -> Duration {
        if self.since == 0 { Duration::ZERO } else { self.item.run().at(self.since).elapsed() }
    }

    /// The call is over, well or not.
    #[inline]
    pub(crate) fn over(&self) {
        if self.since != 0 {
            waited(self.item, self.slot, self.since);
        }
    }
}

#[inline(never)]
fn waited(item: &Item<'_>, slot: Slot, since: u64) {
    let run = item.run();
    if let Some(meter) = run.meter(slot) {
        meter.waiting.down();
        // A watched call is timed by whoever watches it.
        if !item.is_watched() {
            meter.waited(run.nanos().saturating_sub(since));
        }
    }
}

pin_project! {
    /// A call that is watched from its beginning: because somebody observes, or as one in [`SAMPLED`] to be timed.
    pub(crate) struct Watched<'a, C> {
        #[pin]
        call: C,
        running: Running<'a>,
    }
}

/// Its clock; and whoever observes it is told at the end, however that comes.
struct Running<'a> {
    item: &'a Item<'a>,
    name: &'static str,
    slot: Slot,
    begun: Instant,
    polls: u32,
    over: bool,
}

impl<'a, C> Watched<'a, C> {
    /// Watches a call, from now on.
    pub(crate) fn new<S>(name: &'static str, slot: Slot, call: C, cx: &Scope<'a, S>) -> Self {
        let item = cx.item();
        let running =
            Running { item, name, slot: cx.slot(slot), begun: Instant::now(), polls: 0, over: false };
        let observed = running.call();
        item.run().tell(|observer| observer.stage_started(&observed));
        Self { call, running }
    }
}

impl<C: Future<Output = Result<T, StageError>>, T> Future for Watched<'_, C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, running) = (this.call, this.running);
        running.polls = running.polls.saturating_add(1);
        // Caught here, where it is known when the call began.
        let result = match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(payload) => Err(panicked(running.item.run(), payload)),
        };
        let result = result.map_err(|error| error.at(running.slot));
        running.end(&match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
        Poll::Ready(result)
    }
}

impl Running<'_> {
    fn call(&self) -> StageCall<'_> {
        StageCall::new(self.name, self.item)
    }

    fn end(&mut self, outcome: &Outcome<'_>) {
        self.over = true;
        let (run, elapsed) = (self.item.run(), self.begun.elapsed());
        if let (Some(meter), false) = (run.meter(self.slot), matches!(outcome, Outcome::Cancelled)) {
            // One that waited would have been timed anyway.
            let alone = self.polls > 1 || run.is_observed();
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            meter.took(nanos, if alone { 1 } else { SAMPLED });
        }
        let call = self.call();
        run.tell(|observer| observer.stage_finished(&call, outcome, elapsed));
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.end(&Outcome::Cancelled);
        }
    }
}
