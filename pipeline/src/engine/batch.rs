//! `batch(n, "linger")`: items in, vectors of them out.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::each::boundary;
use super::tag::{Members, Origin, Tag};
use super::upstream::{Account, Packet, Part, Take, Turn, Upstream};
use crate::StageError;
use crate::plan::Slot;
use crate::policy::sleep;

/// The `batch` of a running line.
pub(crate) struct Batch<U: Upstream> {
    upstream: U,
    settings: boundary::batch,
    items: Vec<U::Item>,
    origins: Vec<Origin<U::Root>>,
    /// Failures that stood between the items: they follow the batch.
    failures: VecDeque<(Origin<U::Root>, StageError)>,
    /// Until when the first item may wait for others.
    linger: Option<Pin<Box<Sleep>>>,
    lingers: bool,
    ended: bool,
    taken: u64,
    given: u64,
}

impl<U: Upstream> Batch<U> {
    pub(crate) fn new(upstream: U, settings: boundary::batch) -> Self {
        Self {
            upstream,
            settings,
            items: Vec::new(),
            origins: Vec::new(),
            failures: VecDeque::new(),
            linger: None,
            lingers: false,
            ended: false,
            taken: 0,
            given: 0,
        }
    }

    /// Takes what is there, up to a batch; and says whether it is time to give it.
    fn gather(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> bool {
        while self.items.len() < self.settings.size && !self.ended && turn.step() {
            match self.upstream.take(turn) {
                Take::Item(Packet { tag, value: Ok(value) }) => {
                    if self.items.is_empty() {
                        self.start();
                    }
                    self.taken += 1;
                    self.items.push(value);
                    self.origins.push(tag.origin().clone());
                }
                Take::Item(Packet { tag, value: Err(error) }) => {
                    self.failures.push_back((tag.origin().clone(), error));
                    if self.items.is_empty() {
                        return false;
                    }
                }
                Take::Empty => break,
                Take::End => self.ended = true,
            }
        }
        let full = self.items.len() >= self.settings.size || self.ended;
        !self.items.is_empty() && (full || self.has_lingered(turn))
    }

    /// The first item of a batch is there.
    fn start(&mut self) {
        // A batch that is never full should not take the memory of one.
        self.items.reserve(self.settings.size.min(1024));
        let Some(until) = self.settings.linger.and_then(|linger| Instant::now().checked_add(linger)) else {
            return;
        };
        self.lingers = true;
        match &mut self.linger {
            Some(sleep) => sleep.as_mut().reset(until),
            None => self.linger = Some(Box::pin(sleep(until))),
        }
    }

    fn has_lingered(&mut self, turn: &Turn<'_, '_, U::Root>) -> bool {
        let Some(sleep) = self.linger.as_mut().filter(|_| self.lingers) else { return false };
        sleep.as_mut().poll(&mut turn.cx()).is_ready()
    }
}

impl<U: Upstream> Upstream for Batch<U> {
    type Root = U::Root;
    type Tag = Members<U::Root>;
    type Item = Vec<U::Item>;

    fn wake(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        self.upstream.wake(turn);
    }

    fn take(&mut self, turn: &mut Turn<'_, '_, U::Root>) -> Take<Self::Tag, Self::Item> {
        if self.items.is_empty()
            && let Some((origin, error)) = self.failures.pop_front()
        {
            return Take::Item(Packet { tag: Members::one(origin), value: Err(error) });
        }
        if self.gather(turn) {
            self.lingers = false;
            self.given += 1;
            let value = std::mem::take(&mut self.items);
            if let Some(tag) = Members::new(self.origins.drain(..)) {
                return Take::Item(Packet { tag, value: Ok(value) });
            }
        }
        if self.items.is_empty() {
            if let Some((origin, error)) = self.failures.pop_front() {
                return Take::Item(Packet { tag: Members::one(origin), value: Err(error) });
            }
            if self.ended {
                return Take::End;
            }
        }
        Take::Empty
    }

    fn fill(&mut self, turn: &mut Turn<'_, '_, U::Root>) {
        self.gather(turn);
        self.upstream.fill(turn);
    }

    fn close(&mut self, turn: &mut Turn<'_, '_, U::Root>, account: &mut Account) -> Poll<()> {
        let upstream = self.upstream.close(turn, account);
        self.items.clear();
        for origin in self.origins.drain(..) {
            if let Some(meter) = turn.books.run.meter(self.settings.slot) {
                meter.waiting.up();
            }
            turn.books.give_up(origin.index, account);
        }
        upstream
    }

    fn report(&self, account: &mut Account) {
        self.upstream.report(account);
        account.parts.push(Part::Boundary { taken: self.taken, given: self.given });
    }
}

/// The boundary of so many items, or of those that come within the time.
///
/// # Panics
///
/// If the size is 0, where `pipeline!` could not see it.
#[must_use]
#[track_caller]
pub fn settings(size: usize, linger: Option<Duration>) -> boundary::batch {
    assert!(size > 0, "`batch(0)` would never give a batch: 1 makes batches of one item");
    boundary::batch { slot: Slot::NONE, size, linger }
}
