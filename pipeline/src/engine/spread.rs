//! Lanes spread over several tasks: `workers(n)`.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::Either;
use tokio::runtime::Handle;

use super::floor::{Floor, Job, Task, Worker};
use super::one::Way;
use super::segment::{Deck, room};
use super::tag::Tag;
use super::upstream::{Account, Packet, Part, Take, Turn, Upstream};
use super::window::Window;
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
                let watched =
                    turn.books.run.is_observed() || self.begun < 16 || self.begun.is_multiple_of(SAMPLED);
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
        self.floor.take_results(&mut self.incoming);
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
        self.begun -= self.outgoing.len() as u64 + self.floor.unbegun();
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
        self.floor.each_left(|left| {
            account.readings.push(left.readings.clone());
            account.observer_panics += left.observer_panics;
        });
    }
}
