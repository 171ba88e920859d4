//! What a stage's failure says.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::display::human;

/// Any error, as stages hand them over.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a stage failed on an item: which stage, how, after how many attempts, and what each of them said.
///
/// It displays as one line, such as ``stage `fetch` failed after 4 attempts in 1.2s: connection refused``.
///
/// ```
/// use pipeline::{pipeline, stage, ErrorKind};
///
/// #[stage]
/// fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// let error = pipeline![parse].run_blocking("7x".to_owned()).unwrap_err();
/// assert_eq!(error.stage(), "parse");
/// assert_eq!(error.kind(), ErrorKind::Failed);
/// assert_eq!(error.to_string(), "stage `parse` failed: invalid digit found in string");
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
pub struct StageError(Box<Inner>);

struct Inner {
    stage: &'static str,
    kind: ErrorKind,
    attempts: u32,
    elapsed: Duration,
    cause: Option<BoxError>,
    earlier: Vec<FailedAttempt>,
}

/// How a stage failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl StageError {
    /// The name of the stage that failed.
    #[must_use]
    pub fn stage(&self) -> &str {
        self.0.stage
    }

    /// How it failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How many attempts were started: 1 for a stage without retries, and 0 if the deadline passed while the call waited
    /// for its first turn.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the call took, all attempts and waits together.
    ///
    /// The watch is started when the call first has to wait for something, or first fails: reading the clock at
    /// every call would cost more than most calls. What a stage computes before that does not count.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The failed attempts that were followed by another, in order. What the last one said is the
    /// [`source`](Error::source).
    #[must_use]
    pub fn failed_attempts(&self) -> &[FailedAttempt] {
        &self.0.earlier
    }

    /// The stage's own error, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.cause()?.downcast_ref()
    }

    /// What the stage said last. A deadline may pass during a wait; then that is what the wait was for.
    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        let waited_for = match self.0.kind {
            ErrorKind::DeadlineExceeded => self.0.earlier.last().and_then(FailedAttempt::error),
            _ => None,
        };
        self.0.cause.as_deref().or(waited_for)
    }

    pub(crate) fn new(stage: &'static str, kind: ErrorKind, cause: Option<BoxError>) -> Self {
        Self(Box::new(Inner {
            stage,
            kind,
            attempts: 1,
            elapsed: Duration::ZERO,
            cause,
            earlier: Vec::new(),
        }))
    }

    pub(crate) fn with_history(
        mut self,
        attempts: u32,
        elapsed: Duration,
        earlier: Vec<FailedAttempt>,
    ) -> Self {
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self.0.earlier = earlier;
        self
    }

    pub(crate) fn panicked(stage: &'static str, attempt: u32, payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => match payload.downcast_ref::<&str>() {
                Some(message) => (*message).to_owned(),
                None => "a panic whose payload is not a message".to_owned(),
            },
        };
        Self::new(stage, ErrorKind::Panicked, Some(message.into())).with_history(
            attempt,
            Duration::ZERO,
            Vec::new(),
        )
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { stage, kind, attempts, elapsed, .. } = &*self.0;
        let what = match kind {
            ErrorKind::Failed => "failed",
            ErrorKind::TimedOut => "timed out",
            ErrorKind::DeadlineExceeded => "ran out of time",
            ErrorKind::Panicked => "panicked",
            ErrorKind::Cancelled => "was cancelled",
        };
        write!(f, "stage `{stage}` {what}")?;
        if *attempts > 1 {
            write!(f, " after {attempts} attempts")?;
        }
        if !elapsed.is_zero() {
            write!(f, " in {}", human(*elapsed))?;
        }
        write_causes(f, self.cause())
    }
}

/// Writes a cause and what is behind it: many an error only says what it was doing, and its source why that failed.
fn write_causes(
    f: &mut fmt::Formatter<'_>,
    cause: Option<&(dyn Error + Send + Sync + 'static)>,
) -> fmt::Result {
    let mut next = cause.map(|cause| cause as &(dyn Error + 'static));
    let mut before = String::new();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some errors say what their source says, too.
        if !before.contains(&text) {
            write!(f, ": {text}")?;
            before = text;
        }
        next = cause.source();
    }
    Ok(())
}

impl fmt::Debug for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { stage, kind, attempts, elapsed, cause, earlier } = &*self.0;
        f.debug_struct("StageError")
            .field("stage", stage)
            .field("kind", kind)
            .field("attempts", attempts)
            .field("elapsed", elapsed)
            .field("source", cause)
            .field("failed_attempts", earlier)
            .finish()
    }
}

impl Error for StageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().map(|cause| cause as &(dyn Error + 'static))
    }
}
