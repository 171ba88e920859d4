//! Drives a line: the future behind each verb.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::provenance::Provenance;
use super::run_state::RunState;
use super::sinks::Sink;
use super::upstream::{PollBudget, Pulled, Tagged, Upstream};

use crate::report::accounting::RunTotals;
use crate::report::summary::Report;
use crate::run::cancellation::CancelCount;
use crate::stage::plan::Plan;

/// A line, and what is written down of it.
pub(crate) struct Driver<'a, U: Upstream> {
    tail: U,
    pub(crate) run_state: RunState<'a, U::Root>,
    totals: RunTotals,
    plan: &'a Plan,
    cancel_count: CancelCount,
    driver: Arc<AtomicWaker>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// What is left is being given up.
    ShuttingDown,
    /// What is left is being written down.
    DeliveringLetters,
    Done,
}

impl<'a, U: Upstream> Driver<'a, U> {
    pub(crate) fn new(
        tail: U,
        run_state: RunState<'a, U::Root>,
        plan: &'a Plan,
        driver: Arc<AtomicWaker>,
    ) -> Self {
        let run = run_state.run;
        run.notify(|observer| observer.run_started(run.id()));
        let cancel_count = CancelCount::new(&run.settings().cancel);
        Self {
            tail,
            run_state,
            totals: RunTotals::default(),
            plan,
            cancel_count,
            driver,
            phase: Phase::Running,
        }
    }

    /// Goes on, until all is done or given up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> Poll<()> {
        self.driver.register(cx.waker());
        self.run_state.run.tick_clock();
        let cancelled = self.cancel_count.poll(cx);
        self.run_state.source_closed |= cancelled > 0;
        self.run_state.aborting |= cancelled > 1;
        let delivered = self.deliver(cx);
        if self.phase == Phase::Running && self.turn(cx, sink) {
            self.phase = Phase::ShuttingDown;
        }
        if self.phase == Phase::ShuttingDown && self.close(cx).is_ready() {
            self.phase = Phase::DeliveringLetters;
        }
        sink.flush();
        // Failures of this turn may have written letters.
        let delivered =
            self.phase == Phase::DeliveringLetters && (cancelled > 1 || (delivered && self.deliver(cx)));
        if delivered || self.phase == Phase::Done { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether all letters are with their sink.
    fn deliver(&mut self, cx: &mut Context<'_>) -> bool {
        self.run_state.delivery.as_mut().is_none_or(|delivery| delivery.poll(cx))
    }

    /// Does as much as there is to do, and says whether that was all.
    fn turn(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> bool {
        let Self { tail, run_state, .. } = self;
        loop {
            let mut budget = PollBudget::new(cx.waker(), run_state);
            // The line catches what stages panic with. This is for sources and iterators, which say so when they are
            // next asked; it costs less than to catch them at each item.
            let done = catch_unwind(AssertUnwindSafe(|| {
                tail.wake(&mut budget);
                let over = forward(tail, &mut budget, cx, sink);
                if !over {
                    tail.prefetch(&mut budget);
                }
                over
            }));
            let exhausted = budget.exhausted;
            match done {
                Ok(over) => {
                    // Whose source panicked while it was given up is not asked again.
                    if let Some(payload) = run_state.source_panic.take().filter(|_| !run_state.aborting) {
                        resume_unwind(payload);
                    }
                    // A stop in the last moment is one as well.
                    if over || run_state.aborting {
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

    fn close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { tail, run_state, totals, .. } = self;
        let mut budget = PollBudget::new(cx.waker(), run_state);
        tail.shut_down(&mut budget, totals)
    }

    /// The report, when all is over.
    pub(crate) fn finish(&mut self) -> Report {
        self.phase = Phase::Done;
        self.tail.add_totals(&mut self.totals);
        let report = self.run_state.report(&self.totals, self.plan);
        let run = self.run_state.run;
        run.notify(|observer| observer.run_finished(run.id(), &report));
        report
    }
}

/// Passes on what is there, and says whether that was all.
fn forward<U: Upstream>(
    tail: &mut U,
    budget: &mut PollBudget<'_, '_, U::Root>,
    cx: &mut Context<'_>,
    sink: &mut impl Sink<U::Item>,
) -> bool {
    while !budget.run_state.aborting {
        if !sink.has_room(cx) || !budget.take_item() {
            return false;
        }
        let taken = tail.pull(budget);
        if !budget.run_state.isolated_rows.is_empty() {
            rows(budget, sink);
        }
        match taken {
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
fn rows<R, T>(budget: &mut PollBudget<'_, '_, R>, sink: &mut impl Sink<T>) {
    while let Some(row) = budget.run_state.isolated_rows.pop_front() {
        if sink.row(row.index, row.error) {
            budget.run_state.aborting = true;
        }
    }
}

impl<U: Upstream> Drop for Driver<'_, U> {
    /// A run that is dropped is over as well: observers are told.
    fn drop(&mut self) {
        if self.phase == Phase::Done || !self.run_state.run.is_observed() {
            return;
        }
        let waker = std::task::Waker::noop();
        self.run_state.dropped = true;
        let _ = self.close(&mut Context::from_waker(waker));
        self.finish();
    }
}
