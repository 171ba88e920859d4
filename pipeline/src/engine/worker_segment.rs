//! Lanes spread over several tasks: `workers(n)`.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::Either;
use tokio::runtime::Handle;

use super::item_result::ItemResult;
use super::provenance::Provenance;
use super::reorder_buffer::ReorderBuffer;
use super::segment::{SegmentContext, buffer_limit, open_segment};
use super::upstream::{PollBudget, Pulled, Tagged, Upstream};
use super::work_queue::{Task, WorkItem, WorkQueue, Worker};

use crate::call::observed::SAMPLE_EVERY;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::stage::contract::Stage;

/// Opens the segment of a chain whose calls run on worker tasks; on the caller's own task where there is one worker.
pub(crate) fn open_worker_segment<'a, In, S, F, U>(
    stages: &'a Arc<F>,
    upstream: U,
    context: &SegmentContext<'a, S>,
    last: bool,
) -> impl Upstream<Root = U::Root, Provenance = U::Provenance, Item = F::Out> + use<'a, In, S, F, U>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: Stage<In, S, Out: 'static> + 'static,
    U: Upstream<Item = In>,
{
    let run = context.run.settings();
    let workers = run.workers.min(run.concurrency);
    if workers <= 1 {
        return Either::Left(open_segment(&**stages, upstream, context, last));
    }
    let config = context.output_config(last);
    let queue = Arc::new(WorkQueue::new(workers, Arc::clone(&context.driver)));
    let tasks = (0..workers).map(|index| {
        // The slots of all workers together are as many as `concurrency` says.
        let slots = run.concurrency / workers + usize::from(index < run.concurrency % workers);
        let worker = Worker { index, slots, queue: Arc::clone(&queue), run: run.clone() };
        let (stages, state) = (Arc::clone(stages), Arc::clone(context.state));
        let (plan, run) = (context.plan.clone(), context.run.id());
        runtime().spawn(worker.work(stages, state, plan, run))
    });
    Either::Right(WorkerSegment {
        upstream,
        tasks: tasks.map(Task).collect(),
        queue,
        reorder: ReorderBuffer::new(config.ordered),
        limit: buffer_limit(config, run.concurrency),
        max_dispatched: run.concurrency.saturating_mul(2),
        dispatched: Dispatched::default(),
        outgoing: VecDeque::new(),
        incoming: Vec::new(),
        started: 0,
        ended: false,
    })
}

#[track_caller]
fn runtime() -> Handle {
    let runtime = Handle::try_current();
    let Ok(runtime) = runtime else {
        panic!("`workers` are tokio tasks, and there is no tokio runtime here: run this in async code")
    };
    runtime
}

/// What is away, each under a number that is used again.
struct Dispatched<K> {
    entries: Vec<Option<K>>,
    free: Vec<usize>,
}

impl<K> Default for Dispatched<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }
}

impl<K> Dispatched<K> {
    fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    fn insert(&mut self, entries: K) -> usize {
        match self.free.pop() {
            Some(ticket) => {
                self.entries[ticket] = Some(entries);
                ticket
            }
            None => {
                self.entries.push(Some(entries));
                self.entries.len() - 1
            }
        }
    }

    fn remove(&mut self, ticket: usize) -> Option<K> {
        let entries = self.entries.get_mut(ticket)?.take()?;
        self.free.push(ticket);
        Some(entries)
    }

    fn clear(&mut self) -> impl Iterator<Item = K> {
        self.free.clear();
        self.entries.drain(..).flatten()
    }
}

/// A chain whose calls are elsewhere.
struct WorkerSegment<U: Upstream, T> {
    upstream: U,
    queue: Arc<WorkQueue<U::Item, T>>,
    tasks: Vec<Task>,
    reorder: ReorderBuffer<Tagged<U::Provenance, T>>,
    /// The most that may be away or waiting.
    limit: usize,
    /// The most that may be away.
    max_dispatched: usize,
    dispatched: Dispatched<(u64, U::Provenance)>,
    outgoing: VecDeque<WorkItem<U::Item>>,
    incoming: Vec<(usize, ItemResult<T>)>,
    started: u64,
    ended: bool,
}

