//! `Worker`: runs items from the queue of a segment. The task of the run is one, and each worker task is.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, coop};

use super::in_flight::{Finished, InFlight};
use super::item_result::ItemResult;
use super::pace::{Pace, TurnClock, turn_limit};
use super::run_item::run_item;
use super::sync::AtomicWaker;
use super::turn::yield_to_others;
use super::work_queue::{WorkItem, WorkQueue, WorkerSummary};

use crate::report::metrics::Snapshot;
use crate::run::settings::RunSettings;
use crate::run::shared::{Run, RunCounters};
use crate::run::wait_note::WaitNote;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// The calls of a worker, and the items that it has taken from the queue.
pub(super) struct Worker<'a, C, In, T> {
    in_flight: InFlight<'a, C, usize>,
    /// Items that are not started.
    local: VecDeque<WorkItem<In>>,
    /// Results that are not handed over.
    pub(super) done: Vec<(usize, ItemResult<T>)>,
    /// The number of calls that sleep between two attempts, as last counted in the queue.
    parked: usize,
}

impl<'a, C, In, T> Worker<'a, C, In, T>
where
    C: Future<Output = ItemResult<T>>,
{
    pub(super) fn new(
        slots: usize,
        max_parked: usize,
        driver: Arc<AtomicWaker>,
        wait_note: &'a WaitNote,
    ) -> Self {
        Self {
            in_flight: InFlight::new(slots, max_parked, driver, wait_note),
            local: VecDeque::new(),
            done: Vec::new(),
            parked: 0,
        }
    }

    /// Polls the calls that were woken. Returns false if `may_poll` ended it before all were polled.
    pub(super) fn poll_woken(&mut self, mut may_poll: impl FnMut() -> bool) -> bool {
        self.in_flight.begin_round();
        while self.in_flight.has_woken() {
            if !may_poll() {
                return false;
            }
            let slot = self.in_flight.take_woken();
            if let Some(Finished { tag: ticket, output, .. }) = self.in_flight.poll(slot) {
                self.done.push((ticket, output));
            }
        }
        while self.in_flight.room() > 0 && self.in_flight.has_returning() {
            if !may_poll() {
                return false;
            }
            if let Some(Finished { tag: ticket, output, .. }) = self.in_flight.poll_returning() {
                self.done.push((ticket, output));
            }
        }
        true
    }

    /// Whether another call can be started.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight.room() > 0 && !self.in_flight.has_returning()
    }

    /// Takes items from the queue if there are none left here. Returns whether there are any.
    pub(super) fn has_items(&mut self, queue: &WorkQueue<In, T>) -> bool {
        if self.local.is_empty() {
            queue.take_share(&mut self.local, self.in_flight.room());
        }
        !self.local.is_empty()
    }

    /// Starts the call of the next item.
    pub(super) fn start_next(&mut self, make_call: impl FnOnce(WorkItem<In>) -> C) {
        if let Some(item) = self.local.pop_front() {
            let ticket = item.ticket;
            self.done.extend(self.in_flight.start(ticket, |_| make_call(item), || 0));
        }
    }

    /// The number of items that were taken from the queue and not started.
    pub(super) fn unstarted(&self) -> u64 {
        self.local.len() as u64
    }

    /// Tells the queue how many calls sleep.
    pub(super) fn count_parked(&mut self, queue: &WorkQueue<In, T>) {
        queue.count_parked(&mut self.parked, self.in_flight.parked());
    }

    /// The call that panicked, if one of these did. Drops it.
    pub(super) fn take_panicked(&mut self) -> Option<usize> {
        self.in_flight.take_panicked().map(|(ticket, _)| ticket)
    }

    /// Drops all calls, and the items that were not started.
    pub(super) fn stop(&mut self, queue: &WorkQueue<In, T>) {
        self.in_flight.drain().for_each(drop);
        self.local.clear();
        self.count_parked(queue);
    }
}

/// A task that is aborted when its handle is dropped.
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A worker that is a task of its own.
pub(super) struct WorkerTask<In, T> {
    pub(super) index: usize,
    pub(super) slots: usize,
    pub(super) max_parked: usize,
    pub(super) queue: Arc<WorkQueue<In, T>>,
    pub(super) settings: RunSettings,
}

impl<In, T> Drop for WorkerTask<In, T> {
    /// Wakes the task of the run, so that it notices that the worker has stopped.
    fn drop(&mut self) {
        self.queue.wake_driver();
    }
}

