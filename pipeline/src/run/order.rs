//! `Order`: the turns of the items at stages with `in_order`, whose calls begin in the order of the items.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use super::lock::lock;

use crate::error::step_id::StepId;

/// The order of the items of one segment.
pub(crate) struct Order {
    next_place: AtomicU64,
    /// The stages with `in_order`.
    steps: Mutex<Vec<StepOrder>>,
}

/// The turns at one stage.
struct StepOrder {
    step: StepId,
    /// The first place that has neither begun its call nor ended without one: whose turn it is.
    turn: u64,
    /// The places behind it that have ended without a call, or before it.
    passed: BTreeSet<u64>,
    waiting: BTreeMap<u64, Waker>,
}

impl StepOrder {
    /// The call of a place has begun, or never will. Returns the waker of the item whose turn it is now.
    fn pass(&mut self, place: u64) -> Option<Waker> {
        self.waiting.remove(&place);
        if place > self.turn {
            self.passed.insert(place);
            return None;
        }
        if place == self.turn {
            self.turn += 1;
            while self.passed.remove(&self.turn) {
                self.turn += 1;
            }
        }
        self.waiting.remove(&self.turn)
    }
}

impl Order {
    /// `None` if no stage has `in_order`.
    pub(crate) fn new(steps: impl Iterator<Item = StepId>) -> Option<Arc<Self>> {
        let step_order =
            |step| StepOrder { step, turn: 0, passed: BTreeSet::new(), waiting: BTreeMap::new() };
        let steps: Vec<_> = steps.map(step_order).collect();
        (!steps.is_empty())
            .then(|| Arc::new(Self { next_place: AtomicU64::new(0), steps: Mutex::new(steps) }))
    }

    /// The place of the next item.
    pub(crate) fn next_place(self: &Arc<Self>) -> Place {
        Place { order: Arc::clone(self), place: self.next_place.fetch_add(1, Ordering::Relaxed) }
    }

    /// Calls `visit` on the turns of a step.
    fn at<T>(&self, step: StepId, visit: impl FnOnce(&mut StepOrder) -> T) -> Option<T> {
        lock(&self.steps).iter_mut().find(|order| order.step == step).map(visit)
    }
}

/// The place of an item in the order. When it is dropped, the item is over, and those behind it no longer wait for it.
pub(crate) struct Place {
    order: Arc<Order>,
    place: u64,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.place).finish()
    }
}

impl Place {
    /// Waits until all items before this one have begun their calls of a step, or are over.
    pub(crate) async fn turn(&self, step: StepId) {
        poll_fn(|cx| {
            let poll = self.order.at(step, |order| {
                if order.turn >= self.place {
                    return Poll::Ready(());
                }
                order.waiting.insert(self.place, cx.waker().clone());
                Poll::Pending
            });
            poll.unwrap_or(Poll::Ready(()))
        })
        .await;
    }

    /// The call of the step begins.
    pub(crate) fn begin(&self, step: StepId) {
        if let Some(waker) = self.order.at(step, |order| order.pass(self.place)).flatten() {
            waker.wake();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let wakers: Vec<_> =
            lock(&self.order.steps).iter_mut().filter_map(|order| order.pass(self.place)).collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_place_has_its_turn_when_those_before_it_have_begun_or_are_over() {
        assert!(Order::new(std::iter::empty()).is_none());
        let order = Order::new([StepId(3), StepId(5)].into_iter()).unwrap();
        let [first, second, third, fourth] = std::array::from_fn(|_| order.next_place());
        let has_turn = |place: &Place, step| place.turn(StepId(step)).now_or_never().is_some();
        assert!(has_turn(&first, 3) && !has_turn(&second, 3) && !has_turn(&fourth, 3));
        drop(third);
        first.begin(StepId(3));
        assert!(has_turn(&second, 3) && !has_turn(&fourth, 3) && !has_turn(&second, 5));
        second.begin(StepId(3));
        second.begin(StepId(3));
        assert!(has_turn(&fourth, 3) && !has_turn(&fourth, 5));
        drop((first, second));
        assert!(has_turn(&fourth, 5));
        // A step that is not in order has no turns.
        assert!(has_turn(&order.next_place(), 4));
    }
}
