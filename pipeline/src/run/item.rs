//! One item on its way.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::extensions::Extensions;
use super::shared::Run;
use crate::error::stage_error::StageError;

/// One item of a run. Made for each, so it is small, and owns nothing until somebody asks for it.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    run: &'a Run<'a>,
    index: usize,
    observed: bool,
    extra: OnceLock<Arc<ItemExtras>>,
}

/// What few items need.
#[derive(Debug, Default)]
pub(crate) struct ItemExtras {
    pub(crate) extensions: Extensions,
    isolated: Mutex<Vec<StageError>>,
}

impl<'a> Item<'a> {
    /// `watched` asks for all its calls to be watched from their beginning.
    #[inline]
    pub(crate) fn new(run: &'a Run<'a>, index: usize, observed: bool) -> Self {
        Self { run, index, observed, extra: OnceLock::new() }
    }

    #[inline]
    pub(crate) fn run(&self) -> &'a Run<'a> {
        self.run
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Whether its calls are watched from their beginning.
    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        self.observed
    }

    #[cold]
    pub(crate) fn extra(&self) -> &Arc<ItemExtras> {
        self.extra.get_or_init(Arc::default)
    }

    /// Notes a row that failed without its batch.
    #[cold]
    pub(crate) fn isolate(&self, row: StageError) {
        lock(&self.extra().isolated).push(row);
    }

    /// Forgets the rows that failed in these steps: something else is tried in their place. Those that failed elsewhere,
    /// maybe at the same time, stay.
    pub(crate) fn forget_isolated(&self, steps: &Range<usize>) {
        if let Some(extra) = self.extra.get() {
            lock(&extra.isolated).retain(|row| !steps.contains(&row.step().index()));
        }
    }

    /// Whether anybody asked for what few items need.
    #[inline]
    pub(crate) fn has_extra(&self) -> bool {
        self.extra.get().is_some()
    }

    /// The rows that failed without their batch.
    pub(crate) fn isolated(&self) -> Vec<StageError> {
        self.extra.get().map(|extra| std::mem::take(&mut *lock(&extra.isolated))).unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
