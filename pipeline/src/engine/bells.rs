//! Which lanes were woken: a bit each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

const BITS: usize = 64;

/// The bells of the lanes of one part.
pub(crate) struct Bells {
    /// A bit a lane.
    lanes: Box<[AtomicU64]>,
    /// A bit a word of `lanes` in which there may be one.
    words: Box<[AtomicU64]>,
    /// Who is to come when one rings.
    driver: Arc<AtomicWaker>,
}

impl Bells {
    pub(crate) fn new(lanes: usize, driver: Arc<AtomicWaker>) -> Arc<Self> {
        let words = lanes.div_ceil(BITS);
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { lanes: zeros(words), words: zeros(words.div_ceil(BITS)), driver })
    }

    /// What rings for a lane.
    pub(crate) fn waker(self: &Arc<Self>, lane: usize) -> Waker {
        Waker::from(Arc::new(Bell { bells: Arc::clone(self), lane }))
    }

    /// Takes a bit of each word that has some, and gives them to `each` word by word.
    pub(crate) fn answer(&self, mut each: impl FnMut(usize)) {
        for (index, words) in self.words.iter().enumerate() {
            // Before the words: what rings in between sets its bit anew.
            for word in ones(words) {
                let word = index * BITS + word;
                let Some(lanes) = self.lanes.get(word) else { continue };
                for lane in ones(lanes) {
                    each(word * BITS + lane);
                }
            }
        }
    }

    pub(crate) fn ring(&self, lane: usize) {
        let (word, bit) = (lane / BITS, 1 << (lane % BITS));
        // Whoever sets the first bit of a word is to say so; the others are seen with it.
        if self.lanes[word].fetch_or(bit, Ordering::AcqRel) != 0 {
            return;
        }
        if self.words[word / BITS].fetch_or(1 << (word % BITS), Ordering::AcqRel) == 0 {
            self.driver.wake();
        }
    }
}

/// Takes the ones of a word.
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

struct Bell {
    bells: Arc<Bells>,
    lane: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.bells.ring(self.lane);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bells.ring(self.lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bell_is_answered_once() {
        let bells = Bells::new(5000, Arc::default());
        for lane in [4999, 0, 64, 63, 4999] {
            bells.ring(lane);
        }
        let mut rung = Vec::new();
        bells.answer(|lane| rung.push(lane));
        assert_eq!(rung, [0, 63, 64, 4999]);
        bells.answer(|lane| panic!("{lane} rang by itself"));
        bells.ring(64);
        bells.answer(|lane| rung.push(lane));
        assert_eq!(rung.last(), Some(&64));
    }
}
