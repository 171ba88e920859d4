//! A chain of stages with many items on their way through it.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::chunk::{Back, Chunk, Gone, Job, Rest};
use super::lanes::Lanes;
use super::one::{Caught, Mishap, panicked};
use super::tag::Tag;
use super::upstream::{Account, Packet, Part, Take, Turn, Upstream};
use super::window::Window;
use crate::plan::Plan;
use crate::run::Run;
use crate::watch::SAMPLED;

/// What all parts of a line share.
pub struct Deck<'a, S> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) state: &'a Arc<S>,
    pub(crate) plan: &'a Plan,
    /// Whom to wake.
    pub(crate) driver: Arc<AtomicWaker>,
    /// What the last part keeps to.
    pub(crate) ending: Ending,
}

/// How the last part of a line gives its results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) ordered: bool,
    /// Whether all results are to be kept anyway, so that a window would only be in the way.
    pub(crate) unbounded: bool,
}

impl<S> Clone for Deck<'_, S> {
    fn clone(&self) -> Self {
        Self { driver: Arc::clone(&self.driver), ..*self }
    }
}

impl<'a, S> Deck<'a, S> {
    /// The ending of a part, which is the last or not.
    pub(crate) fn ending(&self, last: bool) -> Ending {
        if last { self.ending } else { Ending { ordered: self.run.settings().ordered, unbounded: false } }
    }
}

/// How many results may be under way or waiting in a part.
pub(crate) fn room(ending: Ending, lanes: usize) -> usize {
    if ending.unbounded { usize::MAX } else { lanes.saturating_mul(2) }
}

/// A lane takes at most so many items at a time.
const CHUNK: usize = 32;
/// And fewer, if they take longer than this.
const LONG: Duration = Duration::from_micros(50);

/// A chain, its calls and their results.
pub(crate) struct Segment<U: Upstream, M, C, T> {
    upstream: U,
    /// Makes the future that takes a chunk of items through.
    make: M,
    /// With each chunk that waits, the place and the tag of its item.
    lanes: Lanes<Caught<C>, (u64, U::Tag)>,
    /// Items that were taken and not begun.
    jobs: VecDeque<Job<U::Tag, U::Item>>,
    /// A failure that came behind those items.
    behind: Option<Packet<U::Tag, T>>,
    /// Outputs whose turn has come; they come before the results.
    done: VecDeque<(U::Tag, T)>,
    results: Window<Packet<U::Tag, T>>,
    /// The most that may be under way or waiting.
    room: usize,
    /// How many items a lane takes now.
    chunk: usize,
    back: Arc<Back<U::Tag, U::Item, T>>,
    /// Kept for its memory.
    spare: VecDeque<(U::Tag, T)>,
    begun: u64,
    observed: bool,
    ended: bool,
}

impl<U, M, C, T> Segment<U, M, C, T>
where
    U: Upstream,
    M: Fn(Chunk<U::Tag, U::Item, T>) -> C,
    C: Future<Output = Gone<U::Tag, U::Item, T>>,
{
    pub(crate) fn new<S>(upstream: U, make: M, deck: &Deck<'_, S>, last: bool) -> Self {
        let width = deck.run.settings().concurrency;
        let ending = deck.ending(last);
        Self {
            upstream,
            make,
            lanes: Lanes::new(width, Arc::clone(&deck.driver)),
            jobs: VecDeque::new(),
            behind: None,
            done: VecDeque::new(),
            results: Window::new(ending.ordered),
            room: room(ending, width),
            chunk: 1,
            back: Arc::default(),
            spare: VecDeque::new(),
            begun: 0,
            observed: deck.run.is_observed(),
            ended: false,
        }
    }

    #[inline]
    fn outstanding(&self) -> usize {
        self.results.outstanding(self.lanes.busy()) + self.done.len()
    }

    /// Takes in as many items as a lane takes, and says whether they are to be watched: then it is one.
    #[inline]
    fn gather(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        let watched = self.observed || self.begun < 16 || self.begun % SAMPLED == 0;
        let most = self.room.saturating_sub(self.outstanding()).min(if watched { 1 } else { self.chunk });
        while self.jobs.len() < most && !self.ended && self.behind.is_none() && turn.spend() {
            match self.upstream.take(turn) {
                Take::Item(Packet { tag, value: Ok(input) }) => self.jobs.push_back(Job { tag, input }),
                Take::Item(Packet { tag, value: Err(error) }) => {
                    self.behind = Some(Packet { tag, value: Err(error) });
                }
                Take::Empty => break,
                Take::End => self.ended = true,
            }
        }
        watched
    }

    /// Begins a chunk of items, and says whether there was one.
    fn begin(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        if !self.lanes.has_room() {
            return false;
        }
        let watched = self.gather(turn);
        let Some(first) = self.jobs.pop_front() else {
            let Some(packet) = self.behind.take() else { return false };
            self.results.push(packet);
            return true;
        };
        let tag = first.tag.clone();
        let chunk = if self.jobs.is_empty() || watched {
            Chunk { first, rest: Rest::default(), back: None, watched }
        } else {
            let (done, jobs) = (std::mem::take(&mut self.spare), std::mem::take(&mut self.jobs));
            Chunk { first, rest: Rest { done, jobs, tag: None }, back: Some(Arc::clone(&self.back)), watched }
        };
        let alone = chunk.back.is_none();
        let begun = self.lanes.begin(Caught { call: (self.make)(chunk) });
        // What was given back is of the items around the one that the lane stopped at.
        let mut take_back = |tag| {
            if alone {
                return tag;
            }
            let mut rest = std::mem::take(&mut *self.back.lock().unwrap_or_else(PoisonError::into_inner));
            self.begun += rest.done.len() as u64;
            let tag = rest.tag.take().unwrap_or(tag);
            put_all(&mut rest, &mut self.jobs, &mut self.done, &mut self.results);
            self.spare = rest.done;
            tag
        };
        match begun {
            Ok(Ok((tag, way, mut rest))) => {
                if !alone {
                    self.begun += rest.done.len() as u64;
                    put_all(&mut rest, &mut self.jobs, &mut self.done, &mut self.results);
                    self.spare = rest.done;
                }
                match way {
                    Ok(output) if self.results.is_empty() => self.done.push_back((tag, output)),
                    Ok(output) => self.results.push(Packet { tag, value: Ok(output) }),
                    Err(mishap) => self.results.extend(turn.books.mishap(tag, mishap)),
                }
                self.faster(turn);
            }
            Ok(Err(payload)) => {
                let tag = take_back(tag);
                let error = panicked(turn.books.run, payload);
                self.results.extend(turn.books.mishap(tag, Mishap::Failed(error)));
            }
            Err(lane) => {
                let tag = take_back(tag);
                self.lanes.keep(lane, (self.results.reserve(), tag));
                self.chunk = 1;
            }
        }
        self.begun += 1;
        true
    }

    /// Items are ready at once: takes more of them at a time, if that takes little time.
    #[inline]
    fn faster(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        let most = CHUNK.min(self.lanes.width());
        if self.chunk > 4 && turn.look() > LONG {
            self.chunk = 1;
        } else if self.chunk < most {
            self.chunk = (self.chunk * 2).min(most);
        }
    }
}