impl<U: Upstream, T> WorkerSegment<U, T> {
    /// Sends one more item away, or knows why not.
    fn dispatch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> bool {
        let full = self.dispatched.len() >= self.max_dispatched
            || self.reorder.outstanding(self.dispatched.len()) >= self.limit;
        if full || self.ended || !budget.take_call() {
            return false;
        }
        match self.upstream.pull(budget) {
            Pulled::Item(Tagged { provenance, value: Ok(input) }) => {
                let observed = budget.run_state.run.is_observed()
                    || self.started < 16
                    || self.started.is_multiple_of(SAMPLE_EVERY);
                self.started += 1;
                let index = provenance.origin().index;
                let ticket = self.dispatched.insert((self.reorder.reserve(), provenance));
                self.outgoing.push_back(WorkItem { ticket, index, observed, input });
            }
            Pulled::Item(Tagged { provenance, value: Err(error) }) => {
                let sequence = self.reorder.reserve();
                self.reorder.complete(sequence, Some(Tagged { provenance, value: Err(error) }));
            }
            Pulled::Pending => return false,
            Pulled::End => {
                self.ended = true;
                return false;
            }
        }
        true
    }

    fn flush(&mut self) {
        if !self.outgoing.is_empty() {
            self.queue.push(&mut self.outgoing);
        }
    }

    /// Takes in what came back.
    fn collect_results(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.queue.take_results(&mut self.incoming);
        for (ticket, result) in self.incoming.drain(..) {
            let Some((sequence, provenance)) = self.dispatched.remove(ticket) else { continue };
            let packet = match result {
                Ok(output) => Some(Tagged { provenance, value: Ok(output) }),
                Err(failure) => budget.run_state.resolve_failure(provenance, failure),
            };
            self.reorder.complete(sequence, packet);
        }
    }
}

impl<U: Upstream, T: Send> Upstream for WorkerSegment<U, T> {
    type Root = U::Root;
    type Provenance = U::Provenance;
    type Item = T;

    fn wake(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.upstream.wake(budget);
        self.collect_results(budget);
        if let Some(task) = self.tasks.iter_mut().find(|task| task.0.is_finished()) {
            // Stages' panics are caught; this is one of something that a stage returned, when it was dropped.
            if let Poll::Ready(Err(error)) = Pin::new(&mut task.0).poll(&mut budget.cx()) {
                self.tasks.clear();
                if let Ok(payload) = error.try_into_panic() {
                    resume_unwind(payload);
                }
            }
        }
    }

    fn pull(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> Pulled<U::Provenance, T> {
        if let Some(packet) = self.reorder.pop() {
            return Pulled::Item(packet);
        }
        while self.dispatch(budget) {}
        self.flush();
        match self.reorder.pop() {
            Some(packet) => Pulled::Item(packet),
            None if self.ended && self.dispatched.len() == 0 && self.reorder.is_empty() => Pulled::End,
            None => Pulled::Pending,
        }
    }

    fn prefetch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        while self.dispatch(budget) {}
        self.flush();
        self.upstream.prefetch(budget);
    }

    fn shut_down(&mut self, budget: &mut PollBudget<'_, '_, U::Root>, totals: &mut RunTotals) -> Poll<()> {
        let upstream = self.upstream.shut_down(budget, totals);
        self.queue.stop();
        let mut cx = budget.cx();
        self.tasks.retain_mut(|task| Pin::new(&mut task.0).poll(&mut cx).is_pending());
        if !self.tasks.is_empty() && !budget.run_state.dropped {
            return Poll::Pending;
        }
        // What nobody began was not begun.
        self.started -= self.outgoing.len() as u64 + self.queue.unstarted();
        self.outgoing.clear();
        // What came back in the meantime is done; it was not asked for any more.
        self.collect_results(budget);
        let run_state = &mut *budget.run_state;
        for (_, provenance) in self.dispatched.clear() {
            run_state.cancel_item(provenance.origin().index, totals);
        }
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
        self.queue.each_summary(|summary| {
            totals.worker_snapshots.push(summary.snapshots.clone());
            totals.observer_panics += summary.observer_panics;
        });
    }
}
