//! `each`: flattens a value into its items.

use std::task::Poll;

use crate::engine::provenance::{Origin, Provenance};
use crate::engine::section::Boundary;
use crate::engine::turn::{Payload, Turn};
use crate::engine::upstream::{Downstream, Upstream};
use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::run::outcome::Outcome;
use crate::stage::contract::Accepts;
use crate::stage::plan::Plan;

/// The boundary `each`, which flattens a value into its items. Spelled as in `pipeline!`, because compile errors show this
/// name.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, Default)]
pub struct each {
    pub(crate) step: StepId,
}

/// The segment of an `each`. It reads one iterator at a time, as long as there is room for its items.
pub(crate) struct Each<U: Upstream<Item: Items>> {
    upstream: U,
    opened: Opened<U::Provenance, <U::Item as Items>::Iter>,
}

struct Opened<G, I> {
    step: StepId,
    current: Option<OpenIter<G, I>>,
    /// The provenance of the value that is being turned into an iterator.
    opening: Option<G>,
    /// True during a call of the iterator.
    reading: bool,
    /// The values whose iterator panicked.
    panicked: Option<(G, StageError)>,
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
        let opened = Opened {
            step,
            current: None,
            opening: None,
            reading: false,
            panicked: None,
            items_in: 0,
            items_out: 0,
        };
        Self { upstream, opened }
    }
}

impl<G: Provenance, I: Iterator> Opened<G, I> {
    /// Pushes the items of the current iterator, as long as there is room.
    #[inline]
    fn read<D>(&mut self, turn: &mut Turn<'_, '_, G::Root>, downstream: &mut D)
    where
        D: Downstream<Origin<G::Root>, I::Item>,
    {
        let Some(current) = &mut self.current else { return };
        while downstream.has_room() && turn.spend() {
            self.reading = true;
            let next = current.items.next();
            self.reading = false;
            let Some(item) = next else {
                if let Some(current) = self.current.take() {
                    // Its rows are parts of their own.
                    turn.run_state.end_parts(&current.provenance, || Outcome::Done);
                }
                return;
            };
            let origin = current.provenance.row(current.row, current.of).clone();
            current.row += 1;
            self.items_out += 1;
            turn.run_state.add_part(origin.index);
            downstream.push(turn, origin, Ok(item));
        }
    }

    /// Fails the value whose iterator panicked.
    #[cold]
    #[inline(never)]
    fn fail_panicked<D>(&mut self, turn: &mut Turn<'_, '_, G::Root>, downstream: &mut D)
    where
        D: Downstream<Origin<G::Root>, I::Item>,
    {
        if let Some((provenance, error)) = self.panicked.take()
            && let Some(error) = turn.fail_item(&provenance, error)
        {
            downstream.push_rarely(turn, provenance.origin().clone(), Err(error));
        }
    }
}

/// Opens the iterator of each value that the segment before pushes, and reads it.
struct Intake<'s, G, I, D> {
    opened: &'s mut Opened<G, I>,
    downstream: &'s mut D,
}

impl<G, V, D> Downstream<G, V> for Intake<'_, G, V::Iter, D>
where
    G: Provenance,
    V: Items,
    D: Downstream<Origin<G::Root>, V::Item>,
{
    #[inline]
    fn has_room(&self) -> bool {
        self.opened.current.is_none() && self.downstream.has_room()
    }

    #[allow(clippy::inline_always)] // Once in each segment before it; see `push_rarely`.
    #[inline(always)]
    fn push(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        value: Result<V, StageError>,
    ) -> bool {
        match value {
            Ok(value) => {
                let opened = &mut *self.opened;
                opened.items_in += 1;
                opened.opening = Some(provenance);
                opened.reading = true;
                let items = value.items();
                let of = items.size_hint().0;
                opened.reading = false;
                opened.current =
                    opened.opening.take().map(|provenance| OpenIter { provenance, items, of, row: 0 });
                opened.read(turn, self.downstream);
            }
            Err(error) => {
                self.downstream.push_rarely(turn, provenance.origin().clone(), Err(error));
            }
        }
        self.opened.current.is_none() && self.downstream.has_room()
    }
}

impl<U> Upstream for Each<U>
where
    U: Upstream<Item: Items>,
{
    type Root = U::Root;
    type Provenance = Origin<U::Root>;
    type Item = <U::Item as Items>::Item;

    #[inline]
    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, U::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<Self::Provenance, Self::Item>,
    {
        let Self { upstream, opened } = self;
        if opened.panicked.is_some() && downstream.has_room() {
            opened.fail_panicked(turn, downstream);
        }
        opened.read(turn, downstream);
        let ended = upstream.advance(turn, &mut Intake { opened, downstream });
        ended && opened.current.is_none() && opened.panicked.is_none()
    }

    /// The iterator panicked: fails the value that it was made from.
    #[cold]
    fn on_panic(&mut self, turn: &mut Turn<'_, '_, U::Root>, payload: Payload) -> Option<Payload> {
        let opened = &mut self.opened;
        if !std::mem::take(&mut opened.reading) {
            return self.upstream.on_panic(turn, payload);
        }
        let current = opened.current.take().map(|current| current.provenance);
        let Some(provenance) = opened.opening.take().or(current) else { return Some(payload) };
        let error = StageError::panicked(CallSite::of("each", opened.step), payload);
        opened.panicked = Some((provenance, error));
        None
    }

    fn shut_down(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Poll<()> {
        let upstream = self.upstream.shut_down(turn);
        let opened = &mut self.opened;
        if let Some(OpenIter { provenance, .. }) = opened.current.take() {
            turn.run_state.cancel_at_boundary(opened.step, &provenance);
        }
        if let Some((provenance, error)) = opened.panicked.take() {
            turn.run_state.fail_item(&provenance, error);
        }
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        let Opened { items_in, items_out, .. } = self.opened;
        totals.segments.push(SegmentTotals::Each { items_in, items_out });
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
