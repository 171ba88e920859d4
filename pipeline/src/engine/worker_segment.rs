//! `WorkerSegment`: runs the calls of a chain of stages on several tasks, for `workers(n)`.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::Either;
use tokio::runtime::Handle;

use super::item_result::ItemResult;
use super::provenance::{Provenance, Tagged};
use super::reorder_buffer::ReorderBuffer;
use super::segment::{SegmentContext, buffer_limit, open_segment};
use super::started_calls::StartedCalls;
use super::upstream::{PollBudget, Pulled, Upstream};
use super::work_queue::{Task, WorkItem, WorkQueue, Worker};

use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::stage::contract::Stage;

/// Opens the segment of a chain whose calls run on worker tasks, or on the task of the run if there is only one worker.
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
    let settings = context.run.settings();
    let workers = settings.workers.min(settings.concurrency);
    if workers <= 1 {
        return Either::Left(open_segment(&**stages, upstream, context, last));
    }
    let config = context.output_config(last);
    let queue = Arc::new(WorkQueue::new(workers, Arc::clone(&context.driver)));
    let tasks = (0..workers).map(|index| {
        // The workers divide the slots: together they have `concurrency`.
        let slots = settings.concurrency / workers + usize::from(index < settings.concurrency % workers);
        let worker = Worker { index, slots, queue: Arc::clone(&queue), settings: settings.clone() };
        let (stages, state) = (Arc::clone(stages), Arc::clone(context.state));
        let (plan, run_id) = (context.plan.clone(), context.run.id());
        runtime().spawn(worker.work(stages, state, plan, run_id))
    });
    Either::Right(WorkerSegment {
        upstream,
        tasks: tasks.map(Task).collect(),
        queue,
        reorder: ReorderBuffer::new(config.ordered),
        limit: buffer_limit(config, settings.concurrency),
        max_dispatched: settings.concurrency.saturating_mul(2),
        dispatched: Dispatched::default(),
        outgoing: VecDeque::new(),
        incoming: Vec::new(),
        started: StartedCalls::new(context.run.is_observed()),
        upstream_ended: false,
    })
}

#[track_caller]
fn runtime() -> Handle {
    let runtime = Handle::try_current();
    let Ok(runtime) = runtime else {
        panic!("`workers` spawns tokio tasks, and there is no tokio runtime here: call it in async code")
    };
    runtime
}

/// The items that were sent to the workers, each under a ticket that is reused.
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

    fn insert(&mut self, entry: K) -> usize {
        match self.free.pop() {
            Some(ticket) => {
                self.entries[ticket] = Some(entry);
                ticket
            }
            None => {
                self.entries.push(Some(entry));
                self.entries.len() - 1
            }
        }
    }

    fn remove(&mut self, ticket: usize) -> Option<K> {
        let entry = self.entries.get_mut(ticket)?.take()?;
        self.free.push(ticket);
        Some(entry)
    }

    fn drain(&mut self) -> impl Iterator<Item = K> {
        self.free.clear();
        self.entries.drain(..).flatten()
    }
}

/// A chain of stages whose calls run on worker tasks.
struct WorkerSegment<U: Upstream, T> {
    upstream: U,
    queue: Arc<WorkQueue<U::Item, T>>,
    tasks: Vec<Task>,
    reorder: ReorderBuffer<Tagged<U::Provenance, T>>,
    /// The maximum number of dispatched items and buffered results.
    limit: usize,
    /// The maximum number of dispatched items.
    max_dispatched: usize,
    /// The sequence number and the provenance of each dispatched item.
    dispatched: Dispatched<(u64, U::Provenance)>,
    /// Items that are not yet in the queue of the workers.
    outgoing: VecDeque<WorkItem<U::Item>>,
    /// Reused to take results from the queue.
    incoming: Vec<(usize, ItemResult<T>)>,
    started: StartedCalls,
    upstream_ended: bool,
}

impl<U: Upstream, T> WorkerSegment<U, T> {
    /// Pulls an item and dispatches it. Returns false if there is no room, or no item.
    fn dispatch(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> bool {
        let full = self.dispatched.len() >= self.max_dispatched
            || self.reorder.outstanding(self.dispatched.len()) >= self.limit;
        if full || self.upstream_ended || !budget.take_call() {
            return false;
        }
        match self.upstream.pull(budget) {
            Pulled::Item(Tagged { provenance, value: Ok(input) }) => {
                let observed = self.started.next_is_observed();
                self.started.add(1);
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
                self.upstream_ended = true;
                return false;
            }
        }
        true
    }

    /// Pushes the dispatched items to the queue of the workers.
    fn flush(&mut self) {
        if !self.outgoing.is_empty() {
            self.queue.push(&mut self.outgoing);
        }
    }

    /// Takes the results of the workers.
    fn collect_results(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) {
        self.queue.take_results(&mut self.incoming);
        for (ticket, result) in self.incoming.drain(..) {
            let Some((sequence, provenance)) = self.dispatched.remove(ticket) else { continue };
            let result = match result {
                Ok(output) => Some(Tagged { provenance, value: Ok(output) }),
                Err(failure) => budget.run_state.resolve_failure(provenance, failure),
            };
            self.reorder.complete(sequence, result);
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
            // Panics in stages are caught. This one came from the destructor of a value that a stage returned.
            if let Poll::Ready(Err(error)) = Pin::new(&mut task.0).poll(&mut budget.cx()) {
                self.tasks.clear();
                if let Ok(payload) = error.try_into_panic() {
                    resume_unwind(payload);
                }
            }
        }
    }

    fn pull(&mut self, budget: &mut PollBudget<'_, '_, U::Root>) -> Pulled<U::Provenance, T> {
        if let Some(result) = self.reorder.pop() {
            return Pulled::Item(result);
        }
        while self.dispatch(budget) {}
        self.flush();
        match self.reorder.pop() {
            Some(result) => Pulled::Item(result),
            None if self.upstream_ended && self.dispatched.len() == 0 && self.reorder.is_empty() => {
                Pulled::End
            }
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
        // Items that no worker started are cancelled, and do not count as calls.
        self.started.subtract(self.outgoing.len() as u64 + self.queue.take_unstarted());
        self.outgoing.clear();
        // Calls may have finished since the last poll: their failures still count.
        self.collect_results(budget);
        let dispatched = self.dispatched.drain().map(|(_, provenance)| provenance);
        budget.run_state.cancel_segment(dispatched, &mut self.reorder, totals);
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Segment { started: self.started.count() });
        self.queue.for_each_summary(|summary| {
            totals.worker_snapshots.push(summary.snapshots.clone());
            totals.observer_panics += summary.observer_panics;
        });
    }
}
