//! Items that count how many of them were made and how many dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts those that are made and not yet dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Counts {
    pub(crate) fn items(&self) -> impl Iterator<Item = Counted> + Send + use<> {
        let counts = self.clone();
        (0..).map(move |x| {
            counts.made.fetch_add(1, Ordering::Relaxed);
            Counted { x, dropped: Arc::clone(&counts.dropped) }
        })
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    pub(crate) fn left(&self) -> usize {
        self.made() - self.dropped.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) x: u64,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}
