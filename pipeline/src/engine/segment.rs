//! `Segment`: runs the calls of a chain of stages on the task of the run, up to `concurrency` at a time.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::task::AtomicWaker;

use super::chunk::{
    Chunk, ChunkResult, QueuedItem, Recycled, Remainder, ReturnSlot, run_chunk, run_observed,
};
use super::in_flight::InFlight;
use super::item_result::ItemFailure;
use super::provenance::Tagged;
use super::reorder_buffer::ReorderBuffer;
use super::started_calls::StartedCalls;
use super::upstream::{PollBudget, Pulled, Upstream};

use crate::call::catch_panic::{CatchPanic, panic_failure};
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::run::lock::lock;
use crate::run::shared::Run;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// What all segments of a run share.
pub struct SegmentContext<'a, S> {
    pub(crate) run: &'a Run<'a>,
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
    let make_call = move |chunk: Chunk<_, _, _>| {
        if chunk.observed {
            Either::Right(Box::pin(run_observed(stages, chunk, state, run)))
        } else {
            Either::Left(run_chunk(stages, chunk, state, run))
        }
    };
    Segment::new(upstream, make_call, context, last)
}

/// The maximum number of calls in flight and buffered results of a segment.
pub(crate) fn buffer_limit(config: OutputConfig, in_flight: usize) -> usize {
    if config.unbounded { usize::MAX } else { in_flight.saturating_mul(2) }
}

/// The maximum number of items in a chunk.
const MAX_CHUNK: usize = 32;

/// The chunk size is reset to 1 if a chunk takes longer than this.
const SLOW_CHUNK: Duration = Duration::from_micros(50);

/// At the maximum chunk size the clock is read once per this number of chunks.
const CLOCK_INTERVAL: u32 = 4;

/// The calls of a chain of stages, and their buffered results.
pub(crate) struct Segment<U: Upstream, M, C, T> {
    upstream: U,
    /// Creates the future that runs a chunk of items.
    make_call: M,
    /// The payload of a pending call is the sequence number and the provenance of its item.
    in_flight: InFlight<CatchPanic<C>, (u64, U::Provenance)>,
    /// Items that were pulled and not started, in reverse order.
    queue: Vec<QueuedItem<U::Provenance, U::Item>>,
    /// A failure from upstream that follows the queued items.
    pending_failure: Option<Tagged<U::Provenance, T>>,
    /// Outputs that can be pulled now, in reverse order. They precede the results in `reorder`.
    ready: Vec<(U::Provenance, T)>,
    reorder: ReorderBuffer<Tagged<U::Provenance, T>>,
    /// The maximum number of calls in flight and buffered results.
    limit: usize,
    /// The current chunk size: the number of items that one call takes.
    chunk_size: usize,
    chunks_finished: u32,
    /// Where a call that returns `Pending` puts the rest of its chunk.
    return_slot: Arc<ReturnSlot<U::Provenance, U::Item, T>>,
    /// An unused `Remainder`, kept so that its allocations are reused.
    recycled: Recycled<U::Provenance, U::Item, T>,
    started: StartedCalls,
    upstream_ended: bool,
}

