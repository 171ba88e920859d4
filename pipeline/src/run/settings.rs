//! The settings of a pipeline: error mode, concurrency, cancellation, observers, dead letters.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::observer::Observer;

use crate::dead_letters::delivery::DeadLetterConfig;
use crate::report::run_id::RunId;

/// What a run does when an item fails. Set with [`Pipeline::on_error`](crate::Pipeline::on_error).
///
/// It does not apply to [`settle`](crate::Pipeline::settle), which always returns one result per item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ErrorMode {
    /// The first failure ends the run.
    ///
    /// `collect` and `drain` drop the items in flight and return [`Aborted`](crate::Aborted). A `stream` emits the outputs
    /// before the failure, then the failure, and ends. This is the default.
    #[default]
    Strict,
    /// Failures are counted and logged as [`tracing`](https://docs.rs/tracing) warnings, and the run continues. The first ones,
    /// [100 by default](crate::Pipeline::keep_failures), are kept in [`Report::failures`](crate::Report::failures).
    ///
    /// `collect` still returns [`Aborted`](crate::Aborted) at the end if an item failed.
    Lenient,
    /// All failures are kept in [`Report::failures`](crate::Report::failures), and the run continues.
    ///
    /// `collect` still returns [`Aborted`](crate::Aborted) at the end if an item failed.
    Collect,
}

/// The settings of a pipeline over `In`.
pub(crate) struct Settings<In> {
    /// Whether a single item can take the fast path: no dead letters, observers or cancellation tokens.
    plain: bool,
    pub(crate) run: RunSettings,
    pub(crate) dead_letters: Option<DeadLetterConfig<In>>,
}

/// The settings that do not depend on the item type.
#[derive(Clone)]
pub(crate) struct RunSettings {
    pub(crate) concurrency: usize,
    /// `None` for a multiple of the concurrency.
    pub(crate) parked: Option<usize>,
    pub(crate) workers: usize,
    pub(crate) ordered: bool,
    pub(crate) mode: ErrorMode,
    /// The maximum number of failures in a report, except in `Collect` mode.
    pub(crate) failures_kept: usize,
    /// Whether items that are cancelled are dead letters too.
    pub(crate) cancelled_letters: bool,
    pub(crate) cancel: Arc<[CancellationToken]>,
    /// The time from a soft stop to a hard one.
    pub(crate) grace: Duration,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) seed: Option<u64>,
    /// `None` for a new one each time.
    pub(crate) run_id: Option<RunId>,
}

impl<In> Settings<In> {
    /// Whether a single item can take the fast path: no dead letters, observers or cancellation tokens.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Updates what follows from other settings, after one of them was changed.
    pub(crate) fn update(&mut self) {
        let Self { run, dead_letters, .. } = self;
        self.plain = dead_letters.is_none() && run.observers.is_empty() && run.cancel.is_empty();
    }
}

/// How many items may sleep between attempts without a place, as a multiple of the concurrency.
const PARKED_PER_PLACE: usize = 4;

impl RunSettings {
    /// The maximum number of items that sleep between two attempts and have given their place to others.
    pub(crate) fn max_parked(&self) -> usize {
        self.parked.unwrap_or(match self.concurrency {
            // One item at a time.
            1 => 0,
            concurrency => concurrency.saturating_mul(PARKED_PER_PLACE),
        })
    }
}

impl<In> Default for Settings<In> {
    fn default() -> Self {
        let run = RunSettings {
            concurrency: 64,
            parked: None,
            workers: 1,
            ordered: true,
            mode: ErrorMode::Strict,
            failures_kept: 100,
            cancelled_letters: false,
            cancel: Arc::default(),
            grace: Duration::from_secs(30),
            observers: Vec::new(),
            seed: None,
            run_id: None,
        };
        Self { plain: true, run, dead_letters: None }
    }
}

impl<In> Clone for Settings<In> {
    fn clone(&self) -> Self {
        Self { plain: self.plain, run: self.run.clone(), dead_letters: self.dead_letters.clone() }
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
