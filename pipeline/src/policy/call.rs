//! One call of a stage under its policy.

use std::future::Future;

use super::Spec;
use super::clock::{Clock, Late};
use super::limits::Limit;
use crate::error::{BoxError, ErrorKind, FailedAttempt};
use crate::footing::{Footing, Place};
use crate::function::{Again, Function, Repeat};
use crate::{Scope, StageError};

/// A call of a stage that is attempted once.
///
/// # Errors
///
/// The call's failure.
pub async fn single<F, In, S, L>(
    stage: &F,
    spec: &Spec,
    limit: &L,
    input: In,
    cx: &Scope<'_, S>,
) -> Result<F::Out, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
    L: Limit,
{
    let footing = Footing::new(cx.item(), Place { stage: spec.name, attempt: 1 });
    let mut call = Call::new(spec);
    let outcome = match call.turn(limit).await {
        Ok(_permit) => call.attempt(stage.once(input, *cx, Place { stage: spec.name, attempt: 1 })).await,
        Err(late) => Err(late),
    };
    footing.release();
    call.finish(outcome)
}

/// A call of a stage that is attempted again when it fails.
///
/// # Errors
///
/// The call's failure.
pub async fn retrying<F, In, S, L>(
    stage: &F,
    Again(copy): Again<F::Kept, F::Moved>,
    spec: &Spec,
    limit: &L,
    input: In,
    cx: &Scope<'_, S>,
) -> Result<F::Out, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Limit,
{
    let mut footing = Footing::new(cx.item(), Place { stage: spec.name, attempt: 1 });
    let mut call = Call::new(spec);
    let kept = F::keep(input);
    while call.attempts < spec.retries {
        let attempt = call.attempts + 1;
        footing.set(Place { stage: spec.name, attempt: attempt });
        let outcome = match call.turn(limit).await {
            Ok(_permit) => {
                call.attempt(stage.again(
                    &kept,
                    copy(&kept),
                    *cx,
                    Place { stage: spec.name, attempt: attempt },
                ))
                .await
            }
            Err(late) => Err(late),
        };
        let retry = match &outcome {
            Ok(Ok(_)) | Err(Late::Call) => None,
            Ok(Err(error)) => stage.retry_if(error).then(|| stage.retry_after(error)),
            Err(Late::Attempt) => Some(None),
        };
        let Some(floor) = retry else {
            footing.release();
            return call.finish(outcome);
        };
        let wait = spec.backoff.draw(attempt, || cx.run().rng(cx.item().index(), spec.name, attempt));
        let wait = wait.max(floor.unwrap_or_default());
        let (kind, cause) = describe(outcome);
        call.earlier.push(FailedAttempt { attempt, kind, cause, wait });
        if call.wait(wait).await.is_err() {
            footing.release();
            return Err(call.fail(ErrorKind::DeadlineExceeded, None));
        }
    }
    let last = call.attempts + 1;
    footing.set(Place { stage: spec.name, attempt: last });
    let outcome = match call.turn(limit).await {
        Ok(_permit) => call.attempt(stage.last(kept, *cx, Place { stage: spec.name, attempt: last })).await,
        Err(late) => Err(late),
    };
    footing.release();
    call.finish(outcome)
}

/// What is known of a call while it goes on.
struct Call<'a> {
    spec: &'a Spec,
    clock: Clock,
    /// The attempts that were started.
    attempts: u32,
    /// Those that failed and were to be followed by another. Empty, and not allocated, while nothing fails.
    earlier: Vec<FailedAttempt>,
}

impl<'a> Call<'a> {
    fn new(spec: &'a Spec) -> Self {
        Self { spec, clock: Clock::new(spec.deadline), attempts: 0, earlier: Vec::new() }
    }

    /// Waits for the turn of the next attempt. The permit is to live as long as the attempt.
    async fn turn<'l, L: Limit>(&mut self, limit: &'l L) -> Result<L::Permit<'l>, Late>
    where
        'a: 'l,
    {
        let permit = self.clock.limit(None, limit.enter(self.spec)).await?;
        self.attempts += 1;
        Ok(permit)
    }

    /// Runs one attempt for as long as it may take.
    async fn attempt<A: Future>(&mut self, attempt: A) -> Result<A::Output, Late> {
        self.clock.limit(self.spec.timeout, attempt).await
    }

    /// Waits between two attempts, with no permit held.
    async fn wait(&mut self, wait: std::time::Duration) -> Result<(), Late> {
        // Starts the watch, if nothing had to wait so far.
        self.clock.elapsed();
        let Some(until) = tokio::time::Instant::now().checked_add(wait) else {
            return self.clock.limit(None, std::future::pending()).await;
        };
        self.clock.limit(None, super::clock::sleep(until)).await
    }

    /// The end of the call.
    fn finish<T, E: Into<BoxError>>(self, outcome: Result<Result<T, E>, Late>) -> Result<T, StageError> {
        match outcome {
            Ok(Ok(value)) => Ok(value),
            failed => {
                let (kind, cause) = describe(failed);
                Err(self.fail(kind, cause))
            }
        }
    }

    #[cold]
    fn fail(mut self, kind: ErrorKind, cause: Option<BoxError>) -> StageError {
        let elapsed = self.clock.elapsed();
        StageError::new(self.spec.name, kind, cause).with_history(self.attempts, elapsed, self.earlier)
    }
}

/// How an attempt that gave no value failed, and what it said.
#[cold]
fn describe<T, E: Into<BoxError>>(outcome: Result<Result<T, E>, Late>) -> (ErrorKind, Option<BoxError>) {
    match outcome {
        Ok(Ok(_)) => unreachable!("an attempt that gave its value did not fail"),
        Ok(Err(error)) => (ErrorKind::Failed, Some(error.into())),
        Err(Late::Attempt) => (ErrorKind::TimedOut, None),
        Err(Late::Call) => (ErrorKind::DeadlineExceeded, None),
    }
}
