//! `StageError`: the error of a failed call.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::causes::BoxError;
use super::causes::write_causes;
use super::failed_attempt::FailedAttempt;
use super::human::format_duration;
use super::kind::ErrorKind;
use super::no_further_attempt::NoFurtherAttempt;
use super::panic_origin::{CallSite, panic_message};
use super::step_id::StepId;

/// Why a stage failed on an item: the stage, the kind of failure, and the error of each attempt.
///
/// It is cheap to clone. It displays as the stage and what happened, such as ``stage `fetch` failed after 4 attempts in 1.2s``.
/// The error that the stage returned is its [`source`](Error::source). The alternate form `{:#}` adds the chain of sources, on
/// the same line: ``stage `fetch` failed after 4 attempts in 1.2s: connection refused``.
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
/// assert_eq!(error.to_string(), "stage `parse` failed");
/// assert_eq!(format!("{error:#}"), "stage `parse` failed: invalid digit found in string");
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

/// The errors of the attempts. They are user types, which cannot be cloned.
enum Causes {
    Own {
        cause: Option<BoxError>,
        earlier: Vec<FailedAttempt>,
    },
    /// The causes are in another clone of this error, which was made before this one was modified.
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

/// The position of a row that failed alone, and the size of its batch.
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

    /// How the stage failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The number of attempts that were started.
    ///
    /// It is 1 for a stage without retries. It is 0 if the deadline passed while the call was queued for its first
    /// attempt, or if the run was stopped before the item was started.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The duration of the call, including all attempts and waits.
    ///
    /// Timing starts when the call first returns `Pending`, or first fails: reading the clock at every call would cost
    /// more than most calls. Computation before that point is not included.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The failed attempts that were retried, in order. The error of the last attempt is the [`source`](Error::source).
    #[must_use]
    pub fn failed_attempts(&self) -> &[FailedAttempt] {
        self.0.causes.earlier()
    }

    /// The error that the stage returned, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        let cause = self.cause()?;
        match cause.downcast_ref::<NoFurtherAttempt>() {
            Some(NoFurtherAttempt { last, .. }) => last.as_ref()?.downcast_ref(),
            None => cause.downcast_ref(),
        }
    }

    /// The error of the last attempt. If the deadline passed during a wait, it is the error of the attempt before the wait.
    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        let before_wait = match self.0.kind {
            ErrorKind::DeadlineExceeded => self.0.causes.earlier().last().and_then(FailedAttempt::error),
            _ => None,
        };
        self.0.causes.cause().or(before_wait)
    }

    /// The errors of the alternatives that were tried before this one in `(primary | mirror)`, in order.
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
    /// assert_eq!(error.to_string(), "stage `mirror` failed (tried before it: stage `primary` failed: down)");
    /// ```
    #[must_use]
    pub fn alternatives(&self) -> &[StageError] {
        &self.0.alternatives
    }

    /// Adds the errors of the alternatives that were tried before this one.
    pub(crate) fn after_alternatives(mut self, mut others: Vec<StageError>) -> Self {
        let inner = self.make_mut();
        others.append(&mut inner.alternatives);
        inner.alternatives = others;
        self
    }

    /// A mutable reference to the contents. If other clones exist, this one gets a copy that shares their causes.
    fn make_mut(&mut self) -> &mut Inner {
        if Arc::get_mut(&mut self.0).is_none() {
            let Inner { stage, step, kind, attempts, elapsed, row, ref alternatives, .. } = *self.0;
            let (causes, alternatives) = (Causes::SharedWith(self.clone()), alternatives.clone());
            self.0 = Arc::new(Inner { stage, step, kind, attempts, elapsed, causes, row, alternatives });
        }
        // The only owner, before or since the lines above: `&mut self` keeps others from cloning it, and nothing makes a `Weak`.
        Arc::get_mut(&mut self.0).expect("an `Arc` that was just created has one owner")
    }

    /// The position in its batch of the row that failed, starting at 0.
    ///
    /// `None` unless the stage has `split_on_failure`.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.0.row.map(|row| row.index)
    }

    pub(crate) fn row_position(&self) -> Option<Row> {
        self.0.row
    }

    /// Whether the source panicked, not a stage.
    pub(crate) fn is_source_panic(&self) -> bool {
        self.0.stage == "source" && self.0.step == StepId::NONE
    }

    /// Marks the error as that of one row of a batch.
    pub(crate) fn on_row(mut self, row: Row) -> Self {
        self.make_mut().row = Some(row);
        self
    }

    /// Sets the step, unless the error already has one.
    pub(crate) fn or_at_step(mut self, step: StepId) -> Self {
        if self.0.step == StepId::NONE {
            self.make_mut().step = step;
        }
        self
    }

    /// The step that failed, in the plan of the run.
    pub(crate) fn step(&self) -> StepId {
        self.0.step
    }

    /// The error of a failed call; `site.attempt` is the number of attempts that were started.
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

    /// The error of a single call that returned an error.
    #[cold]
    pub(crate) fn failed(site: CallSite, error: BoxError, elapsed: Duration) -> Self {
        Self::new(site, ErrorKind::Failed, Some(error), elapsed, Vec::new())
    }

    pub(crate) fn panicked(site: CallSite, payload: Box<dyn Any + Send>) -> Self {
        Self::new(site, ErrorKind::Panicked, Some(panic_message(payload).into()), Duration::ZERO, Vec::new())
    }

    /// The error of an item that was never started.
    pub(crate) fn not_started(stage: &'static str) -> Self {
        let site = CallSite { stage, step: StepId::NONE, attempt: 0, waiting: false };
        let cause = "the run was stopped before the item was taken".into();
        Self::new(site, ErrorKind::Cancelled, Some(cause), Duration::ZERO, Vec::new())
    }

    /// The error of a run whose tokio runtime was shut down.
    pub(crate) fn runtime_shut_down(part: &'static str) -> Self {
        let site = CallSite { stage: part, step: StepId::NONE, attempt: 0, waiting: false };
        let cause = "the tokio runtime was shut down before the end of the run".into();
        Self::new(site, ErrorKind::Cancelled, Some(cause), Duration::ZERO, Vec::new())
    }

    /// The error of a part of a run that cannot work here.
    pub(crate) fn unusable(part: &'static str, problem: String) -> Self {
        let site = CallSite { stage: part, step: StepId::NONE, attempt: 0, waiting: false };
        Self::new(site, ErrorKind::Failed, Some(problem.into()), Duration::ZERO, Vec::new())
    }

    /// The error of an item that was dropped while it was in flight.
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
            write!(f, " in {}", format_duration(*elapsed))?;
        }
        // The errors of the alternatives are not in the chain of sources, so they are written whole.
        let mut others = self.0.alternatives.iter();
        if let Some(first) = others.next() {
            write!(f, " (tried before it: {first:#}")?;
            others.try_for_each(|other| write!(f, "; {other:#}"))?;
            write!(f, ")")?;
        }
        if f.alternate() { write_causes(f, self.source()) } else { Ok(()) }
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
