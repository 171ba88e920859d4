//! What the parts of a running line have in common: each pulls from the one before it.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::Either;

use super::books::Books;
use super::tag::Tag;
use crate::StageError;
use crate::meter::Reading;

/// A part of a running line, seen from the part after it.
pub trait Upstream: Send {
    /// What the source gives.
    type Root: Send;
    /// What travels with each item.
    type Tag: Tag<Root = Self::Root>;
    /// What this part gives.
    type Item: Send;

    /// Goes on with what was woken, from the source on.
    fn wake(&mut self, turn: &mut Turn<'_, '_, Self::Root>);

    /// Gives the next item, if it is there or can be made at once.
    fn take(&mut self, turn: &mut Turn<'_, '_, Self::Root>) -> Take<Self::Tag, Self::Item>;

    /// Gives items as long as they are there, so many at most, and no failure; and says why it stopped.
    #[inline]
    fn take_many(
        &mut self,
        turn: &mut Turn<'_, '_, Self::Root>,
        most: usize,
        mut each: impl FnMut(Self::Tag, Self::Item),
    ) -> Option<Take<Self::Tag, Self::Item>> {
        for _ in 0..most {
            if !turn.spend() {
                return Some(Take::Empty);
            }
            match self.take(turn) {
                Take::Item(Packet { tag, value: Ok(item) }) => each(tag, item),
                other => return Some(other),
            }
        }
        None
    }

    /// Works ahead, as far as there is room.
    fn fill(&mut self, turn: &mut Turn<'_, '_, Self::Root>);

    /// Gives up what is left. It is asked again until it is ready.
    fn close(&mut self, turn: &mut Turn<'_, '_, Self::Root>, account: &mut Account) -> Poll<()>;

    /// Says what became of everything.
    fn report(&self, account: &mut Account);
}

/// An item between two parts, or in place of one that failed its failure.
pub struct Packet<G, T> {
    pub(crate) tag: G,
    pub(crate) value: Result<T, StageError>,
}

/// What a part has to give.
pub enum Take<G, T> {
    Item(Packet<G, T>),
    /// Nothing, now.
    Empty,
    /// Nothing any more.
    End,
}

/// One poll of a line.
pub struct Turn<'t, 'a, R> {
    pub(crate) waker: &'t Waker,
    pub(crate) books: &'t mut Books<'a, R>,
    /// How many more calls may be polled before others get their turn.
    left: u32,
    /// How many more items may be handed on.
    steps: u32,
    /// Whether something was left undone for that.
    pub(crate) exhausted: bool,
}

/// As many calls are polled in one turn. Ready calls take nanoseconds, so this is some microseconds; a call that
/// computes for long keeps its thread for that long, as it would without us.
const CALLS: u32 = 256;
/// And so many items are handed on where nothing is called.
const STEPS: u32 = 4096;
/// After so many calls the clock is looked at again.
const LOOK: u32 = 64;

impl<'t, 'a, R> Turn<'t, 'a, R> {
    pub(crate) fn new(waker: &'t Waker, books: &'t mut Books<'a, R>) -> Self {
        Self { waker, books, left: CALLS, steps: STEPS, exhausted: false }
    }

    pub(crate) fn cx(&self) -> Context<'t> {
        Context::from_waker(self.waker)
    }

    /// Whether one more call may be polled.
    #[inline]
    pub(crate) fn spend(&mut self) -> bool {
        if self.left == 0 {
            self.exhausted = true;
            return false;
        }
        self.left -= 1;
        if self.left.is_multiple_of(LOOK) {
            self.books.run.look();
        }
        true
    }

    /// Whether one more item may be handed on.
    #[inline]
    pub(crate) fn step(&mut self) -> bool {
        if self.steps == 0 {
            self.exhausted = true;
            return false;
        }
        self.steps -= 1;
        true
    }

    /// Looks at the clock, and says how long it is since it was looked at before.
    pub(crate) fn look(&self) -> Duration {
        self.books.run.look()
    }

    /// How many more calls may be polled, of so many that are wanted. They are taken for polled.
    #[inline]
    pub(crate) fn spend_many(&mut self, wanted: usize) -> usize {
        let granted = wanted.min(self.left as usize);
        self.left -= u32::try_from(granted).unwrap_or(self.left);
        self.exhausted |= granted < wanted;
        granted
    }

    /// Ends the turn, as the calls have used up what tokio lets one task do.
    pub(crate) fn end(&mut self) {
        self.left = 0;
        self.exhausted = true;
    }
}

/// What became of the items, part by part.
#[derive(Debug, Default)]
pub struct Account {
    /// From the source on.
    pub(crate) parts: Vec<Part>,
    /// Items given up on their way.
    pub(crate) cancelled: u64,
    /// What other workers read off their meters.
    pub(crate) readings: Vec<Vec<Reading>>,
    pub(crate) observer_panics: u64,
}

#[derive(Debug)]
pub(crate) enum Part {
    /// So many calls were begun.
    Lanes {
        begun: u64,
    },
    Boundary {
        taken: u64,
        given: u64,
    },
}

impl<A, B> Upstream for Either<A, B>
where
    A: Upstream,
    B: Upstream<Root = A::Root, Tag = A::Tag, Item = A::Item>,
{
    type Root = A::Root;
    type Tag = A::Tag;
    type Item = A::Item;

    fn wake(&mut self, turn: &mut Turn<'_, '_, Self::Root>) {
        match self {
            Self::Left(part) => part.wake(turn),
            Self::Right(part) => part.wake(turn),
        }
    }

    fn take(&mut self, turn: &mut Turn<'_, '_, Self::Root>) -> Take<Self::Tag, Self::Item> {
        match self {
            Self::Left(part) => part.take(turn),
            Self::Right(part) => part.take(turn),
        }
    }

    fn fill(&mut self, turn: &mut Turn<'_, '_, Self::Root>) {
        match self {
            Self::Left(part) => part.fill(turn),
            Self::Right(part) => part.fill(turn),
        }
    }

    fn close(&mut self, turn: &mut Turn<'_, '_, Self::Root>, account: &mut Account) -> Poll<()> {
        match self {
            Self::Left(part) => part.close(turn, account),
            Self::Right(part) => part.close(turn, account),
        }
    }

    fn report(&self, account: &mut Account) {
        match self {
            Self::Left(part) => part.report(account),
            Self::Right(part) => part.report(account),
        }
    }
}
