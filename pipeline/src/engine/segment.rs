//! `Segment`: runs the calls of a chain of stages on the task of the run, up to `concurrency` at a time.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use super::in_flight::{Finished, InFlight};
use super::item_call::ItemCall;
use super::item_result::{ItemFailure, ItemResult};
use super::provenance::Provenance;
use super::reorder_buffer::ReorderBuffer;
use super::run_item::{run_observed, run_unobserved};
use super::started_calls::StartedCalls;
use super::sweep::{ChainSweeps, SweepStages};
use super::swept::{SweepEnd, Swept};
use super::sync::AtomicWaker;
use super::turn::{Payload, Turn};
use super::upstream::{Downstream, Upstream};

use crate::call::catch_panic::panic_failure;
use crate::error::stage_error::StageError;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::run::order::Order;
use crate::run::shared::Run;
use crate::run::wait_note::WaitNote;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// What all segments of a run share.
pub struct SegmentContext<'a, S> {
    pub(crate) run: &'a Run<'a>,
    /// What the item that is being polled waits for.
    pub(crate) wait_note: &'a WaitNote,
    pub(crate) state: &'a Arc<S>,
    pub(crate) plan: &'a Plan,
    /// Wakes the task that drives the run.
    pub(crate) driver: Arc<AtomicWaker>,
    /// The configuration of the last segment.
    pub(crate) output_config: OutputConfig,
}

/// How a segment emits its results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputConfig {
    pub(crate) ordered: bool,
    /// Whether the number of buffered results is unlimited, because the verb keeps all results anyway.
    pub(crate) unbounded: bool,
}

impl<S> Clone for SegmentContext<'_, S> {
    fn clone(&self) -> Self {
        Self { driver: Arc::clone(&self.driver), ..*self }
    }
}

impl<S> SegmentContext<'_, S> {
    /// The output configuration of a segment. That of the last one depends on the verb.
    pub(crate) fn output_config(&self, last: bool) -> OutputConfig {
        if last {
            self.output_config
        } else {
            OutputConfig { ordered: self.run.settings().ordered, unbounded: false }
        }
    }
}

/// Opens the segment of a chain whose calls run on the task of the run.
pub(crate) fn open_segment<'a, In, S, F, U>(
    stages: &'a F,
    upstream: U,
    context: &SegmentContext<'a, S>,
    last: bool,
) -> impl Upstream<Root = U::Root, Provenance = U::Provenance, Item = F::Out> + use<'a, In, S, F, U>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
    U: Upstream<Item = In>,
{
    let (run, state) = (context.run, context.state);
    let order = Order::new(context.plan.in_order());
    let in_order = order.is_some();
    let calls = MakeCalls {
        plain: move |input, index| ItemCall::Plain { call: run_unobserved(stages, input, state, run, index) },
        special: move |input, index, observed| {
            let place = order.as_ref().map(Order::next_place);
            let call = Box::pin(run_observed(stages, input, state, run, (index, observed), place));
            ItemCall::Special { call }
        },
        in_order,
    };
    let sweeps = ChainSweeps { stages, state, run };
    Segment::new(upstream, calls, sweeps, move || stages.__can_start(), context, last)
}

/// Creates the futures that run the items of a segment.
pub(crate) struct MakeCalls<P, X> {
    /// For most items.
    plain: P,
    /// For items that are observed or in order.
    special: X,
    /// Whether all items are in order.
    in_order: bool,
}

/// The maximum number of calls that sleep between two attempts without a place. Where calls are in order, each keeps its place:
/// those that wait for their turn behind it could have taken all others.
pub(crate) fn max_parked<S>(context: &SegmentContext<'_, S>) -> usize {
    match context.plan.in_order().next() {
        None => context.run.settings().max_parked(),
        Some(_) => 0,
    }
}

/// The maximum number of calls in flight and buffered results of a segment.
pub(crate) fn buffer_limit(config: OutputConfig, in_flight: usize) -> usize {
    if config.unbounded { usize::MAX } else { in_flight.saturating_mul(2) }
}

/// The calls of a chain of stages, and their buffered results.
pub(crate) struct Segment<'a, U: Upstream, P, X, W, N, C: Future, T> {
    upstream: U,
    make_calls: MakeCalls<P, X>,
    /// The same stages, as a sweep calls them.
    sweeps: W,
    /// Whether the first stage has capacity for another call.
    can_start: N,
    calls: Calls<'a, C, U::Provenance, T>,
    upstream_ended: bool,
}

