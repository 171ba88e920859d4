//! `InFlight`: a bounded set of calls in flight, each in a reusable slot.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::ready_set::ReadySet;
use super::sync::AtomicWaker;

use crate::error::panic_origin::drop_call;
use crate::run::wait_note::WaitNote;

/// The number of calls in flight is capped at 2^20, because the ready set has a bit for each.
const MAX_IN_FLIGHT: usize = 1 << 20;

/// The number of bits in a word of slots.
const BITS: usize = 64;

/// Calls in flight, each with a tag that is returned when it finishes.
pub(crate) struct InFlight<'a, C, G> {
    /// The number of places: calls that do not sleep between two attempts.
    capacity: usize,
    max_parked: usize,
    /// Slots are added one by one, as they are needed.
    slots: Vec<Slot<C, G>>,
    /// A bit per slot, set if the slot has no call.
    free: Vec<u64>,
    /// No word of `free` before this one has a set bit.
    first_free_word: usize,
    /// The slot for the next call; `None` if it was not chosen yet.
    next: Option<usize>,
    ready_set: Arc<ReadySet>,
    /// The slots of the current word that were woken and are not polled yet.
    woken: u64,
    /// The current word.
    word: usize,
    /// The words after it that are visited in this round.
    words_left: usize,
    /// The number of calls in flight that have a place.
    active: usize,
    /// The number of calls that sleep between two attempts, and have given their place to others.
    parked: usize,
    /// The parked calls that were woken, and wait for a place.
    returning: VecDeque<usize>,
    wait_note: &'a WaitNote,
    /// The slot whose call panicked; with its tag, if that was its first poll.
    panicked: Option<(usize, Option<G>)>,
}

#[repr(align(64))]
struct Slot<C, G> {
    /// The allocation is reused by later calls. A finished call is dropped when its slot is reused.
    call: Pin<Box<Option<C>>>,
    entry: SlotEntry<G>,
}

struct SlotEntry<G> {
    waker: Waker,
    /// `None` if the slot is free.
    tag: Option<G>,
    sequence: u64,
    parked: bool,
}

/// A call that has finished after it was pending.
pub(crate) struct Finished<G, T> {
    /// Its sequence number, as given at its start.
    pub(crate) sequence: u64,
    pub(crate) tag: G,
    pub(crate) output: T,
}

impl<'a, C: Future, G: Clone> InFlight<'a, C, G> {
    pub(crate) fn new(
        capacity: usize,
        max_parked: usize,
        driver: Arc<AtomicWaker>,
        wait_note: &'a WaitNote,
    ) -> Self {
        let capacity = capacity.min(MAX_IN_FLIGHT);
        let max_parked = max_parked.min(MAX_IN_FLIGHT);
        Self {
            capacity,
            max_parked,
            slots: Vec::new(),
            free: Vec::new(),
            first_free_word: 0,
            next: None,
            ready_set: ReadySet::new(capacity + max_parked, driver),
            woken: 0,
            word: 0,
            words_left: 0,
            active: 0,
            parked: 0,
            returning: VecDeque::new(),
            wait_note,
            panicked: None,
        }
    }

