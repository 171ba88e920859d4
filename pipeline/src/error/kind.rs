//! How a stage failed.

/// How a stage failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The stage returned an error.
    Failed,
    /// The last attempt took longer than the stage's `timeout`.
    TimedOut,
    /// All attempts and waits together took longer than the stage's `deadline`.
    DeadlineExceeded,
    /// The stage panicked.
    Panicked,
    /// The run was stopped before the item was done.
    Cancelled,
}