/// The calls of a segment, apart from the segment before it.
struct Calls<'a, C, G, T> {
    in_flight: InFlight<'a, C, G>,
    results: ReorderBuffer<(G, Result<T, StageError>)>,
    /// The maximum number of calls in flight and buffered results.
    limit: usize,
    started: StartedCalls,
    /// A call failed in a run that ends at the first failure in order: no more calls are started.
    cut: bool,
}

impl<'a, U, P, X, W, N, C, T> Segment<'a, U, P, X, W, N, C, T>
where
    U: Upstream,
    P: Fn(U::Item, usize) -> C,
    X: Fn(U::Item, usize, bool) -> C,
    N: Fn() -> bool,
    C: Future<Output = ItemResult<T>>,
{
    fn new<S>(
        upstream: U,
        make_calls: MakeCalls<P, X>,
        sweeps: W,
        can_start: N,
        context: &SegmentContext<'a, S>,
        last: bool,
    ) -> Self {
        let settings = context.run.settings();
        let concurrency = settings.concurrency;
        let config = context.output_config(last);
        let calls = Calls {
            in_flight: InFlight::new(
                concurrency,
                max_parked(context),
                Arc::clone(&context.driver),
                context.wait_note,
            ),
            results: ReorderBuffer::new(config.ordered),
            limit: buffer_limit(config, concurrency),
            started: StartedCalls::new(context.run.is_observed(), make_calls.in_order),
            cut: false,
        };
        Self { upstream, make_calls, sweeps, can_start, calls, upstream_ended: false }
    }
}

