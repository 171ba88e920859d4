//! What a stage's failure says.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::causes::BoxError;
use super::causes::write_causes;
use super::failed_attempt::FailedAttempt;
use super::human::human;
use super::kind::ErrorKind;
use super::panic_origin::CallSite;
use super::step_id::StepId;

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
#[derive(Clone)]
pub struct StageError(Arc<Inner>);

struct Inner {
    stage: &'static str,
    step: StepId,
    kind: ErrorKind,
    attempts: u32,
    elapsed: Duration,
    causes: Causes,
    row: Option<Row>,
    alternatives: Vec<StageError>,
}

/// What the attempts said: other people's errors, which cannot be cloned.
enum Causes {
    Own {
        cause: Option<BoxError>,
        earlier: Vec<FailedAttempt>,
    },
    /// What this failure said, when it was told to somebody who still has it.
    SharedWith(StageError),
}

impl Causes {
    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            Self::Own { cause, .. } => cause.as_deref(),
            Self::SharedWith(error) => error.0.causes.cause(),
        }
    }

    fn earlier(&self) -> &[FailedAttempt] {
        match self {
            Self::Own { earlier, .. } => earlier,
            Self::SharedWith(error) => error.0.causes.earlier(),
        }
    }
}

/// A row of a batch that failed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) index: usize,
    pub(crate) of: usize,
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
        self.0.causes.earlier()
    }

    /// The stage's own error, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.cause()?.downcast_ref()
    }

    /// What the stage said last. A deadline may pass during a wait; then that is what the wait was for.
    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        let waited_for = match self.0.kind {
            ErrorKind::DeadlineExceeded => self.0.causes.earlier().last().and_then(FailedAttempt::error),
            _ => None,
        };
        self.0.causes.cause().or(waited_for)
    }

    /// What was tried before, where this is the last of several alternatives, `(primary | mirror)`: what each of the others
    /// said, in order.
    ///
    /// ```
    /// use pipeline::{pipeline, stage};
    ///
    /// #[stage]
    /// async fn primary(_key: u32) -> Result<u32, String> {
    ///     Err("down".to_owned())
    /// }
    ///
    /// #[stage]
    /// async fn mirror(_key: u32) -> Result<u32, String> {
    ///     Err("not there".to_owned())
    /// }
    ///
    /// let error = pipeline![(primary | mirror)].run_blocking(7).unwrap_err();
    /// assert_eq!(error.stage(), "mirror");
    /// assert_eq!(error.alternatives()[0].stage(), "primary");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "stage `mirror` failed: not there (tried before it: stage `primary` failed: down)"
    /// );
    /// ```
    #[must_use]
    pub fn alternatives(&self) -> &[StageError] {
        &self.0.alternatives
    }

    /// The same failure, after others were tried.
    pub(crate) fn after_alternatives(mut self, mut others: Vec<StageError>) -> Self {
        let inner = self.make_mut();
        others.append(&mut inner.alternatives);
        inner.alternatives = others;
        self
    }

    /// What it says, to be changed: if somebody else has it as well, a copy for this one.
    fn make_mut(&mut self) -> &mut Inner {
        if Arc::get_mut(&mut self.0).is_none() {
            let Inner { stage, step, kind, attempts, elapsed, row, ref alternatives, .. } = *self.0;
            let (causes, alternatives) = (Causes::SharedWith(self.clone()), alternatives.clone());
            self.0 = Arc::new(Inner { stage, step, kind, attempts, elapsed, causes, row, alternatives });
        }
        Arc::get_mut(&mut self.0).expect("nobody else has what was just made")
    }

    /// Which row of its batch failed, of a stage with `split_on_failure`; the first is 0.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.0.row.map(|row| row.index)
    }

    pub(crate) fn row_position(&self) -> Option<Row> {
        self.0.row
    }

    /// Whether it is the source that failed, by a panic.
    pub(crate) fn is_of_source(&self) -> bool {
        self.0.stage == "source" && self.0.step == StepId::NONE
    }

    /// The same failure, of one row of a batch.
    pub(crate) fn on_row(mut self, row: Row) -> Self {
        self.make_mut().row = Some(row);
        self
    }

    /// The same failure, at this step unless it says another.
    pub(crate) fn or_at_step(mut self, step: StepId) -> Self {
        if self.0.step == StepId::NONE {
            self.make_mut().step = step;
        }
        self
    }

    /// The step that failed, among those of the run.
    pub(crate) fn step(&self) -> StepId {
        self.0.step
    }

    /// The failure of a call, after so many attempts were started.
    pub(crate) fn new(
        site: CallSite,
        kind: ErrorKind,
        cause: Option<BoxError>,
        elapsed: Duration,
        earlier: Vec<FailedAttempt>,
    ) -> Self {
        let CallSite { stage, step, attempt, .. } = site;
        let causes = Causes::Own { cause, earlier };
        let (row, alternatives) = (None, Vec::new());
        Self(Arc::new(Inner { stage, step, kind, attempts: attempt, elapsed, causes, row, alternatives }))
    }

    pub(crate) fn panicked(site: CallSite, payload: Box<dyn Any + Send>) -> Self {
        let message = match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => match payload.downcast_ref::<&str>() {
                Some(message) => (*message).to_owned(),
                None => "a panic whose payload is not a message".to_owned(),
            },
        };
        Self::new(site, ErrorKind::Panicked, Some(message.into()), Duration::ZERO, Vec::new())
    }

    /// What an item gets that the run was stopped in front of.
    pub(crate) fn not_started(stage: &'static str) -> Self {
        let site = CallSite { stage, step: StepId::NONE, attempt: 0, waiting: false };
        let cause = "the run was stopped before the item was taken".into();
        Self::new(site, ErrorKind::Cancelled, Some(cause), Duration::ZERO, Vec::new())
    }

    /// What an item gets that was given up on its way.
    pub(crate) fn cancelled(stage: &'static str) -> Self {
        let site = CallSite { stage, step: StepId::NONE, attempt: 1, waiting: false };
        let cause = "the run was stopped before the item was done".into();
        Self::new(site, ErrorKind::Cancelled, Some(cause), Duration::ZERO, Vec::new())
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { stage, kind, attempts, elapsed, row, .. } = &*self.0;
        let what = match kind {
            ErrorKind::Failed => "failed",
            ErrorKind::TimedOut => "timed out",
            ErrorKind::DeadlineExceeded => "ran out of time",
            ErrorKind::Panicked => "panicked",
            ErrorKind::Cancelled => "was cancelled",
        };
        write!(f, "stage `{stage}` {what}")?;
        if let Some(Row { index, of }) = row {
            write!(f, " on row {} of {of}", index + 1)?;
        }
        if *attempts > 1 {
            write!(f, " after {attempts} attempts")?;
        }
        if !elapsed.is_zero() {
            write!(f, " in {}", human(*elapsed))?;
        }
        write_causes(f, self.cause())?;
        let mut others = self.0.alternatives.iter();
        if let Some(first) = others.next() {
            write!(f, " (tried before it: {first}")?;
            others.try_for_each(|other| write!(f, "; {other}"))?;
            write!(f, ")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { stage, step: _, kind, attempts, elapsed, causes, row, alternatives } = &*self.0;
        f.debug_struct("StageError")
            .field("stage", stage)
            .field("kind", kind)
            .field("attempts", attempts)
            .field("elapsed", elapsed)
            .field("source", &causes.cause())
            .field("failed_attempts", &causes.earlier())
            .field("row", &row.map(|row| row.index))
            .field("alternatives", alternatives)
            .finish()
    }
}

impl Error for StageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().map(|cause| cause as &(dyn Error + 'static))
    }
}
