//! `FailedAttempt`: an attempt that failed and was retried.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::causes::BoxError;
use super::causes::write_causes;
use super::kind::ErrorKind;

/// An attempt that failed and was retried.
///
/// [`StageError::failed_attempts`](crate::StageError::failed_attempts) lists them, and an
/// [`Observer`](crate::Observer) receives each one. It displays as `attempt 1: connection refused`.
#[derive(Debug)]
pub struct FailedAttempt {
    pub(crate) attempt: u32,
    pub(crate) kind: ErrorKind,
    pub(crate) cause: Option<BoxError>,
    pub(crate) wait: Duration,
}

impl FailedAttempt {
    /// The number of the attempt, starting at 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How the attempt failed: [`Failed`](ErrorKind::Failed) or [`TimedOut`](ErrorKind::TimedOut).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error that the attempt returned, or a timeout error.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// The scheduled wait before the next attempt.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }
}

impl fmt::Display for FailedAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {}", self.attempt)?;
        write_causes(f, self.error().map(|error| error as _))
    }
}
