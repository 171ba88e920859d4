//! `WorkerSegment`: runs the calls of a chain of stages on several tasks, for `workers(n)`.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::Either;
use tokio::runtime::Handle;

use super::item_result::{ItemFailure, ItemResult};
use super::provenance::Provenance;
use super::reorder_buffer::ReorderBuffer;
use super::run_item::run_item;
use super::segment::{SegmentContext, buffer_limit, max_parked, open_segment};
use super::started_calls::StartedCalls;
use super::turn::{Payload, Turn};
use super::upstream::{Downstream, Upstream};
use super::work_queue::{WorkItem, WorkQueue};
use super::worker::{Task, Worker, WorkerTask, WorkerTurn};

use crate::call::catch_panic::panic_failure;
use crate::error::stage_error::StageError;
use crate::report::accounting::{RunTotals, SegmentTotals};
use crate::report::stopped::Stopped;
use crate::run::order::Order;
use crate::run::settings::RunSettings;
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
    // The task of the run is a worker too.
    let queue = Arc::new(WorkQueue::new(workers - 1, Arc::clone(&context.driver)));
    // The workers divide the slots: together they have `concurrency`.
    let share = |n: usize, worker: usize| n / workers + usize::from(worker < n % workers);
    let max_parked = max_parked(context);
    let tasks = (0..workers - 1).map(|index| {
        let (slots, max_parked) = (share(settings.concurrency, index), share(max_parked, index));
        // The id of the run is that of all its workers.
        let settings = RunSettings { run_id: Some(context.run.id()), ..settings.clone() };
        let worker = WorkerTask { index, slots, max_parked, queue: Arc::clone(&queue), settings };
        let (stages, state) = (Arc::clone(stages), Arc::clone(context.state));
        runtime().spawn(worker.work(stages, state, context.plan.clone()))
    });
    let tasks = tasks.map(Task).collect();
    let own = Worker::new(
        share(settings.concurrency, workers - 1),
        share(max_parked, workers - 1),
        Arc::clone(&context.driver),
        context.wait_note,
    );
    let (stages, state, run): (&'a F, _, _) = (stages, context.state, context.run);
    let make_call = move |WorkItem { index, observed, place, input, .. }| {
        run_item(stages, input, state, run, index, observed, place)
    };
    let dispatcher = Dispatcher {
        can_start: move || stages.__can_start(),
        tasks,
        queue,
        results: ReorderBuffer::new(config.ordered),
        limit: buffer_limit(config, settings.concurrency),
        max_dispatched: settings.concurrency.saturating_mul(2),
        dispatched: Dispatched::default(),
        outgoing: VecDeque::new(),
        incoming: Vec::new(),
        started: StartedCalls::new(context.run.is_observed(), false),
        order: Order::new(context.plan.in_order()),
        cut: None,
    };
    Either::Right(WorkerSegment {
        upstream,
        dispatcher,
        own,
        own_turn: WorkerTurn::new(),
        make_call,
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

/// A chain of stages whose calls run on worker tasks, and on the task of the run.
struct WorkerSegment<'a, U: Upstream, M, N, C, T> {
    upstream: U,
    dispatcher: Dispatcher<U::Provenance, U::Item, N, T>,
    /// The calls on the task of the run.
    own: Worker<'a, C, U::Item, T>,
    /// Apart from the turn of the run, which paces itself by what it reads: many items in the time of one call.
    own_turn: WorkerTurn,
    /// Creates the future that runs an item.
    make_call: M,
    upstream_ended: bool,
}

/// The work of a segment that goes to its workers and comes back, apart from the segment before it.
struct Dispatcher<G, In, N, T> {
    /// Whether the first stage has capacity for another call.
    can_start: N,
    queue: Arc<WorkQueue<In, T>>,
    tasks: Vec<Task>,
    results: ReorderBuffer<(G, Result<T, StageError>)>,
    /// The maximum number of dispatched items and buffered results.
    limit: usize,
    /// The maximum number of dispatched items.
    max_dispatched: usize,
    /// The sequence number and the provenance of each dispatched item.
    dispatched: Dispatched<(u64, G)>,
    /// Items that are not yet in the queue of the workers.
    outgoing: VecDeque<WorkItem<In>>,
    /// Reused to take results from the queue.
    incoming: Vec<(usize, ItemResult<T>)>,
    started: StartedCalls,
    /// The order of the items, if the pipeline has stages with `in_order`.
    order: Option<Arc<Order>>,
    /// The item that failed, in a run that ends at the first failure in order: no more items are dispatched.
    cut: Option<u64>,
}

impl<G: Provenance, In, N, T> Dispatcher<G, In, N, T> {
    fn room(&self) -> usize {
        if self.cut.is_some() {
            return 0;
        }
        // The parked ones have given their places to others.
        let placed = self.dispatched.len().saturating_sub(self.queue.parked());
        let in_flight = if self.results.is_ordered() { 0 } else { placed };
        let buffered = self.results.len() + in_flight;
        let dispatched = self.max_dispatched.saturating_sub(placed);
        dispatched.min(self.limit.saturating_sub(buffered))
    }

    /// Pushes the dispatched items to the queue of the workers.
    fn send(&mut self) {
        if !self.outgoing.is_empty() {
            self.queue.push(&mut self.outgoing);
        }
    }

    /// Takes the results of the worker tasks.
    fn receive(&mut self, turn: &mut Turn<'_, '_, G::Root>) {
        self.queue.take_results(&mut self.incoming);
        let mut incoming = std::mem::take(&mut self.incoming);
        self.accept(turn, &mut incoming);
        self.incoming = incoming;
    }

    /// Accepts the results of a worker.
    fn accept(&mut self, turn: &mut Turn<'_, '_, G::Root>, results: &mut Vec<(usize, ItemResult<T>)>) {
        for (ticket, result) in results.drain(..) {
            let Some((sequence, provenance)) = self.dispatched.remove(ticket) else { continue };
            // The failure of a call behind the cut still counts, but its item goes no further.
            let is_cut = self.is_cut(sequence);
            let result = match result {
                Ok(output) => Some(Ok(output)),
                Err(failure) => turn.resolve_failure(&provenance, *failure),
            };
            match result {
                Some(Ok(_)) if is_cut => turn.run_state.cancel_item(&provenance),
                _ if is_cut => {}
                Some(Ok(output)) => self.results.complete(sequence, Some((provenance, Ok(output)))),
                failed => {
                    if turn.run_state.ends_in_order() {
                        self.cut_after(turn, sequence);
                    }
                    self.results.complete(sequence, failed.map(|result| (provenance, result)));
                }
            }
        }
    }

    /// Whether the run ends before the item of this sequence number.
    fn is_cut(&self, sequence: u64) -> bool {
        self.cut.is_some_and(|cut| !self.results.is_ordered() || sequence > cut)
    }

    /// The run ends with the item of this sequence number: the results behind it go no further. Their calls run on until
    /// the workers are stopped.
    #[cold]
    fn cut_after(&mut self, turn: &mut Turn<'_, '_, G::Root>, sequence: u64) {
        self.cut = Some(sequence);
        if self.results.is_ordered() {
            for (provenance, result) in self.results.truncate(sequence) {
                if result.is_ok() {
                    turn.run_state.cancel_item(&provenance);
                }
            }
        }
    }

    /// Pushes the results that are next, as long as there is room for them.
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
}

impl<G: Provenance, In, N: Fn() -> bool, T> Downstream<G, In> for Dispatcher<G, In, N, T> {
    fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// See the same of a segment without workers.
    fn can_start(&self) -> bool {
        self.has_room() && (self.dispatched.len() == 0 || (self.can_start)())
    }

    fn push(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        value: Result<In, StageError>,
    ) -> bool {
        match value {
            Ok(input) => {
                let observed = self.started.next_is_observed();
                self.started.add(1);
                let index = provenance.origin().index;
                let ticket = self.dispatched.insert((self.results.reserve(), provenance));
                let place = self.order.as_ref().map(Order::next_place);
                self.outgoing.push_back(WorkItem { ticket, index, observed, place, input });
            }
            Err(error) => {
                if turn.run_state.ends_in_order() {
                    let end = self.results.end();
                    self.cut_after(turn, end);
                }
                self.results.push((provenance, Err(error)));
            }
        }
        self.has_room()
    }
}

impl<U, M, N, C, T> WorkerSegment<'_, U, M, N, C, T>
where
    U: Upstream,
    M: Fn(WorkItem<U::Item>) -> C,
    C: Future<Output = ItemResult<T>>,
{
    /// Runs a share of the items on this task. Returns whether it did anything.
    fn work(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        let Self { dispatcher, own, own_turn, make_call, .. } = self;
        let run = turn.run_state.run;
        own_turn.begin(run);
        let mut polled_all = own.poll_woken(|| own_turn.spend(run));
        // The queue is filled again after each share.
        let mut worked = false;
        if polled_all && own.has_room() && own.has_items(&dispatcher.queue) {
            while own.has_room() && own.unstarted() > 0 {
                polled_all = own_turn.spend(run);
                if !polled_all {
                    break;
                }
                own.start_next(&*make_call);
                worked = true;
            }
        }
        if !polled_all {
            turn.stop();
        }
        own.count_parked(&dispatcher.queue);
        worked |= !own.done.is_empty();
        dispatcher.accept(turn, &mut own.done);
        worked
    }
}

impl<U, M, N, C, T> Upstream for WorkerSegment<'_, U, M, N, C, T>
where
    U: Upstream,
    M: Fn(WorkItem<U::Item>) -> C + Send,
    N: Fn() -> bool + Send,
    C: Future<Output = ItemResult<T>> + Send,
    T: Send,
{
    type Root = U::Root;
    type Provenance = U::Provenance;
    type Item = T;

    fn advance<D>(&mut self, turn: &mut Turn<'_, '_, U::Root>, downstream: &mut D) -> bool
    where
        D: Downstream<U::Provenance, T>,
    {
        let dispatcher = &mut self.dispatcher;
        dispatcher.receive(turn);
        if let Some(task) = dispatcher.tasks.iter_mut().find(|task| task.0.is_finished())
            && let Poll::Ready(Err(error)) = Pin::new(&mut task.0).poll(&mut turn.cx())
        {
            dispatcher.tasks.clear();
            match error.try_into_panic() {
                // Panics in stages are caught. This one came from the destructor of a value that a stage returned.
                Ok(payload) => resume_unwind(payload),
                Err(_) => {
                    turn.abort_with(Stopped::RuntimeShutDown, StageError::runtime_shut_down("workers"));
                }
            }
            return false;
        }
        loop {
            let Self { upstream, dispatcher, upstream_ended, .. } = self;
            dispatcher.flush(turn, downstream);
            if dispatcher.cut.is_some() && !*upstream_ended {
                let _ = upstream.shut_down(turn);
                *upstream_ended = true;
            }
            if !*upstream_ended {
                *upstream_ended = upstream.advance(turn, dispatcher);
                dispatcher.flush(turn, downstream);
            }
            dispatcher.send();
            if turn.exhausted || !self.work(turn) {
                break;
            }
            self.dispatcher.receive(turn);
        }
        let dispatcher = &mut self.dispatcher;
        dispatcher.flush(turn, downstream);
        self.upstream_ended && dispatcher.dispatched.len() == 0 && dispatcher.results.is_empty()
    }

    fn on_panic(&mut self, turn: &mut Turn<'_, '_, U::Root>, payload: Payload) -> Option<Payload> {
        let Some(ticket) = self.own.take_panicked() else {
            return self.upstream.on_panic(turn, payload);
        };
        let error = panic_failure(turn.run_state.run, payload);
        self.dispatcher.accept(turn, &mut vec![(ticket, Err(ItemFailure::Failed(error).into()))]);
        None
    }

    fn shut_down(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Poll<()> {
        let upstream = self.upstream.shut_down(turn);
        let dispatcher = &mut self.dispatcher;
        dispatcher.queue.stop();
        let mut cx = turn.cx();
        dispatcher.tasks.retain_mut(|task| Pin::new(&mut task.0).poll(&mut cx).is_pending());
        if !dispatcher.tasks.is_empty() && !turn.run_state.dropped {
            return Poll::Pending;
        }
        // Items that no worker started are cancelled, and do not count as calls.
        let own = &mut self.own;
        let unstarted =
            dispatcher.outgoing.len() as u64 + dispatcher.queue.take_unstarted() + own.unstarted();
        own.stop(&dispatcher.queue);
        dispatcher.started.subtract(unstarted);
        dispatcher.outgoing.clear();
        // Calls may have finished since the last poll: their failures still count.
        dispatcher.receive(turn);
        let dispatched = dispatcher.dispatched.drain().map(|(_, provenance)| provenance);
        turn.run_state.cancel_segment(dispatched, &mut dispatcher.results);
        upstream
    }

    fn add_totals(&self, totals: &mut RunTotals) {
        self.upstream.add_totals(totals);
        totals.segments.push(SegmentTotals::Segment { started: self.dispatcher.started.count() });
        self.dispatcher.queue.for_each_summary(|summary| {
            totals.worker_snapshots.push(summary.snapshots.clone());
            totals.observer_panics += summary.observer_panics;
        });
    }
}
