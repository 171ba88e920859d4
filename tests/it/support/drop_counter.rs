//! Items that count how many of them were created and how many dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the items that were created and dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct DropCounter {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl DropCounter {
    pub(crate) fn items(&self) -> impl Iterator<Item = CountedItem> + Send + use<> {
        let counter = self.clone();
        (0..).map(move |x| {
            counter.made.fetch_add(1, Ordering::Relaxed);
            CountedItem { x, dropped: Arc::clone(&counter.dropped) }
        })
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    pub(crate) fn alive(&self) -> usize {
        self.made() - self.dropped.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct CountedItem {
    pub(crate) x: u64,
    dropped: Arc<AtomicUsize>,
}

impl Drop for CountedItem {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}
