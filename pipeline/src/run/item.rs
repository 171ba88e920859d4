//! `Item`: the bookkeeping of one item of a run.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::extensions::Extensions;
use super::lock::lock;
use super::order::Place;
use super::shared::Run;

use crate::error::stage_error::StageError;

/// One item of a run. One is created per item, so it is small and allocates only on demand.
///
/// Its fields are whole words, and `extra` comes before those that are zero too. Otherwise the zeros are written by stores that
/// overlap, and a processor takes several nanoseconds to load what two stores have written.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Item<'a> {
    run: &'a Run<'a>,
    /// In a mutex and no `OnceLock`, whose destructor is longer: each call of `run` has it.
    extra: Mutex<Option<Arc<ItemExtras>>>,
    index: usize,
    /// 1 if all calls of the item are timed from their start.
    observed: usize,
    /// The place of the item in its segment, if the pipeline has stages with `in_order`.
    place: Option<&'a Place>,
}

/// Data that few items need, allocated on first use.
#[derive(Debug, Default)]
pub(crate) struct ItemExtras {
    pub(crate) extensions: Extensions,
    /// Rows that failed alone, while the rest of their batch succeeded.
    isolated: Mutex<Vec<StageError>>,
}

impl<'a> Item<'a> {
    /// With `observed`, all calls of the item are timed from their start, and reported to observers.
    #[inline]
    pub(crate) fn new(run: &'a Run<'a>, index: usize, observed: bool) -> Self {
        Self { run, index, observed: usize::from(observed), place: None, extra: Mutex::new(None) }
    }

    /// The same item with a place in the order of its segment.
    pub(crate) fn at_place(self, place: Option<&'a Place>) -> Self {
        Self { place, ..self }
    }

    pub(crate) fn place(&self) -> Option<&'a Place> {
        self.place
    }

    #[inline]
    pub(crate) fn run(&self) -> &'a Run<'a> {
        self.run
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Whether all calls of the item are timed from their start.
    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        self.observed != 0
    }

    #[cold]
    pub(crate) fn extra(&self) -> Arc<ItemExtras> {
        Arc::clone(lock(&self.extra).get_or_insert_default())
    }

    fn allocated_extra(&self) -> Option<Arc<ItemExtras>> {
        lock(&self.extra).clone()
    }

    /// Records a row that failed alone.
    #[cold]
    pub(crate) fn isolate(&self, row: StageError) {
        lock(&self.extra().isolated).push(row);
    }

    /// Removes the isolated rows of these steps, because another alternative is tried in their place. Rows of other steps,
    /// which may run concurrently, stay.
    pub(crate) fn forget_isolated(&self, steps: &Range<usize>) {
        if let Some(extra) = self.allocated_extra() {
            lock(&extra.isolated).retain(|row| !steps.contains(&row.step().index()));
        }
    }

    /// Whether the extra data was allocated.
    #[inline]
    pub(crate) fn has_extra(&mut self) -> bool {
        self.extra.get_mut().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes the rows that failed alone.
    pub(crate) fn isolated(&self) -> Vec<StageError> {
        self.allocated_extra().map(|extra| std::mem::take(&mut *lock(&extra.isolated))).unwrap_or_default()
    }
}
