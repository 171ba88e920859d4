//! `ErrorKind`: how a stage failed.

/// How a stage failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The stage returned an error.
    Failed,
    /// The last attempt exceeded the stage's `timeout`.
    TimedOut,
    /// The call, with all its attempts, waits and queues, exceeded the stage's `deadline`.
    DeadlineExceeded,
    /// The stage panicked.
    Panicked,
    /// The run was stopped before the item was finished, or before it was started.
    Cancelled,
}
