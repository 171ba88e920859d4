//! `InFlight`: a bounded set of calls in flight, each in a reusable slot.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use tokio::task::coop;

use super::ready_set::ReadySet;

/// The number of calls in flight is capped at 2^20, because the ready set has a bit for each.
const MAX_IN_FLIGHT: usize = 1 << 20;

/// Calls in flight, each with a payload that is returned when it finishes.
pub(crate) struct InFlight<C, K> {
    capacity: usize,
    slots: Vec<Slot<C, K>>,
    free: Vec<usize>,
    ready_set: Arc<ReadySet>,
    /// Slots that are ready, but were not polled because the poll budget was exhausted.
    deferred: Vec<usize>,
}

struct Slot<C, K> {
    /// The allocation is reused by later calls.
    call: Pin<Box<Option<C>>>,
    waker: Waker,
    /// `None` if the slot is free.
    payload: Option<K>,
}

impl<C: Future, K> InFlight<C, K> {
    pub(crate) fn new(capacity: usize, driver: Arc<AtomicWaker>) -> Self {
        let capacity = capacity.min(MAX_IN_FLIGHT);
        let ready_set = ReadySet::new(capacity, driver);
        Self { capacity, slots: Vec::new(), free: Vec::new(), ready_set, deferred: Vec::new() }
    }

    /// Whether another call can be started.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty() || self.slots.len() < self.capacity
    }

    /// The maximum number of calls in flight.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of calls that can be started now.
    pub(crate) fn vacant(&self) -> usize {
        self.capacity - self.len()
    }

    /// Whether there are ready calls that were not polled because the poll budget was exhausted.
    pub(crate) fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// The number of calls in flight.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Starts a call and polls it once. Returns its output, or `Err` with its slot if it is pending: then the caller must
    /// [attach](Self::attach) a payload. There must be [room](Self::has_room).
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
                // The finished call is dropped when its slot is reused.
                self.free.push(index);
                Ok(output)
            }
            None => unreachable!("a call was just set"),
        }
    }

    /// Attaches the payload of a pending call.
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

    /// Polls the calls that were woken, and passes each finished call to `done`. Stops polling once `may_poll` returns false;
    /// its argument says whether the task has tokio budget left.
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
            // Checked at every eighth call only: a call that is polled without budget just wakes itself again.
            let has_budget = !polled.is_multiple_of(8) || coop::has_budget_remaining();
            stopped = stopped || !may_poll(has_budget);
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

    /// Drops all calls, and returns the payloads of those in flight.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = K> {
        let Self { slots, free, .. } = self;
        slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            slot.call.set(None);
            let payload = slot.payload.take()?;
            free.push(index);
            Some(payload)
        })
    }
}

impl<C: Future, K> Slot<C, K> {
    /// Polls the call; `None` if the slot is empty.
    #[inline]
    fn poll(&mut self) -> Option<Poll<C::Output>> {
        let call = self.call.as_mut().as_pin_mut()?;
        Some(call.poll(&mut Context::from_waker(&self.waker)))
    }
}
