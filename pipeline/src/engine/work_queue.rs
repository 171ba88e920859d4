//! The queue between the task of a run and its workers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::item_result::ItemResult;
use super::sync::{AtomicBool, AtomicUsize, AtomicWaker, Mutex, Ordering, lock};

use crate::report::metrics::Snapshot;
use crate::run::order::Place;

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
    /// The worker tasks. The task of the run is a worker too, and not among them.
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
    pub(super) unstarted: u64,
}

impl<In, T> WorkQueue<In, T> {
    /// For this number of worker tasks.
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

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Takes a share of the queued items, at most `vacant`. The share shrinks with the queue, so that all workers finish at about
    /// the same time.
    pub(super) fn take_share(&self, local: &mut VecDeque<WorkItem<In>>, vacant: usize) {
        let mut state = lock(&self.state);
        let share = state.items.len() / (2 * (state.workers.len() + 1));
        let count = share.clamp(1, vacant).min(state.items.len());
        local.extend(state.items.drain(..count));
    }

    /// Registers the waker of a worker task. Returns true if the queue is stopped.
    pub(super) fn idle(&self, worker: usize, wants_work: bool, cx: &Context<'_>) -> bool {
        let mut state = lock(&self.state);
        if self.is_stopped() {
            return true;
        }
        if wants_work && !state.items.is_empty() {
            // They were pushed after the last `take_share`.
            cx.waker().wake_by_ref();
        }
        if let Some(idle) = state.workers.get_mut(worker) {
            *idle = IdleWorker { waker: Some(cx.waker().clone()), wants_work };
        }
        false
    }

    /// Counts the calls of a worker that sleep between two attempts. If they are more, there is room for others.
    pub(super) fn count_parked(&self, before: &mut usize, now: usize) {
        if now != *before {
            self.parked.fetch_add(now.wrapping_sub(*before), Ordering::AcqRel);
            if now > *before {
                self.wake_driver();
            }
            *before = now;
        }
    }

    /// Hands results over to the task of the run.
    pub(super) fn hand_over(&self, done: &mut Vec<(usize, ItemResult<T>)>) {
        if done.is_empty() {
            return;
        }
        let mut results = lock(&self.results);
        let was_empty = results.is_empty();
        results.append(done);
        drop(results);
        if was_empty {
            self.wake_driver();
        }
    }

    pub(super) fn add_summary(&self, summary: WorkerSummary) {
        lock(&self.summaries).push(summary);
    }

    pub(super) fn wake_driver(&self) {
        self.driver.wake();
    }
}
