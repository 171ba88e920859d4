//! The worker tasks of a segment, and the queue between them and the task of the run.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tokio::task::{JoinHandle, coop};

use super::in_flight::{Finished, InFlight};
use super::item_result::ItemResult;
use super::run_item::run_item;

use crate::report::metrics::Snapshot;
use crate::report::run_id::RunId;
use crate::run::lock::lock;
use crate::run::order::Place;
use crate::run::settings::RunSettings;
use crate::run::shared::{Run, RunCounters};
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// An item for a worker.
pub(super) struct WorkItem<In> {
    pub(super) ticket: usize,
    pub(super) index: usize,
    pub(super) observed: bool,
    pub(super) place: Option<Place>,
    pub(super) input: In,
}

/// The queue from the task of the run to its workers, and their results.
pub(super) struct WorkQueue<In, T> {
    state: Mutex<QueueState<In>>,
    /// The workers must drop their calls and stop. Set under the lock of `state`.
    stopped: AtomicBool,
    /// The results that the task of the run has not taken yet, with their tickets.
    results: Mutex<Vec<(usize, ItemResult<T>)>>,
    /// The number of calls that sleep between two attempts and have given their place to others.
    parked: AtomicUsize,
    /// Wakes the task of the run.
    driver: Arc<AtomicWaker>,
    summaries: Mutex<Vec<WorkerSummary>>,
}

struct QueueState<In> {
    items: VecDeque<WorkItem<In>>,
    workers: Vec<IdleWorker>,
}

/// A worker between two polls.
#[derive(Clone, Default)]
struct IdleWorker {
    waker: Option<Waker>,
    /// Whether it has free slots.
    wants_work: bool,
}

/// The counters of a worker that has stopped.
pub(super) struct WorkerSummary {
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) observer_panics: u64,
    /// The items that it took from the queue and did not start.
    unstarted: u64,
}

impl<In, T> WorkQueue<In, T> {
    pub(super) fn new(workers: usize, driver: Arc<AtomicWaker>) -> Self {
        let state = QueueState { items: VecDeque::new(), workers: vec![IdleWorker::default(); workers] };
        Self {
            state: Mutex::new(state),
            stopped: AtomicBool::new(false),
            results: Mutex::default(),
            parked: AtomicUsize::new(0),
            driver,
            summaries: Mutex::default(),
        }
    }

