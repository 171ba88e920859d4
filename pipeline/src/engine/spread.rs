//! Lanes spread over several tasks: `workers(n)`.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

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
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        let shared = deck.run.settings();
        let workers = shared.workers.clamp(1, shared.concurrency);
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
        Spreading {
            upstream,
            tasks: tasks.map(Task).collect(),
            floor,
            results: Window::new(ending.ordered),
            room: room(ending, shared.concurrency),
            most: shared.concurrency.saturating_mul(2),
            away: VecDeque::new(),
            first_away: 0,
            outgoing: VecDeque::new(),
            incoming: Vec::new(),
            begun: 0,
            ended: false,
        }
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
    number: u64,
    index: usize,
    watched: bool,
    input: In,
}

/// Where jobs and results change hands.
struct Floor<In, T> {
    jobs: Mutex<Jobs<In>>,
    results: Mutex<Vec<(u64, Way<T>)>>,
    /// Who wants the results.
    driver: Arc<AtomicWaker>,
    readings: Mutex<Vec<(Vec<Reading>, u64)>>,
}

struct Jobs<In> {
    waiting: VecDeque<Job<In>>,
    /// The workers that have nothing to do.
    idle: Vec<Option<Waker>>,
    /// No more jobs will come, and what is under way is to be given up.
    over: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<In, T> Floor<In, T> {
    fn new(workers: usize, driver: Arc<AtomicWaker>) -> Self {
        let jobs = Jobs { waiting: VecDeque::new(), idle: vec![None; workers], over: false };
        Self { jobs: Mutex::new(jobs), results: Mutex::default(), driver, readings: Mutex::default() }
    }

    fn bring(&self, jobs: &mut VecDeque<Job<In>>) {
        let mut floor = lock(&self.jobs);
        floor.waiting.append(jobs);
        let wanted = floor.waiting.len();
        let idle = floor.idle.iter_mut().filter(|worker| worker.is_some()).take(wanted);
        let idle: Vec<_> = idle.filter_map(Option::take).collect();
        drop(floor);
        idle.into_iter().for_each(Waker::wake);
    }

    fn stop(&self) -> usize {
        let mut floor = lock(&self.jobs);
        floor.over = true;
        let left = std::mem::take(&mut floor.waiting);
        let idle: Vec<_> = floor.idle.iter_mut().filter_map(Option::take).collect();
        drop(floor);
        idle.into_iter().for_each(Waker::wake);
        left.len()
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
            let mut left = 64;
            let mut may = |budget: bool| {
                left -= i32::from(left > 0);
                budget && left > 0
            };
            lanes.wake(&mut may, |number, way| done.push((number, way)));
            let mut handed = Instant::now();
            let over = loop {
                if !done.is_empty() && handed.elapsed() > HAND_OVER {
                    self.hand_over(&mut done);
                    handed = Instant::now();
                }
                if !lanes.has_room() || !may(true) {
                    break lock(&self.floor.jobs).over;
                }
                if mine.is_empty() && self.fetch(&mut mine, lanes.room(), cx) {
                    break true;
                }
                let Some(Job { number, index, watched, input }) = mine.pop_front() else { break false };
                match lanes.begin(way(&*stages, input, &state, &run, index, watched)) {
                    Ok(way) => done.push((number, way)),
                    Err(lane) => lanes.keep(lane, number),
                }
            };
            self.hand_over(&mut done);
            if over {
                return Poll::Ready(());
            }
            if left <= 1 {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        lanes.clear(drop);
        let readings = counts.meters().iter().map(Reading::of).collect();
        lock(&self.floor.readings).push((readings, counts.observer_panics()));
    }

    /// Fetches jobs, fewer as fewer are left, so that all workers end together. Says whether all is over.
    fn fetch(&self, mine: &mut VecDeque<Job<In>>, room: usize, cx: &Context<'_>) -> bool {
        let mut jobs = lock(&self.floor.jobs);
        if jobs.over {
            return true;
        }
        let share = jobs.waiting.len() / (2 * jobs.idle.len());
        let count = share.clamp(1, room).min(jobs.waiting.len());
        mine.extend(jobs.waiting.drain(..count));
        if mine.is_empty() {
            if let Some(idle) = jobs.idle.get_mut(self.index) {
                *idle = Some(cx.waker().clone());
            }
        }
        false
    }

    fn hand_over(&self, done: &mut Vec<(u64, Way<T>)>) {
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
    /// The places and tags of what is away, by number.
    away: VecDeque<Option<(u64, U::Tag)>>,
    first_away: u64,
    outgoing: VecDeque<Job<U::Item>>,
    incoming: Vec<(u64, Way<T>)>,
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
                let number = self.first_away + self.away.len() as u64;
                self.outgoing.push_back(Job { number, index: tag.origin().index, watched, input });
                self.away.push_back(Some((self.results.reserve(), tag)));
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
            let index = usize::try_from(number.wrapping_sub(self.first_away)).unwrap_or(usize::MAX);
            let Some((place, tag)) = self.away.get_mut(index).and_then(Option::take) else { continue };
            let packet = match way {
                Ok(output) => Some(Packet { tag, value: Ok(output) }),
                Err(mishap) => turn.books.mishap(tag, mishap),
            };
            self.results.fill(place, packet);
        }
        while let Some(None) = self.away.front() {
            self.away.pop_front();
            self.first_away += 1;
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
            None if self.ended && self.away.is_empty() && self.results.is_empty() => Take::End,
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
        // What nobody began was not begun.
        self.begun -= self.outgoing.len() as u64 + self.floor.stop() as u64;
        self.outgoing.clear();
        let mut cx = turn.cx();
        self.tasks.retain_mut(|task| Pin::new(&mut task.0).poll(&mut cx).is_pending());
        if !self.tasks.is_empty() {
            return Poll::Pending;
        }
        // What came back in the meantime is done; it was not asked for any more.
        self.receive(turn);
        let books = &mut *turn.books;
        for (_, tag) in self.away.drain(..).flatten() {
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
        for (readings, panics) in lock(&self.floor.readings).iter() {
            account.readings.push(readings.clone());
            account.observer_panics += panics;
        }
    }
}
