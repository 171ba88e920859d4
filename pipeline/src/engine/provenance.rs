//! `Provenance`: the source items that an item was made from.

use std::sync::{Arc, Mutex};

use crate::run::lock::lock;

/// The position of a source item, and a clone of it if the run has dead letters.
pub struct Origin<R> {
    pub(crate) index: usize,
    pub(crate) source_item: Option<Arc<SourceItem<R>>>,
}

/// A clone of a source item, for its dead letter.
pub struct SourceItem<R>(Mutex<Option<R>>);

impl<R> SourceItem<R> {
    pub(crate) fn new(item: R) -> Self {
        Self(Mutex::new(Some(item)))
    }

    /// Takes the item. Only the first call returns it: a source item has at most one dead letter, even if several of its parts
    /// fail.
    pub(crate) fn take(&self) -> Option<R> {
        lock(&self.0).take()
    }
}

impl<R> Clone for Origin<R> {
    fn clone(&self) -> Self {
        Self { index: self.index, source_item: self.source_item.clone() }
    }
}

/// The origin of an item, or the origins of the items in a batch.
pub trait Provenance: Clone + Send {
    /// The item type of the source.
    type Root: Send;

    /// The origin of the item; for a batch, that of its first item.
    fn origin(&self) -> &Origin<Self::Root>;

    /// The origin of the item; for a batch, those of all its items.
    fn origins(&self) -> &[Origin<Self::Root>] {
        std::slice::from_ref(self.origin())
    }

    /// The origin of row `row` of `of`. It is exact for a batch with one item per row; otherwise it is [`origin`](Self::origin).
    fn row(&self, row: usize, of: usize) -> &Origin<Self::Root> {
        let _ = (row, of);
        self.origin()
    }
}

impl<R: Send> Provenance for Origin<R> {
    type Root = R;

    fn origin(&self) -> &Self {
        self
    }
}

/// The origins of the items in a batch. Never empty.
pub struct BatchOrigins<R>(Arc<[Origin<R>]>);

impl<R> BatchOrigins<R> {
    /// `None` if there are no items.
    pub(crate) fn new(origins: impl Iterator<Item = Origin<R>>) -> Option<Self> {
        let origins: Arc<[_]> = origins.collect();
        (!origins.is_empty()).then_some(Self(origins))
    }

    /// The provenance of a single failed item, which is not in a batch.
    pub(crate) fn one(origin: Origin<R>) -> Self {
        Self(Arc::new([origin]))
    }
}

impl<R> Clone for BatchOrigins<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Send> Provenance for BatchOrigins<R> {
    type Root = R;

    fn origin(&self) -> &Origin<R> {
        &self.0[0]
    }

    fn origins(&self) -> &[Origin<R>] {
        &self.0
    }

    fn row(&self, row: usize, of: usize) -> &Origin<R> {
        match self.0.get(row) {
            Some(origin) if of == self.0.len() => origin,
            _ => self.origin(),
        }
    }
}
