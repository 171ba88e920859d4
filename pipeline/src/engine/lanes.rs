//! Calls under way: so many at once, each in a place that is used again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use tokio::task::coop;

use super::bells::Bells;

/// More at once than this there never are.
const MOST: usize = 1 << 20;

/// Calls, and what is kept with each until it is done.
pub(crate) struct Lanes<C, K> {
    width: usize,
    open: Vec<Lane<C, K>>,
    free: Vec<usize>,
    bells: Arc<Bells>,
    /// Those that rang when the turn was over.
    late: Vec<usize>,
}

struct Lane<C, K> {
    /// The place of the call. It stays when the call is done, so a call costs no allocation.
    call: Pin<Box<Option<C>>>,
    waker: Waker,
    kept: Option<K>,
}

impl<C: Future, K> Lanes<C, K> {
    pub(crate) fn new(width: usize, driver: Arc<AtomicWaker>) -> Self {
        let width = width.min(MOST);
        let bells = Bells::new(width, driver);
        Self { width, open: Vec::new(), free: Vec::new(), bells, late: Vec::new() }
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty() || self.open.len() < self.width
    }

    /// How many calls there may be at once.
    #[inline]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How many more calls may be begun.
    pub(crate) fn room(&self) -> usize {
        self.width - self.busy()
    }

    /// Whether there are calls that were woken when the turn was over.
    pub(crate) fn is_behind(&self) -> bool {
        !self.late.is_empty()
    }

    /// How many calls are under way.
    #[inline]
    pub(crate) fn busy(&self) -> usize {
        self.open.len() - self.free.len()
    }

    /// Begins a call, for which there must be room. What is not done at once is to be [kept](Self::keep).
    #[inline]
    pub(crate) fn begin(&mut self, call: impl FnOnce() -> C) -> Result<C::Output, usize> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.open_one(),
        };
        let lane = &mut self.open[index];
        lane.call.set(Some(call()));
        match lane.poll() {
            Some(Poll::Pending) => Err(index),
            Some(Poll::Ready(output)) => {
                // The call itself stays until the next one: dropping what is done can wait.
                self.free.push(index);
                Ok(output)
            }
            None => unreachable!("a call was just set"),
        }
    }

    /// Keeps something with a call that has begun.
    #[inline]
    pub(crate) fn keep(&mut self, index: usize, kept: K) {
        self.open[index].kept = Some(kept);
    }

    #[inline(never)]
    fn open_one(&mut self) -> usize {
        let index = self.open.len();
        let waker = self.bells.waker(index);
        self.open.push(Lane { call: Box::pin(None), waker, kept: None });
        index
    }

    /// Polls the calls that were woken: as many as `may` lets.
    pub(crate) fn wake(&mut self, may: &mut impl FnMut(bool) -> bool, mut done: impl FnMut(K, C::Output)) {
        let Self { open: lanes, free, bells, late, .. } = self;
        let mut stopped = false;
        let mut visited = 0_u32;
        let mut visit = |index: usize, late: &mut Vec<usize>| {
            visited = visited.wrapping_add(1);
            // Asked now and then: a call that finds no budget left only asks to be woken again.
            let budget = !visited.is_multiple_of(8) || coop::has_budget_remaining();
            stopped = stopped || !may(budget);
            if stopped {
                late.push(index);
                return;
            }
            let Some(lane) = lanes.get_mut(index).filter(|lane| lane.kept.is_some()) else { return };
            if let Some(Poll::Ready(output)) = lane.poll() {
                free.push(index);
                if let Some(kept) = lane.kept.take() {
                    done(kept, output);
                }
            }
        };
        for index in std::mem::take(late) {
            visit(index, late);
        }
        bells.answer(|index| visit(index, late));
    }

    /// Drops all calls, and gives back what was kept with them.
    pub(crate) fn clear(&mut self, mut dropped: impl FnMut(K)) {
        for (index, lane) in self.open.iter_mut().enumerate() {
            lane.call.set(None);
            if let Some(kept) = lane.kept.take() {
                self.free.push(index);
                dropped(kept);
            }
        }
    }
}

impl<C: Future, K> Lane<C, K> {
    #[inline]
    fn poll(&mut self) -> Option<Poll<C::Output>> {
        let call = self.call.as_mut().as_pin_mut()?;
        Some(call.poll(&mut Context::from_waker(&self.waker)))
    }
}
