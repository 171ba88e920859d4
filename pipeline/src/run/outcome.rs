//! `Outcome` and `End`: how a call or an item ended.

use crate::error::stage_error::StageError;

/// How a call of a stage, or an item, ended. Passed to an [`Observer`](crate::Observer).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// It succeeded.
    Done,
    /// It failed after its last attempt. A panic is an error of kind [`Panicked`](crate::ErrorKind::Panicked).
    Failed(&'a StageError),
    /// It was dropped before it finished.
    Cancelled,
}

/// How a call of a stage, or an item, ended: the owned form of [`Outcome`], for an [`Event`](crate::Event).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum End {
    /// It succeeded.
    Done,
    /// It failed after its last attempt.
    Failed(StageError),
    /// It was dropped before it finished.
    Cancelled,
}

impl From<&Outcome<'_>> for End {
    fn from(outcome: &Outcome<'_>) -> Self {
        match *outcome {
            Outcome::Done => Self::Done,
            Outcome::Failed(error) => Self::Failed(error.clone()),
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}