    /// Appends items, and wakes as many idle workers as there are queued items.
    pub(super) fn push(&self, items: &mut VecDeque<WorkItem<In>>) {
        let mut state = lock(&self.state);
        state.items.append(items);
        let queued = state.items.len();
        let idle = state.workers.iter_mut().filter(|worker| worker.wants_work).take(queued);
        let wakers: Vec<_> = idle.filter_map(|worker| std::mem::take(worker).waker).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells the workers to drop their calls and stop.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.state);
        self.stopped.store(true, Ordering::Release);
        let wakers: Vec<_> = state.workers.iter_mut().filter_map(|worker| worker.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Swaps the available results with `buffer`, which must be empty.
    pub(super) fn take_results(&self, buffer: &mut Vec<(usize, ItemResult<T>)>) {
        std::mem::swap(&mut *lock(&self.results), buffer);
    }

    /// Removes the items that no worker started, and returns their number. Called after all workers have stopped.
    pub(super) fn take_unstarted(&self) -> u64 {
        let queued = std::mem::take(&mut lock(&self.state).items).len() as u64;
        let taken = lock(&self.summaries)
            .iter_mut()
            .map(|summary| std::mem::take(&mut summary.unstarted))
            .sum::<u64>();
        queued + taken
    }

    /// Calls `visit` on the summary of each worker that has stopped.
    pub(super) fn for_each_summary(&self, visit: impl FnMut(&WorkerSummary)) {
        lock(&self.summaries).iter().for_each(visit);
    }

    /// The number of calls that sleep between two attempts and have no place.
    pub(super) fn parked(&self) -> usize {
        self.parked.load(Ordering::Acquire)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// A task that is aborted when its handle is dropped.
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One worker task.
pub(super) struct Worker<In, T> {
    pub(super) index: usize,
    pub(super) slots: usize,
    pub(super) max_parked: usize,
    pub(super) queue: Arc<WorkQueue<In, T>>,
    pub(super) settings: RunSettings,
}

impl<In, T> Drop for Worker<In, T> {
    /// Wakes the task of the run, so that it notices that the worker has stopped.
    fn drop(&mut self) {
        self.queue.driver.wake();
    }
}

/// The maximum number of calls in one poll of a worker. After that it yields to other tasks.
const CALLS_PER_POLL: i32 = 64;

/// The interval after which a worker hands over its results within a poll.
const HAND_OVER_INTERVAL: Duration = Duration::from_micros(50);

impl<In: Send, T: Send> Worker<In, T> {
    /// Runs items from the queue until the queue is stopped.
    pub(super) async fn work<F, S>(self, stages: Arc<F>, state: Arc<S>, plan: Plan, id: RunId)
    where
        S: Send + Sync,
        F: Stage<In, S, Out = T>,
    {
        let counters = RunCounters::new(plan.steps().len());
        let run = Run::counted(&self.settings, &counters, Some(id));
        let driver = Arc::new(AtomicWaker::new());
        let mut in_flight =
            InFlight::new(self.slots, self.max_parked, Arc::clone(&driver), &counters.wait_note);
        let mut parked = 0;
        let mut local = VecDeque::new();
        let mut done = Vec::new();
        poll_fn(|cx| {
            driver.register(cx.waker());
            run.tick_clock();
            let mut calls_left = CALLS_PER_POLL;
            let mut may_poll = || {
                calls_left -= i32::from(calls_left > 0);
                calls_left > 0 && (calls_left % 8 != 0 || coop::has_budget_remaining())
            };
            in_flight.begin_round();
            let mut polled_all = true;
            while in_flight.has_woken() {
                if !may_poll() {
                    polled_all = false;
                    break;
                }
                let slot = in_flight.take_woken();
                if let Some(Finished { tag: ticket, output, .. }) = in_flight.poll(slot) {
                    done.push((ticket, output));
                }
            }
            while in_flight.room() > 0 && in_flight.has_returning() && may_poll() {
                if let Some(Finished { tag: ticket, output, .. }) = in_flight.poll_returning() {
                    done.push((ticket, output));
                }
            }
            let mut handed_over = Instant::now();
            while in_flight.room() > 0 && !in_flight.has_returning() && may_poll() && !self.queue.is_stopped()
            {
                if !done.is_empty() && handed_over.elapsed() > HAND_OVER_INTERVAL {
                    self.hand_over(&mut done);
                    handed_over = Instant::now();
                }
                if local.is_empty() {
                    self.take_share(&mut local, in_flight.room());
                }
                let Some(WorkItem { ticket, index, observed, place, input }) = local.pop_front() else {
                    break;
                };
                let make_call = |_: &usize| run_item(&*stages, input, &state, &run, index, observed, place);
                done.extend(in_flight.start(ticket, make_call, || 0));
            }
            self.hand_over(&mut done);
            self.count_parked(&mut parked, in_flight.parked());
            if self.idle(in_flight.room() > 0 && local.is_empty(), cx) {
                return Poll::Ready(());
            }
            if calls_left <= 1 || !polled_all {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        in_flight.drain().for_each(drop);
        self.count_parked(&mut parked, 0);
        lock(&self.queue.summaries).push(WorkerSummary {
            snapshots: counters.metrics().iter().map(Snapshot::of).collect(),
            observer_panics: counters.observer_panics(),
            unstarted: local.len() as u64,
        });
    }

    /// Takes a share of the queued items. The share shrinks with the queue, so that all workers finish at about the same time.
    fn take_share(&self, local: &mut VecDeque<WorkItem<In>>, vacant: usize) {
        let mut state = lock(&self.queue.state);
        let share = state.items.len() / (2 * state.workers.len());
        let count = share.clamp(1, vacant).min(state.items.len());
        local.extend(state.items.drain(..count));
    }

    /// Registers the waker of the worker. Returns true if the queue is stopped.
    fn idle(&self, wants_work: bool, cx: &Context<'_>) -> bool {
        let mut state = lock(&self.queue.state);
        if self.queue.is_stopped() {
            return true;
        }
        if wants_work && !state.items.is_empty() {
            // They were pushed after the last `take_share`.
            cx.waker().wake_by_ref();
        }
        if let Some(idle) = state.workers.get_mut(self.index) {
            *idle = IdleWorker { waker: Some(cx.waker().clone()), wants_work };
        }
        false
    }

    /// Counts the calls of this worker that sleep between two attempts. If they are more, there is room for others.
    fn count_parked(&self, before: &mut usize, now: usize) {
        if now != *before {
            self.queue.parked.fetch_add(now.wrapping_sub(*before), Ordering::AcqRel);
            if now > *before {
                self.queue.driver.wake();
            }
            *before = now;
        }
    }

    /// Moves the results to the queue.
    fn hand_over(&self, done: &mut Vec<(usize, ItemResult<T>)>) {
        if done.is_empty() {
            return;
        }
        let mut results = lock(&self.queue.results);
        let was_empty = results.is_empty();
        results.append(done);
        drop(results);
        if was_empty {
            self.queue.driver.wake();
        }
    }
}
