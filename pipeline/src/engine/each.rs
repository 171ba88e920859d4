//! `each`: one value in, its items out.

use std::task::Poll;

use super::flow::Items;
use super::tag::{Origin, Tag};
use super::upstream::{Account, Packet, Part, Take, Turn, Upstream};
use crate::StageError;
use crate::footing::Place;
use crate::plan::Slot;

/// The boundaries, by the names that they have in `pipeline!`: errors name them. Nobody makes them by hand.
pub mod boundary {
    use std::time::Duration;

    use crate::plan::Slot;

    /// `each`: one value in, its items out.
    #[allow(non_camel_case_types)]
    #[derive(Debug, Clone, Copy, Default)]
    pub struct each {
        pub(crate) slot: Slot,
    }

    /// `batch(n, "linger")`: items in, vectors of them out.
    #[allow(non_camel_case_types)]
    #[derive(Debug, Clone, Copy)]
    pub struct batch {
        pub(crate) slot: Slot,
        pub(crate) size: usize,
        pub(crate) linger: Option<Duration>,
    }
}

/// The `each` of a running line: iterators are opened one after another, and read as items are asked for.
pub(crate) struct Each<U: Upstream<Item: Items>> {
    upstream: U,
    slot: Slot,
    open: Option<Open<U::Tag, <U::Item as Items>::Iter>>,
    /// Of what is being opened.
    opening: Option<U::Tag>,
    /// Between the beginning and the end of a call of the iterator: if it is set before one, the last one panicked.
    reading: bool,
    taken: u64,
    given: u64,
}

struct Open<G, I> {
    tag: G,
    items: I,
    /// How many there are, if that is known, and how many there were.
    of: usize,
    row: usize,
}

impl<U: Upstream<Item: Items>> Each<U> {
    pub(crate) fn new(upstream: U, slot: Slot) -> Self {
        Self { upstream, slot, open: None, opening: None, reading: false, taken: 0, given: 0 }
    }

    /// The iterator panicked: what it was made of fails.
    #[cold]
    fn panicked(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Option<(Origin<U::Root>, StageError)> {
        self.reading = false;
        let tag = self.opening.take().or_else(|| self.open.take().map(|open| open.tag))?;
        let payload = turn.books.panic.take()?;
        let place = Place::of("each", self.slot);
        let error = turn.books.fail(&tag, StageError::panicked(place, payload))?;
        Some((tag.origin().clone(), error))
    }
}

impl<U> Upstream for Each<U>
where
    U: Upstream<Item: Items>,
{
    type Root = U::Root;
    type Tag = Origin<U::Root>;
    type Item = <U::Item as Items>::Item;

    fn wake(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        self.upstream.wake(turn);
    }

    #[inline]
    fn take(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Take<Self::Tag, Self::Item> {
        loop {
            if self.reading
                && let Some((tag, error)) = self.panicked(turn)
            {
                return Take::Item(Packet { tag, value: Err(error) });
            }
            if let Some(open) = &mut self.open {
                self.reading = true;
                let next = open.items.next();
                self.reading = false;
                if let Some(item) = next {
                    let tag = open.tag.row(open.row, open.of).clone();
                    open.row += 1;
                    self.given += 1;
                    return Take::Item(Packet { tag, value: Ok(item) });
                }
                self.open = None;
                // What gives nothing costs a turn as well.
                if !turn.spend() {
                    return Take::Empty;
                }
            }
            match self.upstream.take(turn) {
                Take::Item(Packet { tag, value: Ok(value) }) => {
                    self.taken += 1;
                    self.opening = Some(tag);
                    self.reading = true;
                    let items = value.items();
                    let of = items.size_hint().0;
                    self.reading = false;
                    self.open = self.opening.take().map(|tag| Open { tag, items, of, row: 0 });
                }
                Take::Item(Packet { tag, value: Err(error) }) => {
                    return Take::Item(Packet { tag: tag.origin().clone(), value: Err(error) });
                }
                Take::Empty => return Take::Empty,
                Take::End => return Take::End,
            }
        }
    }

    fn fill(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        self.upstream.fill(turn);
    }

    fn close(&mut self, turn: &mut Turn<'_, '_, U::Root>, account: &mut Account) -> Poll<()> {
        let upstream = self.upstream.close(turn, account);
        if let Some(Open { tag, .. }) = self.open.take() {
            if let Some(meter) = turn.books.run.meter(self.slot) {
                meter.waiting.up();
            }
            turn.books.give_up(tag.origin().index, account);
        }
        upstream
    }

    fn report(&self, account: &mut Account) {
        self.upstream.report(account);
        account.parts.push(Part::Boundary { taken: self.taken, given: self.given });
    }
}
