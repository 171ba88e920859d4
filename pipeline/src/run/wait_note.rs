//! `WaitNote`: what an item waited for when it was last polled.

use std::sync::atomic::{AtomicU8, Ordering};

/// A call waits for its function, or for a permit.
const WORKS: u8 = 1;

/// A call sleeps between two attempts.
const SLEEPS: u8 = 2;

/// Each call that returns `Pending` notes why. The engine reads the note after it has polled an item: one that only sleeps
/// between attempts gives its place to another.
///
/// One worker polls one item at a time, so the note needs no read-modify-write instruction.
#[derive(Debug, Default)]
pub(crate) struct WaitNote(AtomicU8);

impl WaitNote {
    #[inline]
    pub(crate) fn works(&self) {
        self.add(WORKS);
    }

    pub(crate) fn sleeps(&self) {
        self.add(SLEEPS);
    }

    #[inline]
    fn add(&self, bit: u8) {
        self.0.store(self.0.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Clears the note. Returns whether the item sleeps, in all its branches.
    #[inline]
    pub(crate) fn take_only_sleeps(&self) -> bool {
        let only_sleeps = self.0.load(Ordering::Relaxed) == SLEEPS;
        self.clear();
        only_sleeps
    }
}
