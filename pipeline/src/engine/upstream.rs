//! `Upstream`: what the segments of a run have in common. Each pulls from the one before it.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::Either;

use super::provenance::{Provenance, Tagged};
use super::run_state::RunState;

use crate::report::accounting::RunTotals;

/// A segment of a run, as seen by the segment after it.
pub trait Upstream: Send {
    /// The item type of the source.
    type Root: Send;
    /// The provenance of each item.
    type Provenance: Provenance<Root = Self::Root>;
    /// The item type of this segment.
    type Item: Send;

    /// Polls the calls that were woken, in this segment and in those before it.
    fn wake(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>);

    /// Returns the next item, if it is available or can be produced without waiting.
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) -> Pulled<Self::Provenance, Self::Item>;

    /// Passes up to `max` available items to `push`. Returns what stopped it before that: a failure, `Pending` or `End`.
    #[inline]
    fn pull_many(
        &mut self,
        budget: &mut PollBudget<'_, '_, Self::Root>,
        max: usize,
        mut push: impl FnMut(Self::Provenance, Self::Item),
    ) -> Option<Pulled<Self::Provenance, Self::Item>> {
        for _ in 0..max {
            if !budget.take_call() {
                return Some(Pulled::Pending);
            }
            match self.pull(budget) {
                Pulled::Item(Tagged { provenance, value: Ok(item) }) => push(provenance, item),
                other => return Some(other),
            }
        }
        None
    }

    /// Starts calls ahead of demand, as far as the buffers have room.
    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>);

    /// Cancels all unfinished items. Called again until it is ready.
    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>, totals: &mut RunTotals) -> Poll<()>;

    /// Adds the item counts of this segment, and of those before it.
    fn add_totals(&self, totals: &mut RunTotals);
}

/// The result of pulling from a segment.
pub enum Pulled<G, T> {
    Item(Tagged<G, T>),
    /// No item is available now.
    Pending,
    /// There are no more items.
    End,
}

/// The work that one poll of a run may do before it yields to other tasks.
pub struct PollBudget<'t, 'a, R> {
    pub(crate) waker: &'t Waker,
    pub(crate) run_state: &'t mut RunState<'a, R>,
    /// The number of calls that may still be polled.
    calls_left: u32,
    /// The number of items that may still be pulled.
    items_left: u32,
    /// Whether work was left undone because the budget ran out.
    pub(crate) exhausted: bool,
}

/// The maximum number of calls in one poll. Calls that are ready at once take nanoseconds, so a poll takes some microseconds.
/// A call that computes for long blocks the thread for that long, as it would in any task.
const CALLS_PER_POLL: u32 = 256;

/// The maximum number of items pulled in one poll, where no stage is called.
const ITEMS_PER_POLL: u32 = 4096;

/// The clock is read once per this number of calls.
const CALLS_PER_TICK: u32 = 64;

impl<'t, 'a, R> PollBudget<'t, 'a, R> {
    pub(crate) fn new(waker: &'t Waker, run_state: &'t mut RunState<'a, R>) -> Self {
        Self { waker, run_state, calls_left: CALLS_PER_POLL, items_left: ITEMS_PER_POLL, exhausted: false }
    }

    pub(crate) fn cx(&self) -> Context<'t> {
        Context::from_waker(self.waker)
    }

    /// Takes one call from the budget. Returns false if there is none left.
    #[inline]
    pub(crate) fn take_call(&mut self) -> bool {
        if self.calls_left == 0 {
            self.exhausted = true;
            return false;
        }
        self.calls_left -= 1;
        if self.calls_left.is_multiple_of(CALLS_PER_TICK) {
            self.run_state.run.tick_clock();
        }
        true
    }

    /// Takes one item from the budget. Returns false if there is none left.
    #[inline]
    pub(crate) fn take_item(&mut self) -> bool {
        if self.items_left == 0 {
            self.exhausted = true;
            return false;
        }
        self.items_left -= 1;
        true
    }

    /// Reads the clock. Returns the time since the last call.
    pub(crate) fn tick_clock(&self) -> Duration {
        self.run_state.run.tick_clock()
    }

    /// Takes up to `wanted` calls from the budget, and returns how many.
    #[inline]
    pub(crate) fn take_calls(&mut self, wanted: usize) -> usize {
        let granted = wanted.min(self.calls_left as usize);
        self.calls_left -= u32::try_from(granted).unwrap_or(self.calls_left);
        self.exhausted |= granted < wanted;
        granted
    }

    /// Takes all remaining calls, so that the poll ends.
    pub(crate) fn exhaust(&mut self) {
        self.calls_left = 0;
        self.exhausted = true;
    }
}

impl<A, B> Upstream for Either<A, B>
where
    A: Upstream,
    B: Upstream<Root = A::Root, Provenance = A::Provenance, Item = A::Item>,
{
    type Root = A::Root;
    type Provenance = A::Provenance;
    type Item = A::Item;

    fn wake(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) {
        match self {
            Self::Left(segment) => segment.wake(budget),
            Self::Right(segment) => segment.wake(budget),
        }
    }

    fn pull(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) -> Pulled<Self::Provenance, Self::Item> {
        match self {
            Self::Left(segment) => segment.pull(budget),
            Self::Right(segment) => segment.pull(budget),
        }
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) {
        match self {
            Self::Left(segment) => segment.prefetch(budget),
            Self::Right(segment) => segment.prefetch(budget),
        }
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>, totals: &mut RunTotals) -> Poll<()> {
        match self {
            Self::Left(segment) => segment.shut_down(budget, totals),
            Self::Right(segment) => segment.shut_down(budget, totals),
        }
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        match self {
            Self::Left(segment) => segment.add_totals(totals),
            Self::Right(segment) => segment.add_totals(totals),
        }
    }
}
