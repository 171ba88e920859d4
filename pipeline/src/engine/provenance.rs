//! Where an item came from.

use std::sync::{Arc, Mutex, PoisonError};

/// The position of an item's root in the source; and the root itself, where dead letters want it.
pub struct Origin<R> {
    pub(crate) index: usize,
    pub(crate) source_item: Option<Arc<SourceItem<R>>>,
}

/// An item as it came in, for its dead letter.
pub struct SourceItem<R>(Mutex<Option<R>>);

impl<R> SourceItem<R> {
    pub(crate) fn new(item: R) -> Self {
        Self(Mutex::new(Some(item)))
    }

    /// The item, for whoever asks first: one item is one letter, however many of its parts fail.
    pub(crate) fn take(&self) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<R> Clone for Origin<R> {
    fn clone(&self) -> Self {
        Self { index: self.index, source_item: self.source_item.clone() }
    }
}

/// What travels with an item: its origin, or those of its members.
pub trait Provenance: Clone + Send {
    /// What the source gave.
    type Root;

    /// That of the item; of a batch, that of its first member.
    fn origin(&self) -> &Origin<Self::Root>;

    /// That of the item; of a batch, those of all members.
    fn origins(&self) -> &[Origin<Self::Root>] {
        std::slice::from_ref(self.origin())
    }

    /// That of a row, where there are as many rows as members.
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

/// The origins of the members of a batch.
pub struct BatchOrigins<R>(Arc<[Origin<R>]>);

impl<R> BatchOrigins<R> {
    /// `None` without members.
    pub(crate) fn new(origins: impl Iterator<Item = Origin<R>>) -> Option<Self> {
        let origins: Arc<[_]> = origins.collect();
        (!origins.is_empty()).then_some(Self(origins))
    }

    /// Those of something that is not a batch.
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
