//! Calls under way: so many at once, each in a place that is used again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use tokio::task::coop;

use super::ready_set::ReadySet;

/// More at once than this there never are.
const MAX_IN_FLIGHT: usize = 1 << 20;

/// Calls, and what is kept with each until it is done.
pub(crate) struct InFlight<C, K> {
    capacity: usize,
    slots: Vec<Slot<C, K>>,
    free: Vec<usize>,
    ready_set: Arc<ReadySet>,
    /// Those that rang when the turn was over.
    deferred: Vec<usize>,
}

struct Slot<C, K> {
    /// The place of the call. It stays when the call is done, so a call costs no allocation.
    call: Pin<Box<Option<C>>>,
    waker: Waker,
    payload: Option<K>,
}

impl<C: Future, K> InFlight<C, K> {
    pub(crate) fn new(capacity: usize, driver: Arc<AtomicWaker>) -> Self {
        let capacity = capacity.min(MAX_IN_FLIGHT);
        let ready_set = ReadySet::new(capacity, driver);
        Self { capacity, slots: Vec::new(), free: Vec::new(), ready_set, deferred: Vec::new() }
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty() || self.slots.len() < self.capacity
    }

    /// How many calls there may be at once.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many more calls may be begun.
    pub(crate) fn vacant(&self) -> usize {
        self.capacity - self.len()
    }

    /// Whether there are calls that were woken when the turn was over.
    pub(crate) fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// How many calls are under way.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Begins a call, for which there must be room. What is not done at once is to be [kept](Self::keep).
    #[inline]
    pub(crate) fn start(&mut self, call: impl FnOnce() -> C) -> Result<C::Output, usize> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.add_slot(),
        };
        let slot = &mut self.slots[index];
        slot.call.set(Some(call()));
        match slot.poll() {
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
    pub(crate) fn attach(&mut self, index: usize, payload: K) {
        self.slots[index].payload = Some(payload);
    }

    #[inline(never)]
    fn add_slot(&mut self) -> usize {
        let index = self.slots.len();
        let waker = self.ready_set.waker(index);
        self.slots.push(Slot { call: Box::pin(None), waker, payload: None });
        index
    }

    /// Polls the calls that were woken: as many as `may` lets.
    pub(crate) fn poll_ready(
        &mut self,
        may_poll: &mut impl FnMut(bool) -> bool,
        mut done: impl FnMut(K, C::Output),
    ) {
        let Self { slots, free, ready_set, deferred, .. } = self;
        let mut stopped = false;
        let mut polled = 0_u32;
        let mut poll_slot = |index: usize, deferred: &mut Vec<usize>| {
            polled = polled.wrapping_add(1);
            // Asked now and then: a call that finds no budget left only asks to be woken again.
            let budget = !polled.is_multiple_of(8) || coop::has_budget_remaining();
            stopped = stopped || !may_poll(budget);
            if stopped {
                deferred.push(index);
                return;
            }
            let Some(slot) = slots.get_mut(index).filter(|slot| slot.payload.is_some()) else { return };
            if let Some(Poll::Ready(output)) = slot.poll() {
                free.push(index);
                if let Some(payload) = slot.payload.take() {
                    done(payload, output);
                }
            }
        };
        for index in std::mem::take(deferred) {
            poll_slot(index, deferred);
        }
        ready_set.drain_ready(|index| poll_slot(index, deferred));
    }

    /// Drops all calls, and gives back what was kept with them.
    pub(crate) fn clear(&mut self, mut dropped: impl FnMut(K)) {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            slot.call.set(None);
            if let Some(payload) = slot.payload.take() {
                self.free.push(index);
                dropped(payload);
            }
        }
    }
}

impl<C: Future, K> Slot<C, K> {
    #[inline]
    fn poll(&mut self) -> Option<Poll<C::Output>> {
        let call = self.call.as_mut().as_pin_mut()?;
        Some(call.poll(&mut Context::from_waker(&self.waker)))
    }
}
