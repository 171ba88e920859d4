//! An item that failed.

use std::error::Error;
use std::fmt;

use crate::error::stage_error::StageError;

/// An item that failed: where it stood in the source, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The position of the item in the source; the first is 0. Behind `each` it is that of the item that was taken
    /// apart, behind `batch` that of the first of the batch.
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
