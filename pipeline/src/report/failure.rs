//! `Failure`: a failed item.

use std::error::Error;
use std::fmt;

use crate::error::stage_error::StageError;

/// A failed item: its position in the source, and its error.
///
/// It displays as ``item 1: stage `parse` failed``. The error that the stage returned is its [`source`](Error::source), and the
/// alternate form `{:#}` adds the chain of sources: ``item 1: stage `parse` failed: invalid digit found in string``.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The position of the item in the source, starting at 0.
    ///
    /// After `each` it is the position of the source item that the failed one came from; after `batch`, that of the first
    /// item of the batch.
    pub index: usize,
    /// The error of the stage that failed.
    pub error: StageError,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}: ", self.index)?;
        self.error.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The display has that of the error already.
        self.error.source()
    }
}
