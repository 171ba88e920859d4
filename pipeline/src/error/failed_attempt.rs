//! An attempt that failed and was followed by another.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::causes::BoxError;
use super::causes::write_causes;
use super::kind::ErrorKind;

/// An attempt that failed and was followed by another.
#[derive(Debug)]
pub struct FailedAttempt {
    pub(crate) attempt: u32,
    pub(crate) kind: ErrorKind,
    pub(crate) cause: Option<BoxError>,
    pub(crate) wait: Duration,
}

impl FailedAttempt {
    /// Which attempt it was; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// [`Failed`](ErrorKind::Failed) or [`TimedOut`](ErrorKind::TimedOut).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the attempt returned, or that it was not done in time.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// The wait that was to follow.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }
}

impl fmt::Display for FailedAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {}", self.attempt)?;
        write_causes(f, self.error())
    }
}
