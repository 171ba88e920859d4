//! Where the tasks of a run fetch their work, and leave what came of it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tokio::task::JoinHandle;

use super::in_flight::InFlight;
use super::item_result::ItemResult;
use super::run_item::run_item;

use crate::report::metrics::Snapshot;
use crate::report::run_id::RunId;
use crate::run::settings::RunSettings;
use crate::run::shared::{Run, RunCounters};
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// What is to be done with an item.
pub(super) struct WorkItem<In> {
    pub(super) ticket: usize,
    pub(super) index: usize,
    pub(super) observed: bool,
    pub(super) input: In,
}

/// Where jobs and results change hands.
pub(super) struct WorkQueue<In, T> {
    state: Mutex<QueueState<In>>,
    /// No more jobs will come, and what is under way is to be given up. (It is set under the lock of the jobs.)
    over: AtomicBool,
    results: Mutex<Vec<(usize, ItemResult<T>)>>,
    /// Who wants the results.
    driver: Arc<AtomicWaker>,
    summaries: Mutex<Vec<WorkerSummary>>,
}

pub(super) struct QueueState<In> {
    waiting: VecDeque<WorkItem<In>>,
    workers: Vec<ParkedWorker>,
}

/// A worker between two turns.
#[derive(Clone, Default)]
struct ParkedWorker {
    waker: Option<Waker>,
    /// It has room for more.
    wants_work: bool,
}

/// What a worker leaves behind.
pub(super) struct WorkerSummary {
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) observer_panics: u64,
    /// Shared_ that it had fetched and not begun.
    pub(super) unstarted: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<In, T> WorkQueue<In, T> {
    pub(super) fn new(workers: usize, driver: Arc<AtomicWaker>) -> Self {
        let state = QueueState { waiting: VecDeque::new(), workers: vec![ParkedWorker::default(); workers] };
        Self {
            state: Mutex::new(state),
            over: AtomicBool::new(false),
            results: Mutex::default(),
            driver,
            summaries: Mutex::default(),
        }
    }

    /// Brings jobs, and wakes as many workers as there is work for.
    pub(super) fn push(&self, jobs: &mut VecDeque<WorkItem<In>>) {
        let mut state = lock(&self.state);
        state.waiting.append(jobs);
        let wanted = state.waiting.len();
        let wants_work = state.workers.iter_mut().filter(|worker| worker.wants_work).take(wanted);
        let wakers: Vec<_> = wants_work.filter_map(|worker| std::mem::take(worker).waker).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells the workers to give up.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.state);
        self.over.store(true, Ordering::Release);
        let wakers: Vec<_> = state.workers.iter_mut().filter_map(|worker| worker.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Takes the results that are there.
    pub(super) fn take_results(&self, into: &mut Vec<(usize, ItemResult<T>)>) {
        std::mem::swap(&mut *lock(&self.results), into);
    }

    /// Takes back the jobs that nobody began, now that all workers have stopped, and says how many these were.
    pub(super) fn unstarted(&self) -> u64 {
        let waiting = std::mem::take(&mut lock(&self.state).waiting).len() as u64;
        let fetched = lock(&self.summaries)
            .iter_mut()
            .map(|summary| std::mem::take(&mut summary.unstarted))
            .sum::<u64>();
        waiting + fetched
    }

    /// Shows what each worker left behind.
    pub(super) fn each_summary(&self, show: impl FnMut(&WorkerSummary)) {
        lock(&self.summaries).iter().for_each(show);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// A task that is dropped with whoever started it.
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One of the tasks.
pub(super) struct Worker<In, T> {
    pub(super) index: usize,
    pub(super) slots: usize,
    pub(super) queue: Arc<WorkQueue<In, T>>,
    pub(super) run: RunSettings,
}

impl<In, T> Drop for Worker<In, T> {
    /// Whoever waits for its results is to see that there will be no more.
    fn drop(&mut self) {
        self.queue.driver.wake();
    }
}

/// As many calls a worker polls before others get their turn.
const POLLS_PER_TURN: i32 = 64;

/// Results are handed over at least this often, while there are some.
const HAND_OVER_INTERVAL: Duration = Duration::from_micros(50);

impl<In: Send, T: Send> Worker<In, T> {
    pub(super) async fn work<F, S>(self, stages: Arc<F>, state: Arc<S>, plan: Plan, id: RunId)
    where
        S: Send + Sync,
        F: Stage<In, S, Out = T>,
    {
        let counters = RunCounters::new(&plan);
        let run = Run::counted(&self.run, &counters, Some(id));
        let driver = Arc::new(AtomicWaker::new());
        let mut in_flight = InFlight::new(self.slots, Arc::clone(&driver));
        let mut local = VecDeque::new();
        let mut done = Vec::new();
        poll_fn(|cx| {
            driver.register(cx.waker());
            run.tick_clock();
            let mut polls_left = POLLS_PER_TURN;
            let mut may_poll = |budget: bool| {
                polls_left -= i32::from(polls_left > 0);
                budget && polls_left > 0
            };
            in_flight.poll_ready(&mut may_poll, |ticket, result| done.push((ticket, result)));
            let mut handed = Instant::now();
            while in_flight.has_room() && may_poll(true) && !self.queue.is_over() {
                if !done.is_empty() && handed.elapsed() > HAND_OVER_INTERVAL {
                    self.hand_over(&mut done);
                    handed = Instant::now();
                }
                if local.is_empty() {
                    self.take_share(&mut local, in_flight.vacant());
                }
                let Some(WorkItem { ticket, index, observed, input }) = local.pop_front() else { break };
                match in_flight.start(|| run_item(&*stages, input, &state, &run, index, observed)) {
                    Ok(result) => done.push((ticket, result)),
                    Err(slot) => in_flight.attach(slot, ticket),
                }
            }
            self.hand_over(&mut done);
            if self.park(in_flight.has_room() && local.is_empty(), cx) {
                return Poll::Ready(());
            }
            if polls_left <= 1 || in_flight.has_deferred() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        in_flight.clear(drop);
        lock(&self.queue.summaries).push(WorkerSummary {
            snapshots: counters.metrics().iter().map(Snapshot::of).collect(),
            observer_panics: counters.observer_panics(),
            unstarted: local.len() as u64,
        });
    }

    /// Fetches jobs, fewer as fewer are left, so that all workers end together.
    fn take_share(&self, local: &mut VecDeque<WorkItem<In>>, vacant: usize) {
        let mut state = lock(&self.queue.state);
        let share = state.waiting.len() / (2 * state.workers.len());
        let count = share.clamp(1, vacant).min(state.waiting.len());
        local.extend(state.waiting.drain(..count));
    }

    /// Leaves word where to wake it; and says whether there is nothing to sleep for.
    fn park(&self, wants_work: bool, cx: &Context<'_>) -> bool {
        let mut state = lock(&self.queue.state);
        if self.queue.is_over() {
            return true;
        }
        if wants_work && !state.waiting.is_empty() {
            // They came just now.
            cx.waker().wake_by_ref();
        }
        if let Some(parked) = state.workers.get_mut(self.index) {
            *parked = ParkedWorker { waker: Some(cx.waker().clone()), wants_work };
        }
        false
    }

    fn hand_over(&self, done: &mut Vec<(usize, ItemResult<T>)>) {
        if done.is_empty() {
            return;
        }
        let mut results = lock(&self.queue.results);
        let first = results.is_empty();
        results.append(done);
        drop(results);
        if first {
            self.queue.driver.wake();
        }
    }
}