impl<C, G, T> Calls<'_, C, G, T>
where
    C: Future<Output = ItemResult<T>>,
    G: Provenance,
{
    /// The number of items that can be taken now.
    #[inline]
    fn room(&self) -> usize {
        if self.cut {
            return 0;
        }
        if self.in_flight.has_returning() {
            // Those that have slept come first.
            return 0;
        }
        let in_flight = if self.results.is_ordered() { 0 } else { self.in_flight.active() };
        let buffered = self.results.len() + in_flight;
        self.in_flight.room().min(self.limit.saturating_sub(buffered))
    }

    /// Pushes the results that are next, as long as there is room for them.
    #[inline]
    fn flush<D>(&mut self, turn: &mut Turn<'_, '_, G::Root>, downstream: &mut D)
    where
        D: Downstream<G, T>,
    {
        while downstream.has_room()
            && let Some((provenance, result)) = self.results.pop()
        {
            downstream.push_rarely(turn, provenance, result);
        }
    }

    /// Polls the calls that were woken. Returns false if the turn is over before all were polled.
    #[inline]
    fn poll_woken<D>(&mut self, turn: &mut Turn<'_, '_, G::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<G, T>,
    {
        self.in_flight.begin_round();
        while self.in_flight.has_woken() {
            if !turn.spend() {
                return false;
            }
            let slot = self.in_flight.take_woken();
            if let Some(finished) = self.in_flight.poll(slot) {
                self.end_call(turn, downstream, finished);
            }
        }
        if self.in_flight.has_returning() { self.poll_returning(turn, downstream) } else { true }
    }

    /// Polls the calls that have slept, as long as there are places for them. Returns false if the turn is over before.
    #[cold]
    #[inline(never)]
    fn poll_returning<D>(&mut self, turn: &mut Turn<'_, '_, G::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<G, T>,
    {
        while self.in_flight.room() > 0 && self.in_flight.has_returning() {
            if !turn.spend() {
                return false;
            }
            if let Some(finished) = self.in_flight.poll_returning() {
                self.end_call(turn, downstream, finished);
            }
        }
        true
    }

    /// A call that was pending ended.
    #[inline]
    fn end_call<D>(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        downstream: &mut D,
        Finished { sequence, tag, output }: Finished<G, C::Output>,
    ) where
        D: Downstream<G, T>,
    {
        match output {
            Ok(output) => self.finish(turn, downstream, sequence, (tag, Ok(output))),
            Err(failure) => {
                self.fail(turn, tag, *failure, Some(sequence));
                self.flush(turn, downstream);
            }
        }
    }

    /// A call that was pending returned an output.
    #[inline]
    fn finish<D>(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        downstream: &mut D,
        sequence: u64,
        (provenance, result): (G, Result<T, StageError>),
    ) where
        D: Downstream<G, T>,
    {
        if self.results.is_next(sequence) && downstream.has_room() {
            self.results.bypass();
            downstream.push(turn, provenance, result);
            if self.results.is_ordered() {
                self.flush(turn, downstream);
            }
        } else {
            self.results.complete(sequence, Some((provenance, result)));
        }
    }

    /// A call failed. If it was pending before, it has a sequence number.
    #[cold]
    #[inline(never)]
    fn fail(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        failure: ItemFailure<T>,
        sequence: Option<u64>,
    ) {
        self.in_flight.clear_note();
        let result = turn.resolve_failure(&provenance, failure);
        if turn.run_state.ends_in_order() && result.as_ref().is_none_or(Result::is_err) {
            self.cut_after(turn, sequence.unwrap_or_else(|| self.results.end()));
        }
        let result = result.map(|result| (provenance, result));
        match sequence {
            Some(sequence) => self.results.complete(sequence, result),
            None => {
                if let Some(result) = result {
                    self.results.push(result);
                }
            }
        }
    }

    /// The run ends with the item of this sequence number: cancels what is behind it.
    #[cold]
    fn cut_after(&mut self, turn: &mut Turn<'_, '_, G::Root>, sequence: u64) {
        self.cut = true;
        let ordered = self.results.is_ordered();
        let slots: Vec<_> = self.in_flight.slots_in_use().collect();
        for slot in slots {
            if (!ordered || self.in_flight.sequence(slot) > sequence)
                && let Some(provenance) = self.in_flight.cancel(slot)
            {
                turn.run_state.cancel_item(&provenance);
            }
        }
        if ordered {
            for (provenance, result) in self.results.truncate(sequence) {
                if result.is_ok() {
                    turn.run_state.cancel_item(&provenance);
                }
            }
        }
    }
}

impl<U, P, X, W, N, C, T> Upstream for Segment<'_, U, P, X, W, N, C, T>
where
    U: Upstream,
    P: Fn(U::Item, usize) -> C + Send,
    X: Fn(U::Item, usize, bool) -> C + Send,
    W: SweepStages<U::Item, Out = T> + Send,
    N: Fn() -> bool + Send,
    C: Future<Output = ItemResult<T>> + Send,
    T: Send,
{
    type Root = U::Root;
    type Provenance = U::Provenance;
    type Item = T;

    #[inline]
    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, U::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<U::Provenance, T>,
    {
        let Self { upstream, make_calls, sweeps, can_start, calls, upstream_ended } = self;
        calls.flush(turn, downstream);
        if !calls.poll_woken(turn, downstream) {
            return false;
        }
        if calls.cut && !*upstream_ended {
            // Nothing that comes from there is taken any more. What waits for workers goes on at the end of the run.
            let _ = upstream.shut_down(turn);
            *upstream_ended = true;
        }
        if !*upstream_ended {
            let bypass = calls.results.is_empty() && downstream.has_room();
            let room = calls.room();
            let mut intake = Intake { make_calls, sweeps, can_start, calls, downstream, bypass, room };
            *upstream_ended = upstream.advance(turn, &mut intake);
        }
        *upstream_ended && calls.results.is_empty() && calls.in_flight.is_empty()
    }

    #[cold]
    fn on_panic(&mut self, turn: &mut Turn<'_, '_, U::Root>, payload: Payload) -> Option<Payload> {
        let Some((provenance, sequence)) = self.calls.in_flight.take_panicked() else {
            return self.upstream.on_panic(turn, payload);
        };
        let error = panic_failure(turn.run_state.run, payload);
        self.calls.fail(turn, provenance, ItemFailure::Failed(error), sequence);
        None
    }

    fn shut_down(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Poll<()> {
        let upstream = self.upstream.shut_down(turn);
        turn.run_state.cancel_segment(self.calls.in_flight.drain(), &mut self.calls.results);
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Segment { started: self.calls.started.count() });
    }
}

/// Starts a call for each item that the segment before pushes.
struct Intake<'s, 'a, P, X, W, N, C, G, T, D> {
    make_calls: &'s MakeCalls<P, X>,
    sweeps: &'s W,
    can_start: &'s N,
    calls: &'s mut Calls<'a, C, G, T>,
    downstream: &'s mut D,
    /// Whether no result waits and there is room downstream: an output goes on at once.
    bypass: bool,
    /// At least as many items can be taken.
    room: usize,
}

impl<P, X, W, N, C, G, T, D> Intake<'_, '_, P, X, W, N, C, G, T, D>
where
    C: Future<Output = ItemResult<T>>,
    G: Provenance,
    D: Downstream<G, T>,
{
    /// Starts the call of an item.
    #[allow(clippy::inline_always)] // Once for plain calls, once for special ones.
    #[inline(always)]
    fn start(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        make_call: impl FnOnce(usize) -> C,
    ) -> bool {
        let Calls { in_flight, results, started, .. } = &mut *self.calls;
        started.add(1);
        let bypass = &mut self.bypass;
        let result = in_flight.start(
            provenance,
            |provenance| make_call(provenance.origin().index),
            || {
                // Results that come later must not overtake this one.
                *bypass &= !results.is_ordered();
                results.reserve()
            },
        );
        match result {
            Some((provenance, Ok(output))) if self.bypass => {
                self.bypass = self.downstream.push(turn, provenance, Ok(output));
                self.bypass || self.update_room()
            }
            Some((provenance, Ok(output))) => self.push_result(turn, provenance, Ok(output)),
            Some((provenance, Err(failure))) => self.push_failure(turn, provenance, *failure),
            None => {
                self.room -= 1;
                self.room > 0 || self.update_room()
            }
        }
    }

    /// Starts the call of an item that is observed or in order.
    #[cold]
    #[inline(never)]
    fn start_special<In>(&mut self, turn: &mut Turn<'_, '_, G::Root>, provenance: G, input: In) -> bool
    where
        X: Fn(In, usize, bool) -> C,
    {
        let make_call = &self.make_calls.special;
        let observed = self.calls.started.next_is_observed();
        self.start(turn, provenance, |index| make_call(input, index, observed))
    }

    /// Counts the room again. Returns whether there is any.
    #[inline(never)]
    fn update_room(&mut self) -> bool {
        self.room = self.calls.room();
        self.room > 0
    }

    /// A result that does not go on at once, or the failure of an item.
    #[inline(never)]
    fn push_result(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        result: Result<T, StageError>,
    ) -> bool {
        if result.is_err() && turn.run_state.ends_in_order() {
            let end = self.calls.results.end();
            self.calls.cut_after(turn, end);
        }
        if self.bypass {
            self.bypass = self.downstream.push_rarely(turn, provenance, result);
        } else {
            self.calls.results.push((provenance, result));
        }
        self.update_room()
    }

    /// A call that was ready at once failed.
    #[cold]
    #[inline(never)]
    fn push_failure(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        failure: ItemFailure<T>,
    ) -> bool {
        self.calls.in_flight.clear_note();
        match turn.resolve_failure(&provenance, failure) {
            Some(result) => self.push_result(turn, provenance, result),
            None => !turn.run_state.aborting && self.update_room(),
        }
    }
}

impl<In, P, X, W, N, C, G, T, D> Downstream<G, In> for Intake<'_, '_, P, X, W, N, C, G, T, D>
where
    P: Fn(In, usize) -> C,
    X: Fn(In, usize, bool) -> C,
    W: SweepStages<In, Out = T>,
    N: Fn() -> bool,
    C: Future<Output = ItemResult<T>>,
    G: Provenance,
    D: Downstream<G, T>,
{
    #[inline]
    fn has_room(&self) -> bool {
        self.room > 0
    }

    /// If no call is in flight here, the capacity is used by another run, which does not tell this one when it is free again.
    fn can_start(&self) -> bool {
        self.room > 0 && (self.calls.in_flight.is_empty() || (self.can_start)())
    }

    #[allow(clippy::inline_always)] // Once in each segment before it; see `push_rarely`.
    #[inline(always)]
    fn push(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        value: Result<In, StageError>,
    ) -> bool {
        let input = match value {
            Ok(input) => input,
            Err(error) => return self.push_result(turn, provenance, Err(error)),
        };
        if self.calls.started.next_is_special() {
            return self.start_special(turn, provenance, input);
        }
        let make_call = &self.make_calls.plain;
        self.start(turn, provenance, |index| make_call(input, index))
    }

    fn sweep_limit(&self) -> usize {
        if W::POSSIBLE && self.bypass && self.room > 0 && self.calls.in_flight.is_empty() {
            self.calls.started.sweep_limit().min(self.downstream.sweep_limit())
        } else {
            0
        }
    }

    fn sweep(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        items: impl Iterator<Item = In>,
        expected: usize,
    ) -> Swept {
        // So that the sweeps of stages that have none are not compiled.
        if !W::POSSIBLE {
            return Swept { items: 0, end: SweepEnd::Through };
        }
        let sample = self.calls.started.next_sample();
        let swept = self.sweeps.sweep(turn, self.downstream, items, expected, sample);
        let failed = u64::from(matches!(swept.end, SweepEnd::Failed(_)));
        self.calls.started.add(swept.items as u64 + failed);
        swept
    }
}
