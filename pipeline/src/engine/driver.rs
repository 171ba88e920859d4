//! `Driver`: drives the segments of a run. It is polled by the future of each verb.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::provenance::{Provenance, Tagged};
use super::run_state::RunState;
use super::sinks::Sink;
use super::upstream::{PollBudget, Pulled, Upstream};

use crate::report::accounting::RunTotals;
use crate::report::summary::Report;
use crate::run::cancellation::CancelCount;
use crate::stage::plan::Plan;

/// The segments of a run, and its state.
pub(crate) struct Driver<'a, U: Upstream> {
    /// The last segment, which owns those before it.
    segments: U,
    pub(crate) run_state: RunState<'a, U::Root>,
    totals: RunTotals,
    plan: &'a Plan,
    cancel_count: CancelCount,
    waker: Arc<AtomicWaker>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Unfinished items are being cancelled.
    ShuttingDown,
    /// The remaining dead letters are being delivered.
    DeliveringLetters,
    Done,
}

impl<'a, U: Upstream> Driver<'a, U> {
    pub(crate) fn new(
        segments: U,
        run_state: RunState<'a, U::Root>,
        plan: &'a Plan,
        waker: Arc<AtomicWaker>,
    ) -> Self {
        let run = run_state.run;
        run.notify(|observer| observer.run_started(run.id()));
        let cancel_count = CancelCount::new(&run.settings().cancel);
        Self {
            segments,
            run_state,
            totals: RunTotals::default(),
            plan,
            cancel_count,
            waker,
            phase: Phase::Running,
        }
    }

    /// Drives the run. Ready at its end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> Poll<()> {
        self.waker.register(cx.waker());
        self.run_state.run.tick_clock();
        let cancelled = self.cancel_count.poll(cx);
        self.run_state.source_closed |= cancelled > 0;
        self.run_state.aborting |= cancelled > 1;
        let delivered = self.deliver(cx);
        if self.phase == Phase::Running && self.poll_running(cx, sink) {
            self.phase = Phase::ShuttingDown;
        }
        if self.phase == Phase::ShuttingDown && self.shut_down(cx).is_ready() {
            self.phase = Phase::DeliveringLetters;
        }
        sink.flush();
        // Failures in this poll may have queued dead letters. A second cancellation does not wait for them.
        let finished =
            self.phase == Phase::DeliveringLetters && (cancelled > 1 || (delivered && self.deliver(cx)));
        if finished || self.phase == Phase::Done { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Delivers dead letters. Returns whether all are delivered.
    fn deliver(&mut self, cx: &mut Context<'_>) -> bool {
        self.run_state.delivery.as_mut().is_none_or(|delivery| delivery.poll(cx))
    }

    /// Does as much work as the budget allows. Returns true once the run must shut down: it is complete or aborted.
    fn poll_running(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> bool {
        let Self { segments, run_state, .. } = self;
        loop {
            let mut budget = PollBudget::new(cx.waker(), run_state);
            // Segments catch panics in stages. This catches those in sources and iterators, once per poll, because catching
            // them once per item would cost more. The segment reports the panic when it is pulled again.
            let result = catch_unwind(AssertUnwindSafe(|| {
                segments.wake(&mut budget);
                let ended = forward(segments, &mut budget, cx, sink);
                if !ended {
                    segments.prefetch(&mut budget);
                }
                ended
            }));
            let exhausted = budget.exhausted;
            match result {
                Ok(ended) => {
                    // No segment has claimed the panic. (An aborted run pulls no more, and drops it.)
                    if let Some(payload) = run_state.source_panic.take().filter(|_| !run_state.aborting) {
                        resume_unwind(payload);
                    }
                    // `prefetch` may have aborted the run.
                    if ended || run_state.aborting {
                        return true;
                    }
                    if exhausted {
                        cx.waker().wake_by_ref();
                    }
                    return false;
                }
                Err(payload) => match run_state.source_panic.replace(payload) {
                    None => {}
                    Some(unclaimed) => resume_unwind(unclaimed),
                },
            }
        }
    }

    fn shut_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { segments, run_state, totals, .. } = self;
        let mut budget = PollBudget::new(cx.waker(), run_state);
        segments.shut_down(&mut budget, totals)
    }

    /// Ends the run, and returns its report.
    pub(crate) fn finish(&mut self) -> Report {
        self.phase = Phase::Done;
        self.segments.add_totals(&mut self.totals);
        let report = self.run_state.report(&self.totals, self.plan);
        let run = self.run_state.run;
        run.notify(|observer| observer.run_finished(run.id(), &report));
        report
    }
}

/// Pulls results and pushes them to the sink. Returns true at the end of the run.
fn forward<U: Upstream>(
    segments: &mut U,
    budget: &mut PollBudget<'_, '_, U::Root>,
    cx: &mut Context<'_>,
    sink: &mut impl Sink<U::Item>,
) -> bool {
    while !budget.run_state.aborting {
        if !sink.has_room(cx) || !budget.take_item() {
            return false;
        }
        let pulled = segments.pull(budget);
        if !budget.run_state.isolated_rows.is_empty() {
            emit_isolated_rows(budget, sink);
        }
        match pulled {
            Pulled::Item(Tagged { provenance, value }) => {
                let index = provenance.origin().index;
                if value.is_ok() {
                    budget.run_state.finish_item(index);
                }
                if sink.push(index, value) {
                    budget.run_state.aborting = true;
                }
            }
            Pulled::Pending => return false,
            Pulled::End => return true,
        }
    }
    true
}

#[cold]
fn emit_isolated_rows<R, T>(budget: &mut PollBudget<'_, '_, R>, sink: &mut impl Sink<T>) {
    while let Some(row) = budget.run_state.isolated_rows.pop_front() {
        if sink.push_row(row.index, row.error) {
            budget.run_state.aborting = true;
        }
    }
}

impl<U: Upstream> Drop for Driver<'_, U> {
    /// If the future of the run is dropped, the run is cancelled, and observers are notified of its end.
    fn drop(&mut self) {
        if self.phase == Phase::Done || !self.run_state.run.is_observed() {
            return;
        }
        let waker = std::task::Waker::noop();
        self.run_state.dropped = true;
        let _ = self.shut_down(&mut Context::from_waker(waker));
        self.finish();
    }
}