    /// The number of calls that can be started now.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.active
    }

    /// The number of calls that have a place.
    #[inline]
    pub(crate) fn active(&self) -> usize {
        self.active
    }

    /// The number of calls that sleep between two attempts, and have no place.
    pub(crate) fn parked(&self) -> usize {
        self.parked
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.active + self.parked == 0
    }

    /// Whether calls that have slept wait for a place.
    #[inline]
    pub(crate) fn has_returning(&self) -> bool {
        !self.returning.is_empty()
    }

    /// Starts a call and polls it once. Returns its output; if it is pending, it stays in flight under the sequence number
    /// that `reserve` returns. There must be [room](Self::room).
    #[allow(clippy::inline_always)] // The call is built in its slot, which takes a copy less; measured.
    #[inline(always)]
    pub(crate) fn start(
        &mut self,
        tag: G,
        make_call: impl FnOnce(&G) -> C,
        reserve: impl FnOnce() -> u64,
    ) -> Option<(G, C::Output)> {
        let index = match self.next {
            Some(index) => index,
            None => self.choose_slot(),
        };
        let Slot { call, entry } = &mut self.slots[index];
        let guard = PanickedSlot { index, tag: Some(&tag), panicked: &mut self.panicked };
        call.set(Some(make_call(&tag)));
        let poll = call.as_mut().as_pin_mut()?.poll(&mut Context::from_waker(&entry.waker));
        std::mem::forget(guard);
        match poll {
            // Most calls end here, and their slot is not taken.
            Poll::Ready(output) => Some((tag, output)),
            Poll::Pending => {
                entry.sequence = reserve();
                entry.tag = Some(tag);
                self.occupy(index);
                if self.wait_note.take_only_sleeps() {
                    self.park(index);
                }
                None
            }
        }
    }

    /// Polls the call of a slot that [`take_woken`](Self::take_woken) returned.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn poll(&mut self, index: usize) -> Option<Finished<G, C::Output>> {
        if self.slots[index].entry.parked && !self.unpark(index) {
            return None;
        }
        let Slot { call, entry } = &mut self.slots[index];
        let call = call.as_mut().as_pin_mut()?;
        let guard = PanickedSlot { index, tag: None, panicked: &mut self.panicked };
        let poll = call.poll(&mut Context::from_waker(&entry.waker));
        std::mem::forget(guard);
        let Poll::Ready(output) = poll else {
            if self.wait_note.take_only_sleeps() {
                self.park(index);
            }
            return None;
        };
        let finished = Finished { sequence: entry.sequence, tag: entry.tag.take()?, output };
        self.release(index);
        Some(finished)
    }

    /// Polls the first call that waits for a place. There must be [room](Self::room).
    pub(crate) fn poll_returning(&mut self) -> Option<Finished<G, C::Output>> {
        let index = self.returning.pop_front()?;
        if index / BITS == self.word {
            // It may have been woken again. Then this poll answers that too: after its end it must not be polled.
            self.woken &= !(1 << (index % BITS));
        }
        self.poll(index)
    }

    /// The call sleeps between two attempts: gives its place to others, if not too many have done so.
    #[cold]
    #[inline(never)]
    fn park(&mut self, index: usize) {
        if self.parked < self.max_parked {
            self.slots[index].entry.parked = true;
            self.parked += 1;
            self.active -= 1;
        }
    }

    /// The parked call was woken: takes a place, or queues for one and returns false.
    #[cold]
    #[inline(never)]
    fn unpark(&mut self, index: usize) -> bool {
        if self.active >= self.capacity {
            if !self.returning.contains(&index) {
                self.returning.push_back(index);
            }
            return false;
        }
        // It may have been woken before, and still queue.
        self.returning.retain(|returning| *returning != index);
        self.slots[index].entry.parked = false;
        self.parked -= 1;
        self.active += 1;
        true
    }

    /// Forgets what the last call waited for: it failed before it was asked.
    pub(crate) fn clear_note(&self) {
        self.wait_note.clear();
    }

    /// Begins a round: each word of slots is visited once.
    #[inline]
    pub(crate) fn begin_round(&mut self) {
        self.words_left = self.free.len();
    }

    /// Whether there is another call to poll in this round.
    #[inline]
    pub(crate) fn has_woken(&mut self) -> bool {
        self.woken != 0 || self.next_word()
    }

    /// Takes a slot whose call was woken. There must [be one](Self::has_woken).
    #[inline]
    pub(crate) fn take_woken(&mut self) -> usize {
        let index = self.word * BITS + self.woken.trailing_zeros() as usize;
        self.woken &= self.woken.wrapping_sub(1);
        index
    }

    /// Goes on to the next word with woken calls.
    #[inline(never)]
    fn next_word(&mut self) -> bool {
        while self.words_left > 0 {
            self.words_left -= 1;
            self.word = if self.word + 1 < self.free.len() { self.word + 1 } else { 0 };
            self.woken = self.ready_set.take(self.word) & !self.free[self.word];
            if self.woken != 0 {
                return true;
            }
        }
        false
    }

    /// Chooses the free slot with the lowest index; adds one if there is none.
    #[cold]
    #[inline(never)]
    fn choose_slot(&mut self) -> usize {
        let words = self.first_free_word..self.free.len();
        let index = match words.into_iter().find(|word| self.free[*word] != 0) {
            Some(word) => {
                self.first_free_word = word;
                word * BITS + self.free[word].trailing_zeros() as usize
            }
            None => {
                let index = self.slots.len();
                let waker = self.ready_set.waker(index);
                let entry = SlotEntry { waker, tag: None, sequence: 0, parked: false };
                self.slots.push(Slot { call: Box::pin(None), entry });
                if index.is_multiple_of(BITS) {
                    self.free.push(0);
                }
                self.first_free_word = index / BITS;
                self.free[index / BITS] |= 1 << (index % BITS);
                index
            }
        };
        self.next = Some(index);
        index
    }

    #[inline]
    fn occupy(&mut self, index: usize) {
        self.free[index / BITS] &= !(1 << (index % BITS));
        self.active += 1;
        let word = self.first_free_word;
        let free = self.free[word];
        self.next = (free != 0).then(|| word * BITS + free.trailing_zeros() as usize);
    }

    #[inline]
    fn release(&mut self, index: usize) {
        self.free[index / BITS] |= 1 << (index % BITS);
        self.first_free_word = self.first_free_word.min(index / BITS);
        if self.slots[index].entry.parked {
            self.release_parked(index);
        } else {
            self.active -= 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn release_parked(&mut self, index: usize) {
        self.slots[index].entry.parked = false;
        self.parked -= 1;
        self.returning.retain(|returning| *returning != index);
    }

    #[inline]
    fn is_busy(&self, index: usize) -> bool {
        self.free[index / BITS] & (1 << (index % BITS)) == 0
    }

    /// The slots of the calls in flight.
    #[inline]
    pub(crate) fn slots_in_use(&self) -> impl Iterator<Item = usize> + use<'_, 'a, C, G> {
        (0..self.slots.len()).filter(|index| self.is_busy(*index))
    }

    /// The sequence number of the call in a slot.
    pub(crate) fn sequence(&self, index: usize) -> u64 {
        self.slots[index].entry.sequence
    }

    /// Drops a call. A panic of its destructor is caught.
    #[cold]
    pub(crate) fn cancel(&mut self, index: usize) -> Option<G> {
        self.release(index);
        let Slot { call, entry } = &mut self.slots[index];
        drop_call(|| call.set(None));
        entry.tag.take()
    }

    /// Drops all calls, and returns their tags.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = G> {
        (0..self.slots.len()).filter_map(|index| if self.is_busy(index) { self.cancel(index) } else { None })
    }

    /// Drops the call that panicked, after a panic of [`start`](Self::start) or [`poll`](Self::poll) was caught. Returns its
    /// tag, and its sequence number unless that was its first poll.
    #[cold]
    pub(crate) fn take_panicked(&mut self) -> Option<(G, Option<u64>)> {
        let (index, tag) = self.panicked.take()?;
        self.wait_note.clear();
        match tag {
            Some(tag) => {
                let call = &mut self.slots[index].call;
                drop_call(|| call.set(None));
                Some((tag, None))
            }
            None => {
                let sequence = self.slots[index].entry.sequence;
                Some((self.cancel(index)?, Some(sequence)))
            }
        }
    }
}

