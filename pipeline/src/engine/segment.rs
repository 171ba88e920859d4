//! A chain of stages with many items on their way through it.

use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::task::AtomicWaker;

use super::chunk::{
    Chunk, ChunkResult, QueuedItem, Recycled, Remainder, ReturnSlot, run_chunk, run_observed,
};
use super::in_flight::InFlight;
use super::item_result::ItemFailure;
use super::provenance::Provenance;
use super::reorder_buffer::ReorderBuffer;
use super::upstream::{PollBudget, Pulled, Tagged, Upstream};

use crate::call::catch_panic::{CatchPanic, panic_failure};
use crate::call::observed::SAMPLE_EVERY;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::run::shared::Run;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// What all parts of a line share.
pub struct SegmentContext<'a, S> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) state: &'a Arc<S>,
    pub(crate) plan: &'a Plan,
    /// Whom to wake.
    pub(crate) driver: Arc<AtomicWaker>,
    /// What the last part keeps to.
    pub(crate) output_config: OutputConfig,
}

/// How the last part of a line gives its results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputConfig {
    pub(crate) ordered: bool,
    /// Whether all results are to be kept anyway, so that a window would only be in the way.
    pub(crate) unbounded: bool,
}

impl<S> Clone for SegmentContext<'_, S> {
    fn clone(&self) -> Self {
        Self { driver: Arc::clone(&self.driver), ..*self }
    }
}

impl<S> SegmentContext<'_, S> {
    /// The ending of a part, which is the last or not.
    pub(crate) fn output_config(&self, last: bool) -> OutputConfig {
        if last {
            self.output_config
        } else {
            OutputConfig { ordered: self.run.settings().ordered, unbounded: false }
        }
    }
}

/// Opens the segment of a chain whose calls run on the caller's own task.
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

/// How many results may be under way or waiting in a part.
pub(crate) fn buffer_limit(config: OutputConfig, in_flight: usize) -> usize {
    if config.unbounded { usize::MAX } else { in_flight.saturating_mul(2) }
}

/// A lane takes at most so many items at a time.
const MAX_CHUNK: usize = 32;

/// And fewer, if they take longer than this: which is looked at once in so many times.
const SLOW_CHUNK: Duration = Duration::from_micros(50);

const CLOCK_INTERVAL: u32 = 4;

/// A chain, its calls and their results.
pub(crate) struct Segment<U: Upstream, M, C, T> {
    upstream: U,
    /// Makes the future that takes a chunk of items through.
    make_call: M,
    /// With each chunk that waits, the place and the tag of its item.
    in_flight: InFlight<CatchPanic<C>, (u64, U::Provenance)>,
    /// Items that were taken and not begun, the next one last.
    queue: Vec<QueuedItem<U::Provenance, U::Item>>,
    /// A failure that came behind those items.
    pending_failure: Option<Tagged<U::Provenance, T>>,
    /// Outputs whose turn has come, the next one last; they come before the results.
    ready: Vec<(U::Provenance, T)>,
    reorder: ReorderBuffer<Tagged<U::Provenance, T>>,
    /// The most that may be under way or waiting.
    limit: usize,
    /// How many items a lane takes now.
    chunk: usize,
    chunks: u32,
    return_slot: Arc<ReturnSlot<U::Provenance, U::Item, T>>,
    /// Kept for its memory.
    recycled: Recycled<U::Provenance, U::Item, T>,
    started: u64,
    observed: bool,
    ended: bool,
}

