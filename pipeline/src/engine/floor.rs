//! Where the tasks of a run fetch their work, and leave what came of it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tokio::task::JoinHandle;

use super::lanes::Lanes;
use super::one::{Way, way};
use crate::Stage;
use crate::meter::Reading;
use crate::plan::Plan;
use crate::run::{Counts, Run, RunId};
use crate::settings::Shared;

/// What is to be done with an item.
pub(super) struct Job<In> {
    pub(super) number: usize,
    pub(super) index: usize,
    pub(super) watched: bool,
    pub(super) input: In,
}

/// Where jobs and results change hands.
pub(super) struct Floor<In, T> {
    jobs: Mutex<Jobs<In>>,
    /// No more jobs will come, and what is under way is to be given up. (It is set under the lock of the jobs.)
    over: AtomicBool,
    results: Mutex<Vec<(usize, Way<T>)>>,
    /// Who wants the results.
    driver: Arc<AtomicWaker>,
    left: Mutex<Vec<Left>>,
}

pub(super) struct Jobs<In> {
    waiting: VecDeque<Job<In>>,
    workers: Vec<Sleeper>,
}

/// A worker between two turns.
#[derive(Clone, Default)]
struct Sleeper {
    waker: Option<Waker>,
    /// It has room for more.
    hungry: bool,
}

/// What a worker leaves behind.
pub(super) struct Left {
    pub(super) readings: Vec<Reading>,
    pub(super) observer_panics: u64,
    /// Jobs that it had fetched and not begun.
    pub(super) unbegun: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<In, T> Floor<In, T> {
    pub(super) fn new(workers: usize, driver: Arc<AtomicWaker>) -> Self {
        let jobs = Jobs { waiting: VecDeque::new(), workers: vec![Sleeper::default(); workers] };
        Self {
            jobs: Mutex::new(jobs),
            over: AtomicBool::new(false),
            results: Mutex::default(),
            driver,
            left: Mutex::default(),
        }
    }

    /// Brings jobs, and wakes as many workers as there is work for.
    pub(super) fn bring(&self, jobs: &mut VecDeque<Job<In>>) {
        let mut floor = lock(&self.jobs);
        floor.waiting.append(jobs);
        let wanted = floor.waiting.len();
        let hungry = floor.workers.iter_mut().filter(|worker| worker.hungry).take(wanted);
        let wakers: Vec<_> = hungry.filter_map(|worker| std::mem::take(worker).waker).collect();
        drop(floor);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Tells the workers to give up.
    pub(super) fn stop(&self) {
        let mut floor = lock(&self.jobs);
        self.over.store(true, Ordering::Release);
        let wakers: Vec<_> = floor.workers.iter_mut().filter_map(|worker| worker.waker.take()).collect();
        drop(floor);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Takes the results that are there.
    pub(super) fn take_results(&self, into: &mut Vec<(usize, Way<T>)>) {
        std::mem::swap(&mut *lock(&self.results), into);
    }

    /// Takes back the jobs that nobody began, now that all workers have stopped, and says how many these were.
    pub(super) fn unbegun(&self) -> u64 {
        let waiting = std::mem::take(&mut lock(&self.jobs).waiting).len() as u64;
        let fetched = lock(&self.left).iter_mut().map(|left| std::mem::take(&mut left.unbegun)).sum::<u64>();
        waiting + fetched
    }

    /// Shows what each worker left behind.
    pub(super) fn each_left(&self, show: impl FnMut(&Left)) {
        lock(&self.left).iter().for_each(show);
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
    pub(super) lanes: usize,
    pub(super) floor: Arc<Floor<In, T>>,
    pub(super) shared: Shared,
}

impl<In, T> Drop for Worker<In, T> {
    /// Whoever waits for its results is to see that there will be no more.
    fn drop(&mut self) {
        self.floor.driver.wake();
    }
}

/// As many calls a worker polls before others get their turn.
const TURN: i32 = 64;
/// Results are handed over at least this often, while there are some.
const HAND_OVER: Duration = Duration::from_micros(50);

impl<In: Send, T: Send> Worker<In, T> {
    pub(super) async fn work<F, S>(self, stages: Arc<F>, state: Arc<S>, plan: Plan, id: RunId)
    where
        S: Send + Sync,
        F: Stage<In, S, Out = T>,
    {
        let counts = Counts::new(&plan);
        let run = Run::counted(&self.shared, &counts, Some(id));
        let driver = Arc::new(AtomicWaker::new());
        let mut lanes = Lanes::new(self.lanes, Arc::clone(&driver));
        let mut mine = VecDeque::new();
        let mut done = Vec::new();
        poll_fn(|cx| {
            driver.register(cx.waker());
            run.look();
            let mut left = TURN;
            let mut may = |budget: bool| {
                left -= i32::from(left > 0);
                budget && left > 0
            };
            lanes.wake(&mut may, |number, way| done.push((number, way)));
            let mut handed = Instant::now();
            while lanes.has_room() && may(true) && !self.floor.is_over() {
                if !done.is_empty() && handed.elapsed() > HAND_OVER {
                    self.hand_over(&mut done);
                    handed = Instant::now();
                }
                if mine.is_empty() {
                    self.fetch(&mut mine, lanes.room());
                }
                let Some(Job { number, index, watched, input }) = mine.pop_front() else { break };
                match lanes.begin(|| way(&*stages, input, &state, &run, index, watched)) {
                    Ok(way) => done.push((number, way)),
                    Err(lane) => lanes.keep(lane, number),
                }
            }
            self.hand_over(&mut done);
            if self.sleep(lanes.has_room() && mine.is_empty(), cx) {
                return Poll::Ready(());
            }
            if left <= 1 || lanes.is_behind() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        lanes.clear(drop);
        lock(&self.floor.left).push(Left {
            readings: counts.meters().iter().map(Reading::of).collect(),
            observer_panics: counts.observer_panics(),
            unbegun: mine.len() as u64,
        });
    }

    /// Fetches jobs, fewer as fewer are left, so that all workers end together.
    fn fetch(&self, mine: &mut VecDeque<Job<In>>, room: usize) {
        let mut jobs = lock(&self.floor.jobs);
        let share = jobs.waiting.len() / (2 * jobs.workers.len());
        let count = share.clamp(1, room).min(jobs.waiting.len());
        mine.extend(jobs.waiting.drain(..count));
    }

    /// Leaves word where to wake it; and says whether there is nothing to sleep for.
    fn sleep(&self, hungry: bool, cx: &Context<'_>) -> bool {
        let mut jobs = lock(&self.floor.jobs);
        if self.floor.is_over() {
            return true;
        }
        if hungry && !jobs.waiting.is_empty() {
            // They came just now.
            cx.waker().wake_by_ref();
        }
        if let Some(sleeper) = jobs.workers.get_mut(self.index) {
            *sleeper = Sleeper { waker: Some(cx.waker().clone()), hungry };
        }
        false
    }

    fn hand_over(&self, done: &mut Vec<(usize, Way<T>)>) {
        if done.is_empty() {
            return;
        }
        let mut results = lock(&self.floor.results);
        let first = results.is_empty();
        results.append(done);
        drop(results);
        if first {
            self.floor.driver.wake();
        }
    }
}
