//! What a pipeline keeps to besides its stages.

use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use super::observer::Observer;
use crate::dead_letters::delivery::DeadLetterConfig;

/// What becomes of a run when an item fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ErrorMode {
    /// The first failure cancels the rest.
    #[default]
    Strict,
    /// Failures are counted and logged (as [`tracing`](https://docs.rs/tracing) warnings), and the run goes on.
    Lenient,
    /// Failures are kept in the [`Report`](crate::Report), and the run goes on.
    Collect,
}

pub(crate) struct Settings<In> {
    pub(crate) run: RunSettings,
    pub(crate) dead_letters: Option<DeadLetterConfig<In>>,
}

/// What does not depend on the items.
#[derive(Clone)]
pub(crate) struct RunSettings {
    pub(crate) concurrency: usize,
    pub(crate) workers: usize,
    pub(crate) ordered: bool,
    pub(crate) mode: ErrorMode,
    pub(crate) cancel: Arc<[CancellationToken]>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) seed: Option<u64>,
}

impl<In> Settings<In> {
    /// Whether there is nothing that a single item has to know of.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.dead_letters.is_none() && self.run.observers.is_empty() && self.run.cancel.is_empty()
    }
}

impl<In> Default for Settings<In> {
    fn default() -> Self {
        let run = RunSettings {
            concurrency: 64,
            workers: 1,
            ordered: true,
            mode: ErrorMode::Strict,
            cancel: Arc::default(),
            observers: Vec::new(),
            seed: None,
        };
        Self { run, dead_letters: None }
    }
}

impl<In> Clone for Settings<In> {
    fn clone(&self) -> Self {
        Self { run: self.run.clone(), dead_letters: self.dead_letters.clone() }
    }
}

impl<In> fmt::Debug for Settings<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunSettings { concurrency, workers, ordered, mode, seed, .. } = &self.run;
        f.debug_struct("Settings")
            .field("concurrency", concurrency)
            .field("workers", workers)
            .field("ordered", ordered)
            .field("mode", mode)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}
