//! `ReorderBuffer`: holds finished results until the results before them are finished.

/// A buffer of results: a ring. If ordered, it releases them in the order in which their entries were reserved; otherwise in
/// the order in which they were pushed.
pub(crate) struct ReorderBuffer<T> {
    ordered: bool,
    /// The entry of sequence number `n` is at `n` modulo the length, which is a power of two.
    entries: Vec<Entry<T>>,
    /// The sequence number of the first entry.
    first: u64,
    /// The sequence number after the last entry.
    end: u64,
}

enum Entry<T> {
    /// The call is in flight, or there is no entry.
    Pending,
    /// The call ended without a result.
    Skipped,
    Ready(T),
}

impl<T> ReorderBuffer<T> {
    pub(crate) fn new(ordered: bool) -> Self {
        Self { ordered, entries: Vec::new(), first: 0, end: 0 }
    }

    #[inline]
    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether there are no entries, so that a result can bypass the buffer.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// The number of entries. If ordered, each call in flight has one.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // There are no more entries than fit into memory.
    pub(crate) fn len(&self) -> usize {
        (self.end - self.first) as usize
    }

    /// The sequence number after the last entry.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // The mask removes the higher bits.
    fn entry(&mut self, sequence: u64) -> &mut Entry<T> {
        let mask = self.entries.len() - 1;
        &mut self.entries[sequence as usize & mask]
    }

    /// Reserves the next entry for a call, and returns its sequence number. Without order it reserves none.
    #[inline]
    pub(crate) fn reserve(&mut self) -> u64 {
        if self.ordered { self.append() } else { 0 }
    }

    /// Appends an entry. It is `Pending`, as all are that are free.
    #[inline]
    fn append(&mut self) -> u64 {
        if self.len() == self.entries.len() {
            self.grow();
        }
        let sequence = self.end;
        self.end += 1;
        sequence
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let mut grown = Vec::new();
        grown.resize_with((self.entries.len() * 2).max(64), || Entry::Pending);
        let mask = grown.len() - 1;
        for sequence in self.first..self.end {
            #[allow(clippy::cast_possible_truncation)]
            let index = sequence as usize & mask;
            grown[index] = std::mem::replace(self.entry(sequence), Entry::Pending);
        }
        self.entries = grown;
    }

    /// Appends a result.
    #[inline]
    pub(crate) fn push(&mut self, result: T) {
        let sequence = self.append();
        *self.entry(sequence) = Entry::Ready(result);
    }

    /// Completes a reserved entry; `None` if the call ended without a result. Without order, appends the result.
    #[inline]
    pub(crate) fn complete(&mut self, sequence: u64, result: Option<T>) {
        if self.ordered {
            *self.entry(sequence) = result.map_or(Entry::Skipped, Entry::Ready);
        } else if let Some(result) = result {
            self.push(result);
        }
    }

    /// Whether the result of this sequence number would be the next one.
    #[inline]
    pub(crate) fn is_next(&self, sequence: u64) -> bool {
        !self.ordered || sequence == self.first
    }

    /// Removes the reserved entry that is the next one: its result bypasses the buffer.
    #[inline]
    pub(crate) fn bypass(&mut self) {
        if self.ordered {
            self.first += 1;
        }
    }

    /// Removes the next result, unless a call before it is in flight.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        while self.first != self.end {
            let first = self.first;
            let entry = self.entry(first);
            match std::mem::replace(entry, Entry::Pending) {
                Entry::Pending => return None,
                Entry::Skipped => self.first += 1,
                Entry::Ready(result) => {
                    self.first += 1;
                    return Some(result);
                }
            }
        }
        None
    }

    /// Removes the entries after a sequence number, and returns their results.
    pub(crate) fn truncate(&mut self, sequence: u64) -> Vec<T> {
        let mut removed = Vec::new();
        while self.end > sequence + 1 && !self.is_empty() {
            self.end -= 1;
            let end = self.end;
            if let Entry::Ready(result) = std::mem::replace(self.entry(end), Entry::Pending) {
                removed.push(result);
            }
        }
        removed
    }

    /// Removes all entries, and returns all results.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        let entries = std::mem::take(&mut self.entries);
        self.first = self.end;
        entries.into_iter().filter_map(|entry| match entry {
            Entry::Ready(result) => Some(result),
            Entry::Pending | Entry::Skipped => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_out_in_the_order_of_their_entries() {
        let mut buffer = ReorderBuffer::new(true);
        for round in 0..100_u64 {
            let sequences: Vec<_> = (0..100).map(|_| buffer.reserve()).collect();
            buffer.push(round * 200 + 100);
            for (index, sequence) in sequences.iter().enumerate().rev() {
                assert!(buffer.pop().is_none());
                let value = round * 200 + index as u64;
                buffer.complete(*sequence, (index % 3 != 1).then_some(value));
            }
            let out: Vec<_> = std::iter::from_fn(|| buffer.pop()).collect();
            let expected = (0..100).filter(|index| index % 3 != 1).chain([100]);
            assert_eq!(out, expected.map(|index| round * 200 + index).collect::<Vec<_>>());
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn results_behind_a_sequence_number_can_be_removed() {
        let mut buffer = ReorderBuffer::new(true);
        let sequences: Vec<_> = (0..5).map(|_| buffer.reserve()).collect();
        for (value, sequence) in (0..5).zip(&sequences).skip(1) {
            buffer.complete(*sequence, Some(value));
        }
        let mut removed = buffer.truncate(sequences[2]);
        removed.sort_unstable();
        assert_eq!(removed, [3, 4]);
        buffer.complete(sequences[0], None);
        assert_eq!(std::iter::from_fn(|| buffer.pop()).collect::<Vec<_>>(), [1, 2]);
        assert!(buffer.is_empty());
    }
}