/// Puts down the outputs of the items before the one that a lane stopped at, and takes back those behind it.
#[inline]
fn put_all<G, In, T>(
    rest: &mut Rest<G, In, T>,
    jobs: &mut VecDeque<Job<G, In>>,
    done: &mut VecDeque<(G, T)>,
    results: &mut Window<Packet<G, T>>,
) {
    std::mem::swap(jobs, &mut rest.jobs);
    if done.is_empty() && results.is_empty() {
        std::mem::swap(done, &mut rest.done);
    } else {
        for (tag, output) in rest.done.drain(..) {
            results.push(Packet { tag, value: Ok(output) });
        }
    }
}

impl<U, M, C, T> Upstream for Segment<U, M, C, T>
where
    U: Upstream,
    M: Fn(Chunk<U::Tag, U::Item, T>) -> C + Send,
    C: Future<Output = Gone<U::Tag, U::Item, T>> + Send,
    T: Send,
{
    type Root = U::Root;
    type Tag = U::Tag;
    type Item = T;

    fn wake(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        self.upstream.wake(turn);
        let (lanes, results) = (&mut self.lanes, &mut self.results);
        let run = turn.books.run;
        let mut ended = Vec::new();
        let mut may = |budget: bool| {
            if !budget {
                turn.end();
            }
            turn.spend()
        };
        lanes.wake(&mut may, |(place, tag), gone| match gone {
            Ok((tag, Ok(output), _)) => results.fill(place, Some(Packet { tag, value: Ok(output) })),
            Ok((tag, Err(mishap), _)) => ended.push((place, tag, mishap)),
            Err(payload) => ended.push((place, tag, Mishap::Failed(panicked(run, payload)))),
        });
        for (place, tag, mishap) in ended {
            let packet = turn.books.mishap(tag, mishap);
            results.fill(place, packet);
        }
    }

    #[inline]
    fn take(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Take<U::Tag, T> {
        loop {
            if let Some((tag, output)) = self.done.pop_front() {
                return Take::Item(Packet { tag, value: Ok(output) });
            }
            if let Some(packet) = self.results.pop() {
                return Take::Item(packet);
            }
            if turn.books.halted || !self.begin(turn) {
                break;
            }
        }
        let idle = self.jobs.is_empty() && self.behind.is_none() && self.lanes.busy() == 0;
        if self.ended && idle && self.results.is_empty() { Take::End } else { Take::Empty }
    }

    fn fill(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        while !turn.books.halted && self.outstanding() < self.room && self.begin(turn) {}
        self.upstream.fill(turn);
    }

    fn close(&mut self, turn: &mut Turn<'_, '_, U::Root>, account: &mut Account) -> Poll<()> {
        let upstream = self.upstream.close(turn, account);
        let books = &mut *turn.books;
        self.lanes.clear(|(_, tag)| books.give_up(tag.origin().index, account));
        for Job { tag, .. } in self.jobs.drain(..) {
            books.give_up(tag.origin().index, account);
        }
        for (tag, _) in self.done.drain(..) {
            books.give_up(tag.origin().index, account);
        }
        self.behind = None;
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
    }
}
