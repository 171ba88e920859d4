//! `Observer`: callbacks for the events of a run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::outcome::Outcome;
use super::stage_call::StageCall;

use crate::error::failed_attempt::FailedAttempt;
use crate::report::run_id::RunId;
use crate::report::summary::Report;

/// Callbacks for the events of a pipeline's runs. Attach it with [`Pipeline::observe`](crate::Pipeline::observe).
///
/// All methods have an empty default implementation. They are called synchronously by the run, on its thread, so they must
/// be fast and must not block. A panic in one is caught and [counted](Report::observer_panics), and does not affect the item.
/// [`events`](crate::events) turns the callbacks into a stream.
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
///         println!("{} of item {}: {attempt}, retry in {:?}", call.stage(), call.index(), attempt.wait());
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
    /// A run starts: one call of `run`, `collect`, `drain`, `settle` or `stream`.
    fn run_started(&self, run: RunId) {
        let _ = run;
    }

    /// A stage is called on an item. It is called once per call, not per attempt.
    fn stage_started(&self, call: &StageCall<'_>) {
        let _ = call;
    }

    /// An attempt failed and will be retried after its [`wait`](FailedAttempt::wait). The error of the last attempt is passed to
    /// [`stage_finished`](Self::stage_finished).
    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        let _ = (call, attempt);
    }

    /// A call ended: it succeeded, failed (also by a panic) or was cancelled. `elapsed` is its duration.
    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome, elapsed: Duration) {
        let _ = (call, outcome, elapsed);
    }

    /// An item of the source is over: all that came of it came out at the end, failed, or was cancelled. It is told once per
    /// item, with the worst outcome: an item whose rows or batch failed has failed. `index` is its position in the source,
    /// starting at 0.
    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome) {
        let _ = (run, index, outcome);
    }

    /// The run ended. A run whose future is dropped ends too.
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

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome, elapsed: Duration) {
        T::stage_finished(self, call, outcome, elapsed);
    }

    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome) {
        T::item_finished(self, run, index, outcome);
    }

    fn run_finished(&self, run: RunId, report: &Report) {
        T::run_finished(self, run, report);
    }
}

/// Calls an observer. Returns false if it panicked.
pub(crate) fn catch_observer_panic(call: impl FnOnce()) -> bool {
    // Unwind safe: an observer is responsible for its own state after a panic.
    catch_unwind(AssertUnwindSafe(call)).is_ok()
}