impl<U, M, C, T> Segment<U, M, C, T>
where
    U: Upstream,
    M: Fn(Chunk<U::Provenance, U::Item, T>) -> C,
    C: Future<Output = ChunkResult<U::Provenance, U::Item, T>>,
{
    pub(crate) fn new<S>(upstream: U, make_call: M, context: &SegmentContext<'_, S>, last: bool) -> Self {
        let width = context.run.settings().concurrency;
        let config = context.output_config(last);
        Self {
            upstream,
            make_call,
            in_flight: InFlight::new(width, Arc::clone(&context.driver)),
            queue: Vec::new(),
            pending_failure: None,
            ready: Vec::new(),
            reorder: ReorderBuffer::new(config.ordered),
            limit: buffer_limit(config, width),
            chunk: 1,
            chunks: 0,
            return_slot: Arc::default(),
            recycled: None,
            started: 0,
            observed: context.run.is_observed(),
            ended: false,
        }
    }

    #[inline]
    fn outstanding(&self) -> usize {
        self.reorder.outstanding(self.in_flight.len()) + self.ready.len()
    }

    /// The next item for a lane; and, unless it is to be by itself, more behind it.
    #[inline]
    fn next_item(
        &mut self,
        alone: bool,
        budget: &mut PollBudget<'_, '_, U::Root>,
    ) -> Option<QueuedItem<U::Provenance, U::Item>> {
        if let Some(job) = self.queue.pop() {
            return Some(job);
        }
        let room = self.limit.saturating_sub(self.outstanding());
        if self.ended || self.pending_failure.is_some() || room == 0 {
            return None;
        }
        let limit = if alone { 1 } else { room.min(self.chunk) };
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
            Some(Pulled::End) => self.ended = true,
        }
        self.queue.reverse();
        self.queue.pop()
    }

    /// Begins a chunk of items, and says whether there was one.
    fn start_next(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> bool {
        if !self.in_flight.has_room() {
            return false;
        }
        let observed = self.observed || self.started < 16 || self.started.is_multiple_of(SAMPLE_EVERY);
        let Some(first) = self.next_item(observed, budget) else {
            let Some(packet) = self.pending_failure.take() else { return false };
            self.reorder.push(packet);
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
                        self.reorder.push(Tagged { provenance, value: Ok(output) })
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
                self.chunk = 1;
            }
        }
        self.started += 1;
        true
    }

    /// Takes what was given back, and the tag of the item that the lane stopped at.
    #[cold]
    fn reclaim(&mut self, first: U::Provenance) -> U::Provenance {
        let remainder = self.return_slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut remainder) = remainder else { return first };
        let provenance = remainder.provenance.take();
        self.accept_chunk(remainder, None);
        provenance.unwrap_or(first)
    }

    /// Puts down the outputs of the items up to the one that a lane stopped at, and takes back those behind it.
    #[inline]
    fn accept_chunk(
        &mut self,
        mut remainder: Box<Remainder<U::Provenance, U::Item, T>>,
        last: Option<(U::Provenance, T)>,
    ) {
        self.started += remainder.outputs.len() as u64;
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

    /// Items are ready at once: takes more of them at a time, if that takes little time. If not, others get their turn.
    #[inline]
    fn adapt_chunk_size(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        let limit = MAX_CHUNK.min(self.in_flight.capacity());
        let growing = self.chunk < limit;
        self.chunks = self.chunks.wrapping_add(1);
        let looks = if growing { self.chunk >= 4 } else { self.chunks.is_multiple_of(CLOCK_INTERVAL) };
        if looks && budget.tick_clock() > if growing { SLOW_CHUNK } else { SLOW_CHUNK * CLOCK_INTERVAL } {
            self.chunk = 1;
            budget.exhaust();
        } else if growing {
            self.chunk = (self.chunk * 2).min(limit);
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
        let mut ended = Vec::new();
        let mut may_poll = |tokio_has_budget: bool| {
            if !tokio_has_budget {
                budget.exhaust();
            }
            budget.take_call()
        };
        in_flight.poll_ready(&mut may_poll, |(sequence, provenance), result| match result {
            Ok((provenance, Ok(output), _)) => {
                reorder.complete(sequence, Some(Tagged { provenance, value: Ok(output) }))
            }
            Ok((provenance, Err(failure), _)) => ended.push((sequence, provenance, failure)),
            Err(payload) => {
                ended.push((sequence, provenance, ItemFailure::Failed(panic_failure(run, payload))))
            }
        });
        for (sequence, provenance, failure) in ended {
            let packet = budget.run_state.resolve_failure(provenance, failure);
            reorder.complete(sequence, packet);
        }
    }

    #[inline]
    fn pull(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> Pulled<U::Provenance, T> {
        loop {
            if let Some((provenance, output)) = self.ready.pop() {
                return Pulled::Item(Tagged { provenance, value: Ok(output) });
            }
            if let Some(packet) = self.reorder.pop() {
                return Pulled::Item(packet);
            }
            if budget.run_state.aborting || !self.start_next(budget) {
                break;
            }
        }
        let idle = self.queue.is_empty() && self.pending_failure.is_none() && self.in_flight.len() == 0;
        if self.ended && idle && self.reorder.is_empty() { Pulled::End } else { Pulled::Pending }
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        while !budget.run_state.aborting && self.outstanding() < self.limit && self.start_next(budget) {}
        self.upstream.prefetch(budget);
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, U::Root>, totals: &mut RunTotals) -> Poll<()> {
        let upstream = self.upstream.shut_down(budget, totals);
        let run_state = &mut *budget.run_state;
        self.in_flight.clear(|(_, provenance)| run_state.cancel_item(provenance.origin().index, totals));
        for QueuedItem { provenance, .. } in self.queue.drain(..) {
            run_state.cancel_item(provenance.origin().index, totals);
        }
        for (provenance, _) in self.ready.drain(..) {
            run_state.cancel_item(provenance.origin().index, totals);
        }
        self.pending_failure = None;
        for packet in self.reorder.clear() {
            if packet.value.is_ok() {
                run_state.cancel_item(packet.provenance.origin().index, totals);
            }
        }
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Segment { started: self.started });
    }
}
