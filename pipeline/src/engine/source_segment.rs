//! `SourceSegment`: the first segment of a run, which reads the source.

use std::marker::PhantomData;
use std::task::Poll;

use super::provenance::{Origin, Tagged};
use super::source::PollSource;
use super::upstream::{PollBudget, Pulled, Upstream};

use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::report::accounting::RunTotals;

/// Reads the source of a run.
pub(crate) struct SourceSegment<In, P> {
    source: P,
    /// True during a call of the source. If it is true before a call, the previous call panicked.
    reading: bool,
    ended: bool,
    items: PhantomData<fn() -> In>,
}

impl<In: Send, P: PollSource<In>> SourceSegment<In, P> {
    pub(crate) fn new(source: P) -> Self {
        Self { source, reading: false, ended: false, items: PhantomData }
    }

    /// The source panicked: ends it, and fails the item that it should have returned.
    #[cold]
    fn panicked(&mut self, budget: &mut PollBudget<'_, '_, In>) -> Pulled<Origin<In>, In> {
        self.ended = true;
        self.reading = false;
        let Some(payload) = budget.run_state.source_panic.take() else { return Pulled::End };
        let site = CallSite::of("source", StepId::NONE);
        let provenance = Origin { index: budget.run_state.items_in, source_item: None };
        budget.run_state.items_in += 1;
        match budget.run_state.fail_item(&provenance, StageError::panicked(site, payload)) {
            Some(error) => Pulled::Item(Tagged { provenance, value: Err(error) }),
            None => Pulled::End,
        }
    }
}

impl<In: Send, P: PollSource<In>> Upstream for SourceSegment<In, P> {
    type Root = In;
    type Provenance = Origin<In>;
    type Item = In;

    fn wake(&mut self, _: &mut PollBudget<'_, '_, In>) {}

    #[inline]
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, In>) -> Pulled<Origin<In>, In> {
        if self.reading {
            return self.panicked(budget);
        }
        if self.ended || budget.run_state.source_closed {
            return Pulled::End;
        }
        if budget.run_state.is_delivery_full() {
            return Pulled::Pending;
        }
        self.reading = true;
        let next = self.source.poll_next(&mut budget.cx());
        self.reading = false;
        match next {
            Poll::Ready(Some(item)) => {
                let provenance = budget.run_state.admit(&item);
                Pulled::Item(Tagged { provenance, value: Ok(item) })
            }
            Poll::Ready(None) => {
                self.ended = true;
                budget.run_state.source_exhausted = true;
                Pulled::End
            }
            Poll::Pending => Pulled::Pending,
        }
    }

    #[inline]
    fn pull_many(
        &mut self,
        budget: &mut PollBudget<'_, '_, In>,
        max: usize,
        mut push: impl FnMut(Origin<In>, In),
    ) -> Option<Pulled<Origin<In>, In>> {
        if self.ended || self.reading || budget.run_state.source_closed || budget.run_state.is_delivery_full()
        {
            return Some(self.pull(budget));
        }
        self.reading = true;
        let mut cx = budget.cx();
        let mut stopped = None;
        for _ in 0..budget.take_calls(max) {
            match self.source.poll_next(&mut cx) {
                Poll::Ready(Some(item)) => push(budget.run_state.admit(&item), item),
                Poll::Ready(None) => {
                    self.ended = true;
                    budget.run_state.source_exhausted = true;
                    stopped = Some(Pulled::End);
                    break;
                }
                Poll::Pending => {
                    stopped = Some(Pulled::Pending);
                    break;
                }
            }
        }
        self.reading = false;
        stopped
    }

    fn prefetch(&mut self, _: &mut PollBudget<'_, '_, In>) {}

    fn shut_down(&mut self, _: &mut PollBudget<'_, '_, In>, _: &mut RunTotals) -> Poll<()> {
        Poll::Ready(())
    }

    fn add_totals(&self, _: &mut RunTotals) {}
}
