//! `each`: flattens a value into its items.

use std::task::Poll;

use crate::engine::provenance::{Origin, Provenance, Tagged};
use crate::engine::section::Boundary;
use crate::engine::upstream::{PollBudget, Pulled, Upstream};
use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::stage::contract::Accepts;
use crate::stage::plan::Plan;

/// The boundary `each`, which flattens a value into its items. Spelled as in `pipeline!`, because compile errors show this
/// name.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, Default)]
pub struct each {
    pub(crate) step: StepId,
}

/// The segment of an `each`. It reads one iterator at a time, as items are pulled.
pub(crate) struct Each<U: Upstream<Item: Items>> {
    upstream: U,
    step: StepId,
    current: Option<OpenIter<U::Provenance, <U::Item as Items>::Iter>>,
    /// The provenance of the value that is being turned into an iterator.
    opening: Option<U::Provenance>,
    /// True during a call of the iterator. If it is true before a call, the previous call panicked.
    reading: bool,
    items_in: u64,
    items_out: u64,
}

struct OpenIter<G, I> {
    provenance: G,
    items: I,
    /// The lower bound of the number of items.
    of: usize,
    /// The number of items read so far.
    row: usize,
}

impl<U: Upstream<Item: Items>> Each<U> {
    pub(crate) fn new(upstream: U, step: StepId) -> Self {
        Self { upstream, step, current: None, opening: None, reading: false, items_in: 0, items_out: 0 }
    }

    /// The iterator panicked: fails the value that it was made from.
    #[cold]
    fn panicked(
        &mut self,
        budget: &mut PollBudget<'_, '_, U::Root>,
    ) -> Option<(Origin<U::Root>, StageError)> {
        self.reading = false;
        let provenance =
            self.opening.take().or_else(|| self.current.take().map(|current| current.provenance))?;
        let payload = budget.run_state.source_panic.take()?;
        let site = CallSite::of("each", self.step);
        let error = budget.run_state.fail_item(&provenance, StageError::panicked(site, payload))?;
        Some((provenance.origin().clone(), error))
    }
}

impl<U> Upstream for Each<U>
where
    U: Upstream<Item: Items>,
{
    type Root = U::Root;
    type Provenance = Origin<U::Root>;
    type Item = <U::Item as Items>::Item;

    fn wake(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.upstream.wake(budget);
    }

    #[inline]
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> Pulled<Self::Provenance, Self::Item> {
        loop {
            if self.reading
                && let Some((provenance, error)) = self.panicked(budget)
            {
                return Pulled::Item(Tagged { provenance, value: Err(error) });
            }
            if let Some(current) = &mut self.current {
                self.reading = true;
                let next = current.items.next();
                self.reading = false;
                if let Some(item) = next {
                    let provenance = current.provenance.row(current.row, current.of).clone();
                    current.row += 1;
                    self.items_out += 1;
                    return Pulled::Item(Tagged { provenance, value: Ok(item) });
                }
                self.current = None;
                // Charged to the budget, because an empty iterator is not charged elsewhere.
                if !budget.take_call() {
                    return Pulled::Pending;
                }
            }
            match self.upstream.pull(budget) {
                Pulled::Item(Tagged { provenance, value: Ok(value) }) => {
                    self.items_in += 1;
                    self.opening = Some(provenance);
                    self.reading = true;
                    let items = value.items();
                    let of = items.size_hint().0;
                    self.reading = false;
                    self.current =
                        self.opening.take().map(|provenance| OpenIter { provenance, items, of, row: 0 });
                }
                Pulled::Item(Tagged { provenance, value: Err(error) }) => {
                    return Pulled::Item(Tagged {
                        provenance: provenance.origin().clone(),
                        value: Err(error),
                    });
                }
                Pulled::Pending => return Pulled::Pending,
                Pulled::End => return Pulled::End,
            }
        }
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.upstream.prefetch(budget);
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, U::Root>, totals: &mut RunTotals) -> Poll<()> {
        let upstream = self.upstream.shut_down(budget, totals);
        if let Some(OpenIter { provenance, .. }) = self.current.take() {
            budget.run_state.cancel_at_boundary(self.step, provenance.origin().index, totals);
        }
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Boundary { items_in: self.items_in, items_out: self.items_out });
    }
}

/// A value that `each` can flatten: anything that implements `IntoIterator`, including `Option`.
#[diagnostic::on_unimplemented(
    message = "`each` cannot flatten `{Self}`, which is not iterable",
    label = "`{Self}` is not iterable",
    note = "return a `Vec`, an iterator that is `Send`, or an `Option` (which makes `each` a filter) from the stage before it"
)]
pub trait Items {
    /// The type of the items.
    type Item: Send;
    /// The iterator over the items.
    type Iter: Iterator<Item = Self::Item> + Send;

    /// Turns the value into an iterator.
    fn items(self) -> Self::Iter;
}

#[diagnostic::do_not_recommend]
impl<T> Items for T
where
    T: IntoIterator<Item: Send, IntoIter: Send>,
{
    type Item = T::Item;
    type Iter = T::IntoIter;

    fn items(self) -> T::IntoIter {
        self.into_iter()
    }
}

impl<In: Items> Accepts<In> for each {
    type Out = In::Item;

    fn __register(&mut self, plan: &mut Plan) {
        self.step = plan.boundary("each");
    }
}

impl<In: Items + Send> Boundary<In> for each {
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = In::Item>
    where
        U: Upstream<Item = In>,
    {
        Each::new(upstream, self.step)
    }
}