impl<In: Send, T: Send> WorkerTask<In, T> {
    /// Runs items from the queue until the queue is stopped.
    pub(super) async fn work<F, S>(self, stages: Arc<F>, state: Arc<S>, plan: Plan)
    where
        S: Send + Sync,
        F: Stage<In, S, Out = T>,
    {
        let counters = RunCounters::new(plan.steps().len());
        let run = Run::counted(&self.settings, &counters);
        let driver = Arc::new(AtomicWaker::new());
        let (slots, max_parked) = (self.slots, self.max_parked);
        let mut worker = Worker::new(slots, max_parked, Arc::clone(&driver), &counters.wait_note);
        let make_call = |WorkItem { index, observed, place, input, .. }| {
            run_item(&*stages, input, &state, &run, index, observed, place)
        };
        let mut turn = WorkerTurn::new();
        poll_fn(|cx| {
            driver.register(cx.waker());
            self.poll(&mut worker, make_call, &mut turn, &run, &driver, cx)
        })
        .await;
        let unstarted = worker.unstarted();
        worker.stop(&self.queue);
        self.queue.add_summary(WorkerSummary {
            snapshots: counters.metrics().iter().map(Snapshot::of).collect(),
            observer_panics: counters.observer_panics(),
            unstarted,
        });
    }

    /// Takes a turn. Ready if the queue is stopped.
    fn poll<C>(
        &self,
        worker: &mut Worker<'_, C, In, T>,
        make_call: impl Fn(WorkItem<In>) -> C,
        turn: &mut WorkerTurn,
        run: &Run<'_>,
        driver: &AtomicWaker,
        cx: &mut Context<'_>,
    ) -> Poll<()>
    where
        C: Future<Output = ItemResult<T>>,
    {
        let queue = &*self.queue;
        turn.begin(run);
        let mut polled_all = worker.poll_woken(|| turn.spend(run));
        while polled_all && worker.has_room() && worker.has_items(queue) && !queue.is_stopped() {
            if !turn.spend(run) {
                polled_all = false;
                break;
            }
            worker.start_next(&make_call);
            if turn.is_due_to_hand_over() {
                queue.hand_over(&mut worker.done);
            }
        }
        queue.hand_over(&mut worker.done);
        worker.count_parked(queue);
        // If the turn is over, the worker is polled again anyway, and must not be woken before.
        let wants_work = polled_all && worker.has_room() && worker.unstarted() == 0;
        if queue.idle(self.index, wants_work, cx) {
            return Poll::Ready(());
        }
        if !polled_all {
            yield_to_others(cx, driver);
        }
        Poll::Pending
    }
}

/// The interval after which a worker hands over its results within a turn.
const HAND_OVER_INTERVAL: Duration = Duration::from_micros(50);

/// The clock is read at least once per this number of calls.
const MAX_CALLS_PER_READ: u32 = 64;

/// A turn of a worker: how much it may still do.
pub(super) struct WorkerTurn {
    limit: Duration,
    pace: Pace,
    calls_left: u32,
    clock: TurnClock,
    handed_over: Instant,
}

impl WorkerTurn {
    pub(super) fn new() -> Self {
        // Nothing else creates one than runs with workers.
        let limit = turn_limit(usize::MAX);
        let clock = TurnClock::start(limit);
        Self {
            limit,
            pace: Pace::new(MAX_CALLS_PER_READ),
            calls_left: 0,
            clock,
            handed_over: clock.last_read(),
        }
    }

    pub(super) fn begin(&mut self, run: &Run<'_>) {
        run.tick_clock();
        self.clock = TurnClock::start(self.limit);
        self.handed_over = self.clock.last_read();
        self.calls_left = self.pace.calls_per_read();
    }

    /// Whether one more call may be polled.
    #[inline]
    pub(super) fn spend(&mut self, run: &Run<'_>) -> bool {
        if self.calls_left == 0 && !self.read_clock(run) {
            return false;
        }
        self.calls_left -= 1;
        true
    }

    /// Reads the clock, and adapts how often it is read. Returns whether the turn goes on.
    #[cold]
    #[inline(never)]
    fn read_clock(&mut self, run: &Run<'_>) -> bool {
        run.tick_clock();
        self.pace.adapt(self.clock.read());
        self.calls_left = self.pace.calls_per_read();
        !self.clock.is_over() && coop::has_budget_remaining()
    }

    /// Whether results should be handed over. Then the interval begins anew.
    fn is_due_to_hand_over(&mut self) -> bool {
        let due = self.clock.last_read() - self.handed_over > HAND_OVER_INTERVAL;
        if due {
            self.handed_over = self.clock.last_read();
        }
        due
    }
}
