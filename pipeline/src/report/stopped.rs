//! `Stopped`: how a run was stopped before the end of its source.

use std::fmt;

/// How a run was stopped. See [`Report::stopped`](crate::Report::stopped).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Stopped {
    /// By a cancelled token: the source was not read any more, and the items in flight finished.
    Gracefully,
    /// By a second cancelled token, or by the end of the [grace period](crate::Pipeline::grace): the items in flight were
    /// dropped.
    Immediately,
    /// By the first failure, in [`Strict`](crate::ErrorMode::Strict) mode; or, in any mode, by what ended the whole run, such as
    /// a source that is an `Err`.
    AtFailure,
    /// The tokio runtime of the run, or of its workers, was shut down. The items add up, but what worker tasks counted for their
    /// stages is lost with them.
    RuntimeShutDown,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gracefully => "stopped, items in flight finished",
            Self::Immediately => "stopped, items in flight dropped",
            Self::AtFailure => "stopped at the first failure",
            Self::RuntimeShutDown => "the tokio runtime was shut down",
        })
    }
}
