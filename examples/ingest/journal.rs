//! The requests that gave no page, as an observer sees them.
//!
//! A page that failed for good lists its attempts in its error. A page that came in the end has no error: what it cost
//! is known to whoever watched.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline::{FailedAttempt, Observer, Outcome, StageCall};

/// The stage that sends the requests.
const STAGE: &str = "fetch";

/// Writes down the requests that fail.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<FailedRequest>>);

/// A request that gave no page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FailedRequest {
    /// The position of the page among the pages, from 0.
    pub(crate) page: usize,
    /// Which request for this page it was, from 1.
    pub(crate) attempt: u32,
    pub(crate) said: String,
}

impl Observer for Journal {
    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        if call.stage() == STAGE {
            let said = attempt.error().map(ToString::to_string).unwrap_or_default();
            self.requests().push(FailedRequest { page: call.index(), attempt: attempt.attempt(), said });
        }
    }

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome, _: Duration) {
        let Outcome::Failed(error) = outcome else { return };
        // The last attempt has none after it. (There is no last one where the time ran out during a wait.)
        let before = error.failed_attempts().last().map_or(0, FailedAttempt::attempt);
        if call.stage() == STAGE && error.attempts() > before {
            let said = error.source().map(ToString::to_string).unwrap_or_default();
            self.requests().push(FailedRequest { page: call.index(), attempt: error.attempts(), said });
        }
    }
}

impl Journal {
    /// What is written, by page and attempt.
    pub(crate) fn failed(&self) -> Vec<FailedRequest> {
        let mut failed = self.requests().clone();
        failed.sort();
        failed
    }

    /// Nothing is left half written where the lock is held, so a panic elsewhere does no harm to it.
    fn requests(&self) -> MutexGuard<'_, Vec<FailedRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pipeline::{Context, pipeline, stage};

    use super::*;

    /// Page 0 comes, page 1 comes the second time, page 2 never does.
    #[stage(retries = 1, delay = "1ms")]
    fn fetch(page: u32, #[context] cx: &Context) -> Result<u32, String> {
        if cx.attempt() > page { Ok(page) } else { Err(format!("no {}", cx.attempt())) }
    }

    #[tokio::test]
    async fn each_request_that_failed_is_written_down_once() {
        let journal = Arc::new(Journal::default());
        pipeline![fetch].observe(Arc::clone(&journal)).settle(0..3).await;

        let failed = |page, attempt| FailedRequest { page, attempt, said: format!("no {attempt}") };
        assert_eq!(journal.failed(), [failed(1, 1), failed(2, 1), failed(2, 2)]);
    }

    #[stage(name = "upsert")]
    fn fails() -> Result<(), String> {
        Err("locked".to_owned())
    }

    #[tokio::test]
    async fn other_stages_send_no_requests() {
        let journal = Arc::new(Journal::default());
        pipeline![fails].observe(Arc::clone(&journal)).settle([()]).await;
        assert_eq!(journal.failed(), []);
    }
}
