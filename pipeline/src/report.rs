//! What came of a run of many items.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::StageError;
use crate::display::human;

/// An item that failed: where it stood in the source, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The position of the item in the source; the first is 0.
    pub index: usize,
    /// What its stage said.
    pub error: StageError,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}: {}", self.index, self.error)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// The counts of a run: each item that was taken in came out, failed, or was cancelled.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) items_in: usize,
    pub(crate) items_out: usize,
    pub(crate) items_failed: usize,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// The items that were taken from the source.
    #[must_use]
    pub fn items_in(&self) -> usize {
        self.items_in
    }

    /// The items that came out at the end.
    #[must_use]
    pub fn items_out(&self) -> usize {
        self.items_out
    }

    /// The items that a stage failed on.
    #[must_use]
    pub fn items_failed(&self) -> usize {
        self.items_failed
    }

    /// The items that were given up while they were under way.
    #[must_use]
    pub fn items_cancelled(&self) -> usize {
        self.items_in - self.items_out - self.items_failed
    }

    /// How long the run took.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Whether all that was taken in came out.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.items_in == self.items_out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elapsed = human(self.elapsed);
        write!(
            f,
            "{} items in, {} out, {} failed, {} cancelled, in {elapsed}",
            self.items_in,
            self.items_out,
            self.items_failed,
            self.items_cancelled(),
        )
    }
}

/// A run that was given up at its first failure.
#[derive(Debug)]
#[non_exhaustive]
pub struct Aborted {
    /// The failure.
    pub failure: Failure,
    /// What was done before it.
    pub report: Report,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.failure, self.report)
    }
}

impl Error for Aborted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.failure.error)
    }
}
