//! `ReadySet`: the set of slots whose calls were woken, with one bit per slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// The number of bits in a word.
const BITS: usize = 64;

/// The set of slots whose calls were woken.
pub(crate) struct ReadySet {
    /// One bit per slot.
    slots: Box<[AtomicU64]>,
    /// One bit per word of `slots` that may be nonzero.
    words: Box<[AtomicU64]>,
    /// Wakes the task that polls the calls.
    driver: Arc<AtomicWaker>,
}

impl ReadySet {
    pub(crate) fn new(slots: usize, driver: Arc<AtomicWaker>) -> Arc<Self> {
        let words = slots.div_ceil(BITS);
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { slots: zeros(words), words: zeros(words.div_ceil(BITS)), driver })
    }

    /// A waker that marks a slot as ready.
    pub(crate) fn waker(self: &Arc<Self>, slot: usize) -> Waker {
        Waker::from(Arc::new(SlotWaker { ready_set: Arc::clone(self), slot }))
    }

    /// Removes all slots from the set, and calls `visit` on each, in ascending order.
    pub(crate) fn drain_ready(&self, mut visit: impl FnMut(usize)) {
        for (index, words) in self.words.iter().enumerate() {
            // Cleared before the words of `slots` are read: a slot that is marked in between sets the bit again.
            for word in ones(words) {
                let word = index * BITS + word;
                let Some(slots) = self.slots.get(word) else { continue };
                for slot in ones(slots) {
                    visit(word * BITS + slot);
                }
            }
        }
    }

    /// Adds a slot to the set, and wakes the task if the set was empty.
    pub(crate) fn mark_ready(&self, slot: usize) {
        let (word, bit) = (slot / BITS, 1 << (slot % BITS));
        // Only the first bit of a word has to be announced: the others are read together with it.
        if self.slots[word].fetch_or(bit, Ordering::AcqRel) != 0 {
            return;
        }
        if self.words[word / BITS].fetch_or(1 << (word % BITS), Ordering::AcqRel) == 0 {
            self.driver.wake();
        }
    }
}

/// Clears a word, and returns the positions of its set bits.
fn ones(word: &AtomicU64) -> impl Iterator<Item = usize> + use<> {
    let mut bits = if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::AcqRel) };
    std::iter::from_fn(move || {
        let one = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            one
        })
    })
}

struct SlotWaker {
    ready_set: Arc<ReadySet>,
    slot: usize,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.ready_set.mark_ready(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready_set.mark_ready(self.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_marked_slot_is_drained_once() {
        let ready_set = ReadySet::new(5000, Arc::default());
        for slot in [4999, 0, 64, 63, 4999] {
            ready_set.mark_ready(slot);
        }
        let mut ready = Vec::new();
        ready_set.drain_ready(|slot| ready.push(slot));
        assert_eq!(ready, [0, 63, 64, 4999]);
        ready_set.drain_ready(|slot| panic!("slot {slot} was marked ready by itself"));
        ready_set.mark_ready(64);
        ready_set.drain_ready(|slot| ready.push(slot));
        assert_eq!(ready.last(), Some(&64));
    }
}
