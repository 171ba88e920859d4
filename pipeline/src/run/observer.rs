//! Who is told what happens in a run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::outcome::Outcome;
use super::stage_call::StageCall;
use crate::error::failed_attempt::FailedAttempt;
use crate::report::run_id::RunId;
use crate::report::summary::Report;

/// Is told what happens in the runs of a pipeline: [`Pipeline::observe`](crate::Pipeline::observe).
///
/// Each method does nothing unless it is written. They are called in the middle of the work, on its own thread, so they
/// should be quick and never block. A panic in one is swallowed and [counted](Report::observer_panics): it does not
/// change what becomes of the item.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use std::sync::Arc;
/// use std::time::Duration;
/// use pipeline::{pipeline, stage, FailedAttempt, Observer, StageCall};
///
/// #[derive(Default)]
/// struct Retries(AtomicUsize);
///
/// impl Observer for Retries {
///     fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
///         println!("{} of item {}: {attempt}, again in {:?}", call.stage(), call.index(), attempt.wait());
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// #[stage(retries = 2, delay = "1ms")]
/// async fn fetch(page: u32) -> Result<u32, String> {
///     Err(format!("no page {page}"))
/// }
///
/// let retries = Arc::new(Retries::default());
/// let error = pipeline![fetch].observe(Arc::clone(&retries)).run_blocking(7).unwrap_err();
/// assert_eq!(error.attempts(), 3);
/// assert_eq!(retries.0.load(Ordering::Relaxed), 2);
/// ```
pub trait Observer: Send + Sync {
    /// A run begins: one call of a verb.
    fn run_started(&self, run: RunId) {
        let _ = run;
    }

    /// A stage is called on an item: once, however many attempts follow.
    fn stage_started(&self, call: &StageCall<'_>) {
        let _ = call;
    }

    /// An attempt failed and another follows, after its [`wait`](FailedAttempt::wait). What the last attempt said comes with
    /// [`stage_finished`](Self::stage_finished).
    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        let _ = (call, attempt);
    }

    /// The call is over: done, failed (a panic is a failure) or cancelled.
    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome<'_>, elapsed: Duration) {
        let _ = (call, outcome, elapsed);
    }

    /// An item is over: it came out at the end, failed, or was cancelled.
    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome<'_>) {
        let _ = (run, index, outcome);
    }

    /// The run is over.
    fn run_finished(&self, run: RunId, report: &Report) {
        let _ = (run, report);
    }
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn run_started(&self, run: RunId) {
        T::run_started(self, run);
    }

    fn stage_started(&self, call: &StageCall<'_>) {
        T::stage_started(self, call);
    }

    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        T::attempt_failed(self, call, attempt);
    }

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome<'_>, elapsed: Duration) {
        T::stage_finished(self, call, outcome, elapsed);
    }

    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome<'_>) {
        T::item_finished(self, run, index, outcome);
    }

    fn run_finished(&self, run: RunId, report: &Report) {
        T::run_finished(self, run, report);
    }
}

/// Calls an observer, and says whether it came back.
pub(crate) fn catch_observer_panic(call: impl FnOnce()) -> bool {
    // What an observer leaves half done is its own.
    catch_unwind(AssertUnwindSafe(call)).is_ok()
}
