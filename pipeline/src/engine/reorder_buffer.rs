//! `ReorderBuffer`: holds finished results until the results before them are finished.

use std::collections::VecDeque;

/// A buffer of results. If ordered, it releases them in the order in which their entries were reserved; otherwise at once.
pub(crate) struct ReorderBuffer<T> {
    ordered: bool,
    /// The sequence number of the first entry.
    first: u64,
    entries: VecDeque<Entry<T>>,
}

enum Entry<T> {
    /// The call is in flight.
    Pending,
    /// The call ended without a result.
    Skipped,
    Ready(T),
}

impl<T> ReorderBuffer<T> {
    pub(crate) fn new(ordered: bool) -> Self {
        Self { ordered, first: 0, entries: VecDeque::new() }
    }

    /// Whether there are no entries, so that a result can bypass the buffer.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of buffered results and calls in flight. (If ordered, each call in flight has an entry already.)
    #[inline]
    pub(crate) fn outstanding(&self, in_flight: usize) -> usize {
        if self.ordered { self.entries.len() } else { self.entries.len() + in_flight }
    }

    /// Reserves the next entry for a call, and returns its sequence number.
    #[inline]
    pub(crate) fn reserve(&mut self) -> u64 {
        if !self.ordered {
            return 0;
        }
        self.entries.push_back(Entry::Pending);
        self.first + self.entries.len() as u64 - 1
    }

    /// Appends a result.
    #[inline]
    pub(crate) fn push(&mut self, result: T) {
        self.entries.push_back(Entry::Ready(result));
    }

    /// Appends a result, if there is one.
    pub(crate) fn push_some(&mut self, result: Option<T>) {
        self.entries.extend(result.map(Entry::Ready));
    }

    /// Completes a reserved entry; `None` if the call ended without a result.
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

    /// Removes the next result, unless a call before it is in flight.
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

    /// Removes all entries, and returns all results.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.first += self.entries.len() as u64;
        self.entries.drain(..).filter_map(|entry| match entry {
            Entry::Ready(result) => Some(result),
            Entry::Pending | Entry::Skipped => None,
        })
    }
}
