//! `ReadySet`: the set of slots whose calls were woken, with one bit per slot.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::sync::{AtomicU64, AtomicWaker, Ordering};
/// The number of bits in a word.
const BITS: usize = 64;

/// The set of slots whose calls were woken.
pub(crate) struct ReadySet {
    /// One bit per slot.
    words: Box<[AtomicU64]>,
    /// Wakes the task that polls the calls.
    driver: Arc<AtomicWaker>,
}

impl ReadySet {
    pub(crate) fn new(slots: usize, driver: Arc<AtomicWaker>) -> Arc<Self> {
        let words = (0..slots.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { words, driver })
    }

    /// A waker that marks a slot as ready.
    pub(crate) fn waker(self: &Arc<Self>, slot: usize) -> Waker {
        Waker::from(Arc::new(SlotWaker { ready_set: Arc::clone(self), slot }))
    }

    /// Removes the slots of a word from the set, and returns them as bits.
    #[inline]
    pub(crate) fn take(&self, word: usize) -> u64 {
        let word = &self.words[word];
        // Most words are empty, and a load is cheaper than a swap.
        if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::AcqRel) }
    }

    /// Adds a slot to the set. The first slot of a word wakes the task: it finds the others of the word with it.
    #[inline]
    pub(crate) fn mark_ready(&self, slot: usize) {
        if self.words[slot / BITS].fetch_or(1 << (slot % BITS), Ordering::AcqRel) == 0 {
            self.driver.wake();
        }
    }
}

struct SlotWaker {
    ready_set: Arc<ReadySet>,
    slot: usize,
}

impl Wake for SlotWaker {
    #[inline]
    fn wake(self: Arc<Self>) {
        self.ready_set.mark_ready(self.slot);
    }

    #[inline]
    fn wake_by_ref(self: &Arc<Self>) {
        self.ready_set.mark_ready(self.slot);
    }
}

#[cfg(all(test, not(pipeline_loom)))]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Counts how often the task was woken.
    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_marked_slot_is_taken_once() {
        let ready_set = ReadySet::new(130, Arc::default());
        for slot in [129, 0, 64, 63, 129] {
            ready_set.mark_ready(slot);
        }
        assert_eq!((ready_set.take(0), ready_set.take(1), ready_set.take(2)), (1 | 1 << 63, 1, 0b10));
        assert_eq!((ready_set.take(0), ready_set.take(1), ready_set.take(2)), (0, 0, 0));
    }

    #[test]
    fn the_first_slot_of_a_word_wakes_the_task() {
        let wakes = Arc::new(Wakes::default());
        let driver = Arc::new(AtomicWaker::new());
        let ready_set = ReadySet::new(128, Arc::clone(&driver));
        let mark = |slot| {
            driver.register(&Waker::from(Arc::clone(&wakes)));
            ready_set.mark_ready(slot);
            wakes.0.load(Ordering::Relaxed)
        };
        assert_eq!((mark(3), mark(4), mark(64)), (1, 1, 2));
        ready_set.take(0);
        assert_eq!(mark(3), 3);
    }
}
