//! Results between their end and their turn.

use std::collections::VecDeque;

/// Where results wait: in order for those before them, out of order for nobody.
pub(crate) struct ReorderBuffer<T> {
    ordered: bool,
    /// The number of the first place.
    first: u64,
    entries: VecDeque<Entry<T>>,
}

enum Entry<T> {
    /// It is not there yet.
    Pending,
    /// There will be nothing.
    Skipped,
    Ready(T),
}

impl<T> ReorderBuffer<T> {
    pub(crate) fn new(ordered: bool) -> Self {
        Self { ordered, first: 0, entries: VecDeque::new() }
    }

    /// Whether a result that is there now could go out at once.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What waits, and so many calls under way. (In order, a call keeps its place.)
    #[inline]
    pub(crate) fn outstanding(&self, calls: usize) -> usize {
        if self.ordered { self.entries.len() } else { self.entries.len() + calls }
    }

    /// Keeps a place, the last.
    #[inline]
    pub(crate) fn reserve(&mut self) -> u64 {
        if !self.ordered {
            return 0;
        }
        self.entries.push_back(Entry::Pending);
        self.first + self.entries.len() as u64 - 1
    }

    /// Puts a result behind all others.
    #[inline]
    pub(crate) fn push(&mut self, result: T) {
        self.entries.push_back(Entry::Ready(result));
    }

    /// Puts a result behind all others, if there is one.
    pub(crate) fn push_some(&mut self, result: Option<T>) {
        self.entries.extend(result.map(Entry::Ready));
    }

    /// Fills a place that was kept; `None` if there is nothing to fill it with.
    pub(crate) fn complete(&mut self, sequence: u64, result: Option<T>) {
        if !self.ordered {
            self.entries.extend(result.map(Entry::Ready));
            return;
        }
        let index = usize::try_from(sequence.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(entry) = self.entries.get_mut(index) {
            *entry = result.map_or(Entry::Skipped, Entry::Ready);
        }
    }

    /// The next result, if its turn has come.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        while let Some(entry) = self.entries.front() {
            if matches!(entry, Entry::Pending) {
                return None;
            }
            self.first += 1;
            if let Some(Entry::Ready(result)) = self.entries.pop_front() {
                return Some(result);
            }
        }
        None
    }

    /// Takes all results, whether their turn has come or not.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = T> {
        self.first += self.entries.len() as u64;
        self.entries.drain(..).filter_map(|entry| match entry {
            Entry::Ready(result) => Some(result),
            Entry::Pending | Entry::Skipped => None,
        })
    }
}
