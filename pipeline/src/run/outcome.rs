//! `Outcome`: how a call or an item ended.

use crate::error::stage_error::StageError;

/// How a call of a stage, or an item, ended. Passed to an [`Observer`](crate::Observer), and part of an
/// [`Event`](crate::Event).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// It failed after its last attempt. A panic is an error of kind [`Panicked`](crate::ErrorKind::Panicked).
    Failed(StageError),
    /// It was dropped before it finished.
    Cancelled,
}
