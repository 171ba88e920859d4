//! A chain of stages with many items on their way through it.

use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::chunk::{Back, Chunk, Gone, Job, Rest, Spare};
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

impl<S> Deck<'_, S> {
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
/// And fewer, if they take longer than this: which is looked at once in so many times.
const LONG: Duration = Duration::from_micros(50);
const PACE: u32 = 4;

/// A chain, its calls and their results.
pub(crate) struct Segment<U: Upstream, M, C, T> {
    upstream: U,
    /// Makes the future that takes a chunk of items through.
    make: M,
    /// With each chunk that waits, the place and the tag of its item.
    lanes: Lanes<Caught<C>, (u64, U::Tag)>,
    /// Items that were taken and not begun, the next one last.
    jobs: Vec<Job<U::Tag, U::Item>>,
    /// A failure that came behind those items.
    behind: Option<Packet<U::Tag, T>>,
    /// Outputs whose turn has come, the next one last; they come before the results.
    done: Vec<(U::Tag, T)>,
    results: Window<Packet<U::Tag, T>>,
    /// The most that may be under way or waiting.
    room: usize,
    /// How many items a lane takes now.
    chunk: usize,
    chunks: u32,
    back: Arc<Back<U::Tag, U::Item, T>>,
    /// Kept for its memory.
    spare: Spare<U::Tag, U::Item, T>,
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
            jobs: Vec::new(),
            behind: None,
            done: Vec::new(),
            results: Window::new(ending.ordered),
            room: room(ending, width),
            chunk: 1,
            chunks: 0,
            back: Arc::default(),
            spare: None,
            begun: 0,
            observed: deck.run.is_observed(),
            ended: false,
        }
    }

    #[inline]
    fn outstanding(&self) -> usize {
        self.results.outstanding(self.lanes.busy()) + self.done.len()
    }

    /// The next item for a lane; and, unless it is to be by itself, more behind it.
    #[inline]
    fn next(&mut self, alone: bool, turn: &mut Turn<'_, '_, U::Root>) -> Option<Job<U::Tag, U::Item>> {
        if let Some(job) = self.jobs.pop() {
            return Some(job);
        }
        let room = self.room.saturating_sub(self.outstanding());
        if self.ended || self.behind.is_some() || room == 0 {
            return None;
        }
        let most = if alone { 1 } else { room.min(self.chunk) };
        let stopped = if most == 1 {
            turn.spend().then(|| self.upstream.take(turn))
        } else {
            let jobs = &mut self.jobs;
            self.upstream.take_many(turn, most, |tag, input| jobs.push(Job { tag, input }))
        };
        match stopped {
            None | Some(Take::Empty) => {}
            Some(Take::Item(Packet { tag, value: Ok(input) })) => return Some(Job { tag, input }),
            Some(Take::Item(Packet { tag, value: Err(error) })) => {
                self.behind = Some(Packet { tag, value: Err(error) });
            }
            Some(Take::End) => self.ended = true,
        }
        self.jobs.reverse();
        self.jobs.pop()
    }

    /// Begins a chunk of items, and says whether there was one.
    fn begin(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        if !self.lanes.has_room() {
            return false;
        }
        let watched = self.observed || self.begun < 16 || self.begun.is_multiple_of(SAMPLED);
        let Some(first) = self.next(watched, turn) else {
            let Some(packet) = self.behind.take() else { return false };
            self.results.push(packet);
            return true;
        };
        let tag = first.tag.clone();
        let alone = self.jobs.is_empty() || watched;
        let rest = (!alone).then(|| {
            let mut rest = self.spare.take().unwrap_or_default();
            std::mem::swap(&mut rest.jobs, &mut self.jobs);
            (rest, Arc::clone(&self.back))
        });
        let make = &self.make;
        match self.lanes.begin(|| Caught { call: make(Chunk { first, rest, watched }) }) {
            Ok(Ok((tag, way, rest))) => {
                let (last, mishap) = match way {
                    Ok(output) => (Some((tag, output)), None),
                    Err(mishap) => (None, Some((tag, mishap))),
                };
                match (rest, last) {
                    (Some(rest), last) => self.put(rest, last),
                    (None, Some(last)) if self.done.is_empty() && self.results.is_empty() => {
                        self.done.push(last);
                    }
                    (None, Some((tag, output))) => self.results.push(Packet { tag, value: Ok(output) }),
                    (None, None) => {}
                }
                if let Some((tag, mishap)) = mishap {
                    self.results.extend(turn.books.mishap(tag, mishap));
                }
                self.faster(turn);
            }
            Ok(Err(payload)) => {
                let tag = if alone { tag } else { self.take_back(tag) };
                let error = panicked(turn.books.run, payload);
                self.results.extend(turn.books.mishap(tag, Mishap::Failed(error)));
            }
            Err(lane) => {
                let tag = if alone { tag } else { self.take_back(tag) };
                self.lanes.keep(lane, (self.results.reserve(), tag));
                self.chunk = 1;
            }
        }
        self.begun += 1;
        true
    }

    /// Takes what was given back, and the tag of the item that the lane stopped at.
    #[cold]
    fn take_back(&mut self, first: U::Tag) -> U::Tag {
        let rest = self.back.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut rest) = rest else { return first };
        let tag = rest.tag.take();
        self.put(rest, None);
        tag.unwrap_or(first)
    }

    /// Puts down the outputs of the items up to the one that a lane stopped at, and takes back those behind it.
    #[inline]
    fn put(&mut self, mut rest: Box<Rest<U::Tag, U::Item, T>>, last: Option<(U::Tag, T)>) {
        self.begun += rest.done.len() as u64;
        std::mem::swap(&mut self.jobs, &mut rest.jobs);
        rest.done.extend(last);
        if self.done.is_empty() && self.results.is_empty() {
            rest.done.reverse();
            std::mem::swap(&mut self.done, &mut rest.done);
        } else {
            for (tag, output) in rest.done.drain(..) {
                self.results.push(Packet { tag, value: Ok(output) });
            }
        }
        self.spare = Some(rest);
    }

    /// Items are ready at once: takes more of them at a time, if that takes little time. If not, others get their turn.
    #[inline]
    fn faster(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        let most = CHUNK.min(self.lanes.width());
        let growing = self.chunk < most;
        self.chunks = self.chunks.wrapping_add(1);
        let looks = if growing { self.chunk >= 4 } else { self.chunks.is_multiple_of(PACE) };
        if looks && turn.look() > if growing { LONG } else { LONG * PACE } {
            self.chunk = 1;
            turn.end();
        } else if growing {
            self.chunk = (self.chunk * 2).min(most);
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
            if let Some((tag, output)) = self.done.pop() {
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
