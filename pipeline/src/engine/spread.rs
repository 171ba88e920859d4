//! Lanes spread over several tasks: `workers(n)`.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::Either;
use futures_util::task::AtomicWaker;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::lanes::Lanes;
use super::one::{Way, way};
use super::segment::{Deck, room};
use super::tag::Tag;
use super::upstream::{Account, Packet, Part, Take, Turn, Upstream};
use super::window::Window;
use crate::meter::Reading;
use crate::plan::Plan;
use crate::run::{Counts, Run, RunId};
use crate::settings::Shared;
use crate::watch::SAMPLED;
use crate::{Accepts, Scope, Stage, StageError};

/// Stages whose calls are spread over several tokio tasks, when many items go through them:
/// [`Pipeline::workers`](crate::Pipeline::workers).
pub struct Spread<F>(pub(crate) Arc<F>);

impl<In, F: Accepts<In>> Accepts<In> for Spread<F> {
    type Out = F::Out;
}

impl<In, S, F> Stage<In, S> for Spread<F>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: Stage<In, S> + 'static,
{
    fn call(
        &self,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.call(input, cx)
    }

    fn __call_watched(
        &self,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.__call_watched(input, cx)
    }

    fn __segment<'a, U>(
        self: &'a Arc<Self>,
        upstream: U,
        deck: Deck<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Tag = U::Tag, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        let shared = deck.run.settings();
        let workers = shared.workers.min(shared.concurrency);
        if workers <= 1 {
            return Either::Left(F::__segment(&self.0, upstream, deck, last));
        }
        let ending = deck.ending(last);
        let floor = Arc::new(Floor::new(workers, Arc::clone(&deck.driver)));
        let tasks = (0..workers).map(|index| {
            // As many lanes altogether as `concurrency` says.
            let lanes = shared.concurrency / workers + usize::from(index < shared.concurrency % workers);
            let worker = Worker { index, lanes, floor: Arc::clone(&floor), shared: shared.clone() };
            let (stages, state) = (Arc::clone(&self.0), Arc::clone(deck.state));
            let (plan, run) = (deck.plan.clone(), deck.run.id());
            runtime().spawn(worker.work(stages, state, plan, run))
        });
        Either::Right(Spreading {
            upstream,
            tasks: tasks.map(Task).collect(),
            floor,
            results: Window::new(ending.ordered),
            room: room(ending, shared.concurrency),
            most: shared.concurrency.saturating_mul(2),
            away: Away::default(),
            outgoing: VecDeque::new(),
            incoming: Vec::new(),
            begun: 0,
            ended: false,
        })
    }
}

#[track_caller]
fn runtime() -> Handle {
    let runtime = Handle::try_current();
    let Ok(runtime) = runtime else {
        panic!("`workers` are tokio tasks, and there is no tokio runtime here: run this in async code")
    };
    runtime
}

/// What is to be done with an item.
struct Job<In> {
    number: usize,
    index: usize,
    watched: bool,
    input: In,
}

/// Where jobs and results change hands.
struct Floor<In, T> {
    jobs: Mutex<Jobs<In>>,
    /// No more jobs will come, and what is under way is to be given up. (It is set under the lock of the jobs.)
    over: AtomicBool,
    results: Mutex<Vec<(usize, Way<T>)>>,
    /// Who wants the results.
    driver: Arc<AtomicWaker>,
    left: Mutex<Vec<Left>>,
}

