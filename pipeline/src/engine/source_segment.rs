//! `SourceSegment`: the first segment of a run, which reads the source.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use super::provenance::{Origin, SourceItem};
use super::source::PollSource;
use super::swept::{SweepEnd, Swept};
use super::turn::{Payload, Turn};
use super::upstream::{Downstream, Upstream};

use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::report::accounting::RunTotals;

/// Reads the source of a run.
pub(crate) struct SourceSegment<In, P> {
    source: P,
    /// True during a call of the source.
    reading: bool,
    ended: bool,
    /// The error of the item that the source should have returned when it panicked.
    panicked: Option<StageError>,
    items: PhantomData<fn() -> In>,
}

impl<In: Send, P: PollSource<In>> SourceSegment<In, P> {
    pub(crate) fn new(source: P) -> Self {
        Self { source, reading: false, ended: false, panicked: None, items: PhantomData }
    }

    /// Fails the item that the source should have returned when it panicked.
    #[cold]
    #[inline(never)]
    fn fail_last_item<D>(&mut self, turn: &mut Turn<'_, '_, In>, downstream: &mut D)
    where
        D: Downstream<Origin<In>, In>,
    {
        if let Some(error) = self.panicked.take() {
            let origin = Origin { index: turn.run_state.admit(), source_item: None };
            fail(turn, downstream, origin, error);
        }
    }

    /// The source panicked: ends it, and keeps the error of the item that it should have returned.
    #[cold]
    fn end_with_panic(&mut self, payload: Payload) {
        self.ended = true;
        self.panicked = Some(StageError::panicked(CallSite::of("source", StepId::NONE), payload));
    }

    /// Passes items on in sweeps, if the source is an iterator, as long as there is room for sweeps. Returns whether single
    /// items can be passed on after them.
    fn sweep<D>(&mut self, turn: &mut Turn<'_, '_, In>, downstream: &mut D) -> bool
    where
        D: Downstream<Origin<In>, In>,
    {
        if turn.run_state.clone_item.is_some() {
            return true;
        }
        loop {
            let limit = downstream.sweep_limit();
            if limit == 0 {
                return downstream.has_room();
            }
            self.reading = true;
            let Some(items) = self.source.iterator() else {
                self.reading = false;
                return true;
            };
            let expected = items.size_hint().0;
            self.reading = false;
            let granted = turn.grant(limit);
            if granted == 0 {
                return false;
            }
            let Swept { items, end } = downstream.sweep(turn, items.take(granted), expected);
            turn.run_state.items_in += items;
            match end {
                SweepEnd::Through if items < granted => {
                    self.ended = true;
                    turn.run_state.source_exhausted = true;
                    return false;
                }
                SweepEnd::Through => {}
                SweepEnd::Failed(error) => {
                    let origin = Origin { index: turn.run_state.admit(), source_item: None };
                    fail(turn, downstream, origin, error);
                }
                SweepEnd::Panicked(payload) => {
                    self.end_with_panic(payload);
                    self.fail_last_item(turn, downstream);
                    return false;
                }
            }
            if turn.run_state.source_closed {
                return false;
            }
        }
    }
}

/// Reports the failure of an item that was not started.
fn fail<In, D>(turn: &mut Turn<'_, '_, In>, downstream: &mut D, origin: Origin<In>, error: StageError)
where
    In: Send,
    D: Downstream<Origin<In>, In>,
{
    if let Some(error) = turn.fail_item(&origin, error) {
        downstream.push_rarely(turn, origin, Err(error));
    }
}

/// Pushes an item of a run with dead letters, together with a clone of it. Returns whether there is room for another.
#[cold]
#[inline(never)]
fn push_with_clone<In, D>(
    turn: &mut Turn<'_, '_, In>,
    downstream: &mut D,
    item: In,
    clone_item: fn(&In) -> In,
) -> bool
where
    In: Send,
    D: Downstream<Origin<In>, In>,
{
    let index = turn.run_state.admit();
    match catch_unwind(AssertUnwindSafe(|| clone_item(&item))) {
        Ok(clone) => {
            let origin = Origin { index, source_item: Some(SourceItem::new(clone).into()) };
            downstream.push(turn, origin, Ok(item))
        }
        Err(payload) => {
            let origin = Origin { index, source_item: Some(SourceItem::new(item).into()) };
            let site = CallSite::of("dead letters", StepId::NONE);
            fail(turn, downstream, origin, StageError::panicked(site, payload));
            downstream.has_room()
        }
    }
}

impl<In: Send, P: PollSource<In>> Upstream for SourceSegment<In, P> {
    type Root = In;
    type Provenance = Origin<In>;
    type Item = In;

    #[inline]
    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, In>, downstream: &mut D) -> bool
    where
        D: Downstream<Origin<In>, In>,
    {
        if !downstream.has_room() {
            return false;
        }
        if self.panicked.is_some() {
            self.fail_last_item(turn, downstream);
        }
        if self.ended || turn.run_state.source_closed {
            return true;
        }
        if !self.sweep(turn, downstream) {
            return self.ended || turn.run_state.source_closed;
        }
        let mut cx = turn.cx();
        while turn.spend() {
            if turn.run_state.is_delivery_full() {
                return false;
            }
            self.reading = true;
            let next = self.source.poll_next(&mut cx);
            self.reading = false;
            let item = match next {
                Poll::Ready(Some(item)) => item,
                Poll::Ready(None) => {
                    self.ended = true;
                    turn.run_state.source_exhausted = true;
                    return true;
                }
                Poll::Pending => return false,
            };
            let has_room = match turn.run_state.clone_item {
                None => {
                    let origin = Origin { index: turn.run_state.admit(), source_item: None };
                    downstream.push(turn, origin, Ok(item))
                }
                Some(clone_item) => push_with_clone(turn, downstream, item, clone_item),
            };
            if !has_room {
                break;
            }
        }
        turn.run_state.source_closed
    }

    /// The source panicked: ends it, and fails the item that it should have returned.
    #[cold]
    fn on_panic(&mut self, _: &mut Turn<'_, '_, In>, payload: Payload) -> Option<Payload> {
        if !std::mem::take(&mut self.reading) {
            return Some(payload);
        }
        self.end_with_panic(payload);
        None
    }

    fn shut_down(&mut self, _: &mut Turn<'_, '_, In>) -> Poll<()> {
        Poll::Ready(())
    }

    fn add_totals(&self, _: &mut RunTotals) {}
}
