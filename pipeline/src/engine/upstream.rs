//! `Upstream` and `Downstream`: what the segments of a run have in common. Each pushes its results into the one after it.

use std::task::Poll;

use futures_util::future::Either;

use super::provenance::Provenance;
use super::swept::{SweepEnd, Swept};
use super::turn::{Payload, Turn};

use crate::error::stage_error::StageError;
use crate::report::accounting::RunTotals;

/// A segment of a run, as seen by the segment after it.
pub trait Upstream: Send {
    /// The item type of the source.
    type Root: Send;
    /// The provenance of each item.
    type Provenance: Provenance<Root = Self::Root>;
    /// The item type of this segment.
    type Item: Send;

    /// Polls the calls that were woken, here and in the segments before, and pushes results as long as there is room for
    /// them. Works ahead as far as its own buffers allow. Returns true at the end: there are no more items.
    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, Self::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<Self::Provenance, Self::Item>;

    /// A panic was caught during [`advance`](Self::advance). The segment whose call, source or iterator panicked fails the
    /// item. Returns the panic if it came from none of them.
    fn on_panic(&mut self, turn: &mut Turn<'_, '_, Self::Root>, payload: Payload) -> Option<Payload>;

    /// Cancels all unfinished items. Called again until it is ready.
    fn shut_down(&mut self, turn: &mut Turn<'_, '_, Self::Root>) -> Poll<()>;

    /// Adds the item counts of this segment, and of those before it.
    fn add_totals(&self, totals: &mut RunTotals);
}

/// A segment or a sink, as seen by the segment before it.
pub trait Downstream<G: Provenance, T> {
    /// Whether there is room for another item.
    fn has_room(&self) -> bool;

    /// Whether a call that takes another item could start at once.
    fn can_start(&self) -> bool {
        self.has_room()
    }

    /// Takes an item, or the failure of one. There must be [room](Self::has_room). Returns whether there is room for another.
    fn push(&mut self, turn: &mut Turn<'_, '_, G::Root>, provenance: G, value: Result<T, StageError>)
    -> bool;

    /// How many items it takes now in one [sweep](Self::sweep) at most; 0 if it has no sweeps.
    fn sweep_limit(&self) -> usize {
        0
    }

    /// Takes all items of an iterator, in a run without observers and dead letters. So many more are `expected` in this run.
    fn sweep(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        items: impl Iterator<Item = T>,
        expected: usize,
    ) -> Swept {
        let _ = (turn, items, expected);
        Swept { items: 0, end: SweepEnd::Through }
    }

    /// Like [`push`](Self::push), and never inlined: so that `push` can be inlined at the one place where speed counts.
    #[inline(never)]
    fn push_rarely(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        value: Result<T, StageError>,
    ) -> bool {
        self.push(turn, provenance, value)
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

    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, Self::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<Self::Provenance, Self::Item>,
    {
        match self {
            Self::Left(segment) => segment.advance(turn, downstream),
            Self::Right(segment) => segment.advance(turn, downstream),
        }
    }

    fn on_panic(&mut self, turn: &mut Turn<'_, '_, Self::Root>, payload: Payload) -> Option<Payload> {
        match self {
            Self::Left(segment) => segment.on_panic(turn, payload),
            Self::Right(segment) => segment.on_panic(turn, payload),
        }
    }

    fn shut_down(&mut self, turn: &mut Turn<'_, '_, Self::Root>) -> Poll<()> {
        match self {
            Self::Left(segment) => segment.shut_down(turn),
            Self::Right(segment) => segment.shut_down(turn),
        }
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        match self {
            Self::Left(segment) => segment.add_totals(totals),
            Self::Right(segment) => segment.add_totals(totals),
        }
    }
}
