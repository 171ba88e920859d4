//! `RunId`: identifies a run.

use std::fmt;

/// Identifies a run within the process: in logs, and as a key for data that stages keep themselves.
///
/// It displays as `run-1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub(crate) u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}
