//! How a call or an item ended.

use crate::error::stage_error::StageError;

/// How a call of a stage, or the way of an item, ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// It came out well.
    Done,
    /// It failed, for good; a panic is an error of kind [`Panicked`](crate::ErrorKind::Panicked).
    Failed(&'a StageError),
    /// It was given up while it was under way.
    Cancelled,
}

/// How a call of a stage, or the way of an item, ended: an [`Outcome`] to keep.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum End {
    /// It came out well.
    Done,
    /// It failed, for good.
    Failed(StageError),
    /// It was given up while it was under way.
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
