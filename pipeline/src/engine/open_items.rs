//! `OpenItems`: what is left of each source item until all that came of it is over.

use std::collections::VecDeque;

use crate::run::outcome::Outcome;

/// The source items that are not over, for the observers of a run.
///
/// An item has one part when it is read. `each` adds a part for each row, and a part ends when it comes out, fails or is
/// cancelled. The item is over when its last part ends, with the worst outcome of all parts.
#[derive(Debug, Default)]
pub(crate) struct OpenItems {
    /// The index of the first item in `items`.
    first: usize,
    items: VecDeque<OpenItem>,
}

#[derive(Debug)]
struct OpenItem {
    parts: usize,
    outcome: Outcome,
}

impl OpenItems {
    /// Adds the next item of the source.
    pub(crate) fn push(&mut self) {
        self.items.push_back(OpenItem { parts: 1, outcome: Outcome::Done });
    }

    fn item(&mut self, index: usize) -> Option<&mut OpenItem> {
        self.items.get_mut(index.checked_sub(self.first)?)
    }

    /// Adds a part to an item.
    pub(crate) fn add_part(&mut self, index: usize) {
        if let Some(item) = self.item(index) {
            item.parts += 1;
        }
    }

    /// Records an outcome of an item whose part goes on.
    pub(crate) fn record(&mut self, index: usize, outcome: &Outcome) {
        if let Some(item) = self.item(index)
            && severity(outcome) > severity(&item.outcome)
        {
            item.outcome = outcome.clone();
        }
    }

    /// Ends a part of an item. Returns the outcome of the item if it is over.
    pub(crate) fn end_part(&mut self, index: usize, outcome: &Outcome) -> Option<Outcome> {
        self.record(index, outcome);
        let item = self.item(index)?;
        item.parts = item.parts.checked_sub(1)?;
        if item.parts > 0 {
            return None;
        }
        let outcome = std::mem::replace(&mut item.outcome, Outcome::Done);
        while self.items.front().is_some_and(|item| item.parts == 0) {
            self.items.pop_front();
            self.first += 1;
        }
        Some(outcome)
    }
}

/// A failure is worse than a cancellation.
fn severity(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Done => 0,
        Outcome::Cancelled => 1,
        Outcome::Failed(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_over_with_its_last_part_and_has_the_worst_outcome() {
        let mut items = OpenItems::default();
        items.push();
        items.push();
        items.add_part(0);
        items.add_part(0);
        assert!(items.end_part(0, &Outcome::Cancelled).is_none());
        assert!(matches!(items.end_part(1, &Outcome::Done), Some(Outcome::Done)));
        assert!(items.end_part(0, &Outcome::Done).is_none());
        assert!(matches!(items.end_part(0, &Outcome::Done), Some(Outcome::Cancelled)));
        assert!(items.items.is_empty());
        items.push();
        assert!(matches!(items.end_part(2, &Outcome::Done), Some(Outcome::Done)));
    }
}