impl<C, G> Drop for InFlight<'_, C, G> {
    /// Drops the calls one by one: a panic in one destructor does not keep the others from running.
    fn drop(&mut self) {
        for slot in &mut self.slots {
            if slot.call.is_some() {
                drop_call(|| slot.call.set(None));
            }
        }
    }
}

/// Records the slot whose call panics, while the panic passes. It costs nothing until then.
struct PanickedSlot<'s, G: Clone> {
    index: usize,
    tag: Option<&'s G>,
    panicked: &'s mut Option<(usize, Option<G>)>,
}

impl<G: Clone> Drop for PanickedSlot<'_, G> {
    // Inlined where a panic passes: the guard is then no value in memory, which each call would write.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn drop(&mut self) {
        *self.panicked = Some((self.index, self.tag.cloned()));
    }
}

#[cfg(all(test, not(pipeline_loom)))]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;

    use super::*;

    /// What the calls of a test have in common.
    #[derive(Default)]
    struct Calls {
        note: WaitNote,
        /// The calls that return `Ready` when they are polled.
        ready: Cell<u64>,
        wakers: RefCell<Vec<Waker>>,
        polls_after_the_end: Cell<u32>,
    }

    impl Calls {
        /// A call that sleeps until it is ready.
        fn sleep(&self, number: usize) -> impl Future<Output = usize> + use<'_> {
            let mut ended = false;
            poll_fn(move |cx| {
                if ended {
                    self.polls_after_the_end.set(self.polls_after_the_end.get() + 1);
                }
                if self.ready.get() & (1 << number) != 0 {
                    ended = true;
                    return Poll::Ready(number);
                }
                self.wakers.borrow_mut().push(cx.waker().clone());
                self.note.sleeps();
                Poll::Pending
            })
        }

        fn wake(&self, number: usize) {
            let waker = self.wakers.borrow()[number].clone();
            waker.wake();
        }
    }

    /// Starts so many calls with one place; those that sleep are parked.
    fn start<C>(calls: &Calls, count: usize, make: impl Fn(usize) -> C) -> InFlight<'_, C, usize>
    where
        C: Future<Output = usize>,
    {
        let mut in_flight = InFlight::new(1, 8, Arc::default(), &calls.note);
        for number in 0..count {
            assert!(in_flight.start(number, |number| make(*number), || 0).is_none());
        }
        in_flight
    }

    fn poll_woken<C: Future<Output = usize>>(in_flight: &mut InFlight<'_, C, usize>) -> Vec<usize> {
        let mut ended = Vec::new();
        in_flight.begin_round();
        while in_flight.has_woken() {
            let slot = in_flight.take_woken();
            ended.extend(in_flight.poll(slot).map(|finished| finished.output));
        }
        ended
    }

    #[test]
    fn a_call_that_queues_for_a_place_and_is_woken_again_is_polled_once() {
        let calls = Calls::default();
        let mut in_flight = start(&calls, 3, |number| calls.sleep(number));
        assert_eq!((in_flight.active(), in_flight.parked()), (0, 3));
        // Call 0 takes the place and keeps it: it works. Call 1 queues.
        calls.note.works();
        calls.wake(0);
        calls.wake(1);
        let _ = poll_woken(&mut in_flight);
        assert_eq!((in_flight.active(), in_flight.has_returning()), (1, true));
        // Both are woken, and ready. Call 0 ends first, so call 1 finds a place before its turn in the queue comes.
        calls.ready.set(0b011);
        calls.wake(0);
        calls.wake(1);
        assert_eq!(poll_woken(&mut in_flight), [0, 1]);
        assert!(!in_flight.has_returning());
        assert_eq!((in_flight.active(), in_flight.parked()), (0, 1));
    }

    #[test]
    fn a_call_that_comes_from_the_queue_is_not_polled_for_an_older_wake() {
        let calls = Calls::default();
        let mut in_flight = start(&calls, 2, |number| calls.sleep(number));
        calls.note.works();
        calls.wake(0);
        calls.wake(1);
        let _ = poll_woken(&mut in_flight);
        // A round is interrupted after it has ended call 0, with the wake of call 1 in hand.
        calls.ready.set(0b11);
        calls.wake(0);
        calls.wake(1);
        in_flight.begin_round();
        assert!(in_flight.has_woken());
        let slot = in_flight.take_woken();
        assert_eq!(in_flight.poll(slot).map(|finished| finished.output), Some(0));
        assert_eq!(in_flight.poll_returning().map(|finished| finished.output), Some(1));
        assert!(poll_woken(&mut in_flight).is_empty());
        assert_eq!(calls.polls_after_the_end.get(), 0);
        assert!(in_flight.is_empty());
    }
}