struct Jobs<In> {
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
struct Left {
    readings: Vec<Reading>,
    observer_panics: u64,
    /// Jobs that it had fetched and not begun.
    unbegun: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<In, T> Floor<In, T> {
    fn new(workers: usize, driver: Arc<AtomicWaker>) -> Self {
        let jobs = Jobs { waiting: VecDeque::new(), workers: vec![Sleeper::default(); workers] };
        Self {
            jobs: Mutex::new(jobs),
            over: AtomicBool::new(false),
            results: Mutex::default(),
            driver,
            left: Mutex::default(),
        }
    }

    fn bring(&self, jobs: &mut VecDeque<Job<In>>) {
        let mut floor = lock(&self.jobs);
        floor.waiting.append(jobs);
        let wanted = floor.waiting.len();
        let hungry = floor.workers.iter_mut().filter(|worker| worker.hungry).take(wanted);
        let wakers: Vec<_> = hungry.filter_map(|worker| std::mem::take(worker).waker).collect();
        drop(floor);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn stop(&self) {
        let mut floor = lock(&self.jobs);
        self.over.store(true, Ordering::Release);
        let wakers: Vec<_> = floor.workers.iter_mut().filter_map(|worker| worker.waker.take()).collect();
        drop(floor);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// A task that is dropped with whoever started it.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One of the tasks.
struct Worker<In, T> {
    index: usize,
    lanes: usize,
    floor: Arc<Floor<In, T>>,
    shared: Shared,
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
    async fn work<F, S>(self, stages: Arc<F>, state: Arc<S>, plan: Plan, id: RunId)
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
                match lanes.begin(way(&*stages, input, &state, &run, index, watched)) {
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

/// What is away, each under a number that is used again.
struct Away<K> {
    kept: Vec<Option<K>>,
    free: Vec<usize>,
}

impl<K> Default for Away<K> {
    fn default() -> Self {
        Self { kept: Vec::new(), free: Vec::new() }
    }
}

impl<K> Away<K> {
    fn len(&self) -> usize {
        self.kept.len() - self.free.len()
    }

    fn insert(&mut self, kept: K) -> usize {
        match self.free.pop() {
            Some(number) => {
                self.kept[number] = Some(kept);
                number
            }
            None => {
                self.kept.push(Some(kept));
                self.kept.len() - 1
            }
        }
    }

    fn remove(&mut self, number: usize) -> Option<K> {
        let kept = self.kept.get_mut(number)?.take()?;
        self.free.push(number);
        Some(kept)
    }

    fn clear(&mut self) -> impl Iterator<Item = K> {
        self.free.clear();
        self.kept.drain(..).flatten()
    }
}

/// A chain whose calls are elsewhere.
struct Spreading<U: Upstream, T> {
    upstream: U,
    floor: Arc<Floor<U::Item, T>>,
    tasks: Vec<Task>,
    results: Window<Packet<U::Tag, T>>,
    /// The most that may be away or waiting.
    room: usize,
    /// The most that may be away.
    most: usize,
    away: Away<(u64, U::Tag)>,
    outgoing: VecDeque<Job<U::Item>>,
    incoming: Vec<(usize, Way<T>)>,
    begun: u64,
    ended: bool,
}

impl<U: Upstream, T> Spreading<U, T> {
    /// Sends one more item away, or knows why not.
    fn begin(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        let full = self.away.len() >= self.most || self.results.outstanding(self.away.len()) >= self.room;
        if full || self.ended || !turn.spend() {
            return false;
        }
        match self.upstream.take(turn) {
            Take::Item(Packet { tag, value: Ok(input) }) => {
                let watched = turn.books.run.is_observed() || self.begun < 16 || self.begun % SAMPLED == 0;
                self.begun += 1;
                let index = tag.origin().index;
                let number = self.away.insert((self.results.reserve(), tag));
                self.outgoing.push_back(Job { number, index, watched, input });
            }
            Take::Item(Packet { tag, value: Err(error) }) => {
                let place = self.results.reserve();
                self.results.fill(place, Some(Packet { tag, value: Err(error) }));
            }
            Take::Empty => return false,
            Take::End => {
                self.ended = true;
                return false;
            }
        }
        true
    }

    fn send(&mut self) {
        if !self.outgoing.is_empty() {
            self.floor.bring(&mut self.outgoing);
        }
    }

    /// Takes in what came back.
    fn receive(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        std::mem::swap(&mut *lock(&self.floor.results), &mut self.incoming);
        for (number, way) in self.incoming.drain(..) {
            let Some((place, tag)) = self.away.remove(number) else { continue };
            let packet = match way {
                Ok(output) => Some(Packet { tag, value: Ok(output) }),
                Err(mishap) => turn.books.mishap(tag, mishap),
            };
            self.results.fill(place, packet);
        }
    }
}

impl<U: Upstream, T: Send> Upstream for Spreading<U, T> {
    type Root = U::Root;
    type Tag = U::Tag;
    type Item = T;

    fn wake(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        self.upstream.wake(turn);
        self.receive(turn);
        if let Some(task) = self.tasks.iter_mut().find(|task| task.0.is_finished()) {
            // Stages' panics are caught; this is one of something that a stage returned, when it was dropped.
            if let Poll::Ready(Err(error)) = Pin::new(&mut task.0).poll(&mut turn.cx()) {
                self.tasks.clear();
                if let Ok(payload) = error.try_into_panic() {
                    resume_unwind(payload);
                }
            }
        }
    }

    fn take(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Take<U::Tag, T> {
        if let Some(packet) = self.results.pop() {
            return Take::Item(packet);
        }
        while self.begin(turn) {}
        self.send();
        match self.results.pop() {
            Some(packet) => Take::Item(packet),
            None if self.ended && self.away.len() == 0 && self.results.is_empty() => Take::End,
            None => Take::Empty,
        }
    }

    fn fill(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        while self.begin(turn) {}
        self.send();
        self.upstream.fill(turn);
    }

    fn close(&mut self, turn: &mut Turn<'_, '_, U::Root>, account: &mut Account) -> Poll<()> {
        let upstream = self.upstream.close(turn, account);
        self.floor.stop();
        let mut cx = turn.cx();
        self.tasks.retain_mut(|task| Pin::new(&mut task.0).poll(&mut cx).is_pending());
        if !self.tasks.is_empty() && !turn.books.abandoned {
            return Poll::Pending;
        }
        // What nobody began was not begun.
        self.begun -=
            (self.outgoing.len() + std::mem::take(&mut lock(&self.floor.jobs).waiting).len()) as u64;
        self.begun -=
            lock(&self.floor.left).iter_mut().map(|left| std::mem::take(&mut left.unbegun)).sum::<u64>();
        self.outgoing.clear();
        // What came back in the meantime is done; it was not asked for any more.
        self.receive(turn);
        let books = &mut *turn.books;
        for (_, tag) in self.away.clear() {
            books.give_up(tag.origin().index, account);
        }
        for packet in self.results.clear() {
            if packet.value.is_ok() {
                books.give_up(packet.tag.origin().index, account);
            }
        }
        upstream
    }

    fn report(&self, account: &mut Account) {
        self.upstream.report(account);
        account.parts.push(Part::Lanes { begun: self.begun });
        for left in lock(&self.floor.left).iter() {
            account.readings.push(left.readings.clone());
            account.observer_panics += left.observer_panics;
        }
    }
}
