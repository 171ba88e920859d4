//! What the parts of a running line have in common: each pulls from the one before it.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::Either;

use super::provenance::Provenance;
use super::run_state::RunState;

use crate::error::stage_error::StageError;
use crate::report::accounting::RunTotals;

/// A part of a running line, seen from the part after it.
pub trait Upstream: Send {
    /// What the source gives.
    type Root: Send;
    /// What travels with each item.
    type Provenance: Provenance<Root = Self::Root>;
    /// What this part gives.
    type Item: Send;

    /// Goes on with what was woken, from the source on.
    fn wake(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>);

    /// Gives the next item, if it is there or can be made at once.
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) -> Pulled<Self::Provenance, Self::Item>;

    /// Gives items as long as they are there, so many at most, and no failure; and says why it stopped.
    #[inline]
    fn pull_many(
        &mut self,
        budget: &mut PollBudget<'_, '_, Self::Root>,
        most: usize,
        mut each: impl FnMut(Self::Provenance, Self::Item),
    ) -> Option<Pulled<Self::Provenance, Self::Item>> {
        for _ in 0..most {
            if !budget.take_call() {
                return Some(Pulled::Pending);
            }
            match self.pull(budget) {
                Pulled::Item(Tagged { provenance, value: Ok(item) }) => each(provenance, item),
                other => return Some(other),
            }
        }
        None
    }

    /// Works ahead, as far as there is room.
    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>);

    /// Gives up what is left. It is asked again until it is ready.
    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>, totals: &mut RunTotals) -> Poll<()>;

    /// Says what became of everything.
    fn add_totals(&self, totals: &mut RunTotals);
}

/// An item between two parts, or in place of one that failed its failure.
pub struct Tagged<G, T> {
    pub(crate) provenance: G,
    pub(crate) value: Result<T, StageError>,
}

/// What a part has to give.
pub enum Pulled<G, T> {
    Item(Tagged<G, T>),
    /// Nothing, now.
    Pending,
    /// Nothing any more.
    End,
}

/// One poll of a line.
pub struct PollBudget<'t, 'a, R> {
    pub(crate) waker: &'t Waker,
    pub(crate) run_state: &'t mut RunState<'a, R>,
    /// How many more calls may be polled before others get their turn.
    calls_left: u32,
    /// How many more items may be handed on.
    items_left: u32,
    /// Whether something was left undone for that.
    pub(crate) exhausted: bool,
}

/// As many calls are polled in one turn. Ready calls take nanoseconds, so this is some microseconds; a call that
/// computes for long keeps its thread for that long, as it would without us.
const CALLS_PER_POLL: u32 = 256;

/// And so many items are handed on where nothing is called.
const ITEMS_PER_POLL: u32 = 4096;

/// After so many calls the clock is looked at again.
const CALLS_PER_TICK: u32 = 64;

impl<'t, 'a, R> PollBudget<'t, 'a, R> {
    pub(crate) fn new(waker: &'t Waker, run_state: &'t mut RunState<'a, R>) -> Self {
        Self { waker, run_state, calls_left: CALLS_PER_POLL, items_left: ITEMS_PER_POLL, exhausted: false }
    }

    pub(crate) fn cx(&self) -> Context<'t> {
        Context::from_waker(self.waker)
    }

    /// Whether one more call may be polled.
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

    /// Whether one more item may be handed on.
    #[inline]
    pub(crate) fn take_item(&mut self) -> bool {
        if self.items_left == 0 {
            self.exhausted = true;
            return false;
        }
        self.items_left -= 1;
        true
    }

    /// Looks at the clock, and says how long it is since it was looked at before.
    pub(crate) fn tick_clock(&self) -> Duration {
        self.run_state.run.tick_clock()
    }

    /// How many more calls may be polled, of so many that are wanted. They are taken for polled.
    #[inline]
    pub(crate) fn take_calls(&mut self, wanted: usize) -> usize {
        let granted = wanted.min(self.calls_left as usize);
        self.calls_left -= u32::try_from(granted).unwrap_or(self.calls_left);
        self.exhausted |= granted < wanted;
        granted
    }

    /// Ends the turn, as the calls have used up what tokio lets one task do.
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
            Self::Left(part) => part.wake(budget),
            Self::Right(part) => part.wake(budget),
        }
    }

    fn pull(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) -> Pulled<Self::Provenance, Self::Item> {
        match self {
            Self::Left(part) => part.pull(budget),
            Self::Right(part) => part.pull(budget),
        }
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>) {
        match self {
            Self::Left(part) => part.prefetch(budget),
            Self::Right(part) => part.prefetch(budget),
        }
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, Self::Root>, totals: &mut RunTotals) -> Poll<()> {
        match self {
            Self::Left(part) => part.shut_down(budget, totals),
            Self::Right(part) => part.shut_down(budget, totals),
        }
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        match self {
            Self::Left(part) => part.add_totals(totals),
            Self::Right(part) => part.add_totals(totals),
        }
    }
}