impl<U, M, C, T> Segment<U, M, C, T>
where
    U: Upstream,
    M: Fn(Chunk<U::Provenance, U::Item, T>) -> C,
    C: Future<Output = ChunkResult<U::Provenance, U::Item, T>>,
{
    pub(crate) fn new<S>(upstream: U, make_call: M, context: &SegmentContext<'_, S>, last: bool) -> Self {
        let concurrency = context.run.settings().concurrency;
        let config = context.output_config(last);
        Self {
            upstream,
            make_call,
            in_flight: InFlight::new(concurrency, Arc::clone(&context.driver)),
            queue: Vec::new(),
            pending_failure: None,
            ready: Vec::new(),
            reorder: ReorderBuffer::new(config.ordered),
            limit: buffer_limit(config, concurrency),
            chunk_size: 1,
            chunks_finished: 0,
            return_slot: Arc::default(),
            recycled: None,
            started: StartedCalls::new(context.run.is_observed()),
            upstream_ended: false,
        }
    }

    #[inline]
    fn outstanding(&self) -> usize {
        self.reorder.outstanding(self.in_flight.len()) + self.ready.len()
    }

    /// Returns the next item to start. Unless `alone`, pulls a whole chunk, and queues the items after the first.
    #[inline]
    fn next_item(
        &mut self,
        alone: bool,
        budget: &mut PollBudget<'_, '_, U::Root>,
    ) -> Option<QueuedItem<U::Provenance, U::Item>> {
        if let Some(item) = self.queue.pop() {
            return Some(item);
        }
        let room = self.limit.saturating_sub(self.outstanding());
        if self.upstream_ended || self.pending_failure.is_some() || room == 0 {
            return None;
        }
        let limit = if alone { 1 } else { room.min(self.chunk_size) };
        let stopped = if limit == 1 {
            budget.take_call().then(|| self.upstream.pull(budget))
        } else {
            let queue = &mut self.queue;
            self.upstream
                .pull_many(budget, limit, |provenance, input| queue.push(QueuedItem { provenance, input }))
        };
        match stopped {
            None | Some(Pulled::Pending) => {}
            Some(Pulled::Item(Tagged { provenance, value: Ok(input) })) => {
                return Some(QueuedItem { provenance, input });
            }
            Some(Pulled::Item(Tagged { provenance, value: Err(error) })) => {
                self.pending_failure = Some(Tagged { provenance, value: Err(error) });
            }
            Some(Pulled::End) => self.upstream_ended = true,
        }
        self.queue.reverse();
        self.queue.pop()
    }

    /// Starts the next chunk of items. Returns false if no item or no slot is available.
    fn start_next(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> bool {
        if !self.in_flight.has_room() {
            return false;
        }
        let observed = self.started.next_is_observed();
        let Some(first) = self.next_item(observed, budget) else {
            let Some(failure) = self.pending_failure.take() else { return false };
            self.reorder.push(failure);
            return true;
        };
        let provenance = first.provenance.clone();
        let alone = self.queue.is_empty() || observed;
        let remainder = (!alone).then(|| {
            let mut remainder = self.recycled.take().unwrap_or_default();
            std::mem::swap(&mut remainder.items, &mut self.queue);
            (remainder, Arc::clone(&self.return_slot))
        });
        let make_call = &self.make_call;
        match self.in_flight.start(|| CatchPanic { call: make_call(Chunk { first, remainder, observed }) }) {
            Ok(Ok((provenance, result, remainder))) => {
                let (last, failure) = match result {
                    Ok(output) => (Some((provenance, output)), None),
                    Err(failure) => (None, Some((provenance, failure))),
                };
                match (remainder, last) {
                    (Some(remainder), last) => self.accept_chunk(remainder, last),
                    (None, Some(last)) if self.ready.is_empty() && self.reorder.is_empty() => {
                        self.ready.push(last);
                    }
                    (None, Some((provenance, output))) => {
                        self.reorder.push(Tagged { provenance, value: Ok(output) });
                    }
                    (None, None) => {}
                }
                if let Some((provenance, failure)) = failure {
                    self.reorder.push_some(budget.run_state.resolve_failure(provenance, failure));
                }
                self.adapt_chunk_size(budget);
            }
            Ok(Err(payload)) => {
                let provenance = if alone { provenance } else { self.reclaim(provenance) };
                let error = panic_failure(budget.run_state.run, payload);
                self.reorder
                    .push_some(budget.run_state.resolve_failure(provenance, ItemFailure::Failed(error)));
            }
            Err(slot) => {
                let provenance = if alone { provenance } else { self.reclaim(provenance) };
                self.in_flight.attach(slot, (self.reorder.reserve(), provenance));
                self.chunk_size = 1;
            }
        }
        self.started.add(1);
        true
    }

    /// Takes the rest of a chunk from the return slot. Returns the provenance of the item that the call stopped at.
    #[cold]
    fn reclaim(&mut self, first: U::Provenance) -> U::Provenance {
        let remainder = lock(&self.return_slot).take();
        let Some(mut remainder) = remainder else { return first };
        let provenance = remainder.provenance.take();
        self.accept_chunk(remainder, None);
        provenance.unwrap_or(first)
    }

    /// Buffers the outputs of a chunk, followed by `last`, and queues its unstarted items again.
    #[inline]
    fn accept_chunk(
        &mut self,
        mut remainder: Box<Remainder<U::Provenance, U::Item, T>>,
        last: Option<(U::Provenance, T)>,
    ) {
        self.started.add(remainder.outputs.len() as u64);
        std::mem::swap(&mut self.queue, &mut remainder.items);
        remainder.outputs.extend(last);
        if self.ready.is_empty() && self.reorder.is_empty() {
            remainder.outputs.reverse();
            std::mem::swap(&mut self.ready, &mut remainder.outputs);
        } else {
            for (provenance, output) in remainder.outputs.drain(..) {
                self.reorder.push(Tagged { provenance, value: Ok(output) });
            }
        }
        self.recycled = Some(remainder);
    }

    /// Doubles the chunk size after a chunk that was ready at once. If chunks take long, resets it, and ends the current poll
    /// so that other tasks can run.
    #[inline]
    fn adapt_chunk_size(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        let limit = MAX_CHUNK.min(self.in_flight.capacity());
        let growing = self.chunk_size < limit;
        self.chunks_finished = self.chunks_finished.wrapping_add(1);
        let reads_clock =
            if growing { self.chunk_size >= 4 } else { self.chunks_finished.is_multiple_of(CLOCK_INTERVAL) };
        let slow = if growing { SLOW_CHUNK } else { SLOW_CHUNK * CLOCK_INTERVAL };
        if reads_clock && budget.tick_clock() > slow {
            self.chunk_size = 1;
            budget.exhaust();
        } else if growing {
            self.chunk_size = (self.chunk_size * 2).min(limit);
        }
    }
}

impl<U, M, C, T> Upstream for Segment<U, M, C, T>
where
    U: Upstream,
    M: Fn(Chunk<U::Provenance, U::Item, T>) -> C + Send,
    C: Future<Output = ChunkResult<U::Provenance, U::Item, T>> + Send,
    T: Send,
{
    type Root = U::Root;
    type Provenance = U::Provenance;
    type Item = T;

    fn wake(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.upstream.wake(budget);
        let (in_flight, reorder) = (&mut self.in_flight, &mut self.reorder);
        let run = budget.run_state.run;
        let mut failures = Vec::new();
        let mut may_poll = |tokio_has_budget: bool| {
            if !tokio_has_budget {
                budget.exhaust();
            }
            budget.take_call()
        };
        in_flight.poll_ready(&mut may_poll, |(sequence, provenance), result| match result {
            Ok((provenance, Ok(output), _)) => {
                reorder.complete(sequence, Some(Tagged { provenance, value: Ok(output) }));
            }
            Ok((provenance, Err(failure), _)) => failures.push((sequence, provenance, failure)),
            Err(payload) => {
                failures.push((sequence, provenance, ItemFailure::Failed(panic_failure(run, payload))));
            }
        });
        for (sequence, provenance, failure) in failures {
            let result = budget.run_state.resolve_failure(provenance, failure);
            reorder.complete(sequence, result);
        }
    }

    #[inline]
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> Pulled<U::Provenance, T> {
        loop {
            if let Some((provenance, output)) = self.ready.pop() {
                return Pulled::Item(Tagged { provenance, value: Ok(output) });
            }
            if let Some(result) = self.reorder.pop() {
                return Pulled::Item(result);
            }
            if budget.run_state.aborting || !self.start_next(budget) {
                break;
            }
        }
        let idle = self.queue.is_empty() && self.pending_failure.is_none() && self.in_flight.len() == 0;
        if self.upstream_ended && idle && self.reorder.is_empty() { Pulled::End } else { Pulled::Pending }
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        while !budget.run_state.aborting && self.outstanding() < self.limit && self.start_next(budget) {}
        self.upstream.prefetch(budget);
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, U::Root>, totals: &mut RunTotals) -> Poll<()> {
        let upstream = self.upstream.shut_down(budget, totals);
        let in_flight = self.in_flight.drain().map(|(_, provenance)| provenance);
        let queued = self.queue.drain(..).map(|item| item.provenance);
        let ready = self.ready.drain(..).map(|(provenance, _)| provenance);
        let unfinished = in_flight.chain(queued).chain(ready);
        budget.run_state.cancel_segment(unfinished, &mut self.reorder, totals);
        self.pending_failure = None;
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Segment { started: self.started.count() });
    }
}
