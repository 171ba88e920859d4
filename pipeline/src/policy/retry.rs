//! `retries`: the retry loop.

use std::future::{Future, pending};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempt, AttemptError, GuardedWait, acquire, expired, finish};
use super::deadline::within;
use super::gate::Gate;
use super::sleep::sleep;
use super::stage_use::StageUse;
use super::timeout::Expired;
use crate::call::stage_context::PlainContext;
use crate::call::timer::CallTimer;
use crate::error::causes::BoxError;
use crate::error::failed_attempt::FailedAttempt;
use crate::error::kind::ErrorKind;
use crate::error::no_further_attempt::{NoFurtherAttempt, Why};
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::StageError;
use crate::run::cancellation::cancelled;
use crate::run::stage_call::StageCall;
use crate::stage::attribute::Policy;
use crate::stage::function::{Function, Repeat, Retry};

/// Calls a stage, with retries. The first attempt is as cheap as a call of [`single`](super::single::single).
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it starts.
#[inline]
pub(crate) fn retrying<F, In, S, G>(
    stage_use: StageUse<'_, F, G>,
    Retry(copy): Retry<F::Moved>,
    input: In,
    cx: &PlainContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    G: Gate,
{
    // Outside of the async block, where the compiler can still inline `copy`.
    let site =
        CallSite { stage: stage_use.policy.name, step: cx.step(*stage_use.step), attempt: 1, waiting: false };
    let (borrowed, kept, moved) = PanicGuard::guard(site, || {
        let (borrowed, kept) = F::split(input);
        let moved = copy(&kept);
        (borrowed, kept, moved)
    });
    async move {
        // Its fields are not bound to variables, and the site is gone before the attempt is awaited: the future would store
        // what it has already.
        let mut timer = CallTimer::new(cx.item(), cx.step(*stage_use.step));
        let failed = {
            let permit = match acquire!(stage_use.gate, stage_use.policy, &mut timer, 1) {
                Ok(permit) => permit,
                Err(limit) => return Err(expired(stage_use.policy, &mut timer, limit, 0, Vec::new())),
            };
            let future = {
                let site = timer.call_site(stage_use.policy.name, 1);
                PanicGuard::guard(site, || {
                    stage_use.stage.call_again(&borrowed, moved, cx.stage_context(), site)
                })
            };
            match Attempt::new(future, &mut timer, stage_use.policy, 1).await {
                Ok(value) => {
                    timer.finish();
                    G::record(&permit, stage_use.policy, true);
                    return Ok(value);
                }
                Err(error) => Failed::classify::<F, In, S, G>(stage_use, error, &permit, &timer, 1),
            }
        };
        // Boxed to keep the future small for calls that succeed; a failure allocates anyway.
        let kept = OwnedArgs(Some(kept));
        Box::pin(retry(stage_use, copy, &borrowed, kept, cx, &mut timer, Some(failed), &mut false)).await
    }
}

/// Calls a stage, with retries, and leaves the input with the caller. An error comes with whether the failure is worth a split.
pub(super) async fn call_with_kept<F, In, S, G>(
    stage_use: StageUse<'_, F, G>,
    copy: fn(&F::Moved) -> F::Moved,
    (borrowed, moved): &(F::Borrowed, F::Moved),
    cx: &PlainContext<'_, S>,
) -> Result<F::Value, (StageError, bool)>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    F::Moved: Sync,
    G: Gate,
{
    let mut timer = CallTimer::new(cx.item(), cx.step(*stage_use.step));
    let mut worth_splitting = false;
    retry(stage_use, copy, borrowed, BorrowedArgs(moved), cx, &mut timer, None, &mut worth_splitting)
        .await
        .map_err(|error| (error, worth_splitting))
}

/// The moved arguments, as they are kept between attempts.
trait KeptArgs<M> {
    /// The arguments of an attempt: a clone, or if it is the last one the kept arguments themselves where they can be moved.
    fn next(&mut self, copy: fn(&M) -> M, last: bool) -> M;
}

/// Arguments that can be moved into the last attempt.
struct OwnedArgs<M>(Option<M>);

impl<M> KeptArgs<M> for OwnedArgs<M> {
    fn next(&mut self, copy: fn(&M) -> M, last: bool) -> M {
        match &self.0 {
            Some(kept) if !last => copy(kept),
            _ => self.0.take().expect("no attempt follows the last one"),
        }
    }
}

/// Arguments that the caller needs again.
struct BorrowedArgs<'k, M>(&'k M);

impl<M> KeptArgs<M> for BorrowedArgs<'_, M> {
    fn next(&mut self, copy: fn(&M) -> M, _: bool) -> M {
        copy(self.0)
    }
}

/// The retry loop. `failed` is the first attempt if it was already made. Sets `worth_splitting` if the call fails.
#[allow(clippy::too_many_arguments)] // Two callers, here.
async fn retry<F, In, S, G>(
    stage_use: StageUse<'_, F, G>,
    copy: fn(&F::Moved) -> F::Moved,
    borrowed: &F::Borrowed,
    mut kept: impl KeptArgs<F::Moved> + Send,
    cx: &PlainContext<'_, S>,
    timer: &mut CallTimer<'_>,
    mut failed: Option<Failed>,
    worth_splitting: &mut bool,
) -> Result<F::Value, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    G: Gate,
{
    let StageUse { stage, policy, gate, .. } = stage_use;
    let item = timer.item;
    let mut attempts = u32::from(failed.is_some());
    let mut earlier = Vec::new();
    loop {
        if let Some(Failed { attempts, kind, cause, retry, split }) = failed {
            let Some(wait_for) = retry else {
                *worth_splitting = split;
                return Err(finish(policy, timer, kind, cause, attempts, earlier));
            };
            let rng = || item.run().rng(item.index(), policy.name, attempts);
            let wait = match wait_for {
                WaitFor::Backoff => policy.backoff.draw(attempts, rng),
                WaitFor::Server(wait) => policy.backoff.draw_after(wait, attempts, rng),
            };
            if let Some(left) = time_left(policy, timer).filter(|left| *left < wait) {
                let cause = NoFurtherAttempt { why: Why::WaitBeyondDeadline { wait, left }, last: cause };
                let kind = ErrorKind::DeadlineExceeded;
                return Err(finish(policy, timer, kind, Some(cause.into()), attempts, earlier));
            }
            // Starts the timer if the call has not been pending yet.
            timer.pending_since(Instant::now());
            let attempt = FailedAttempt { attempt: attempts, kind, cause, wait };
            let call = StageCall::new(policy.name, item);
            item.run().notify(|observer| observer.attempt_failed(&call, &attempt));
            earlier.push(attempt);
            match backoff_wait(policy, timer, wait, attempts).await {
                Ok(WaitEnd::Over) => {}
                Ok(WaitEnd::Stopped) => {
                    let last = earlier.pop();
                    let kind = last.as_ref().map_or(ErrorKind::Cancelled, |last| last.kind);
                    let cause =
                        NoFurtherAttempt { why: Why::Stopped, last: last.and_then(|last| last.cause) };
                    return Err(finish(policy, timer, kind, Some(cause.into()), attempts, earlier));
                }
                Err(limit) => return Err(expired(policy, timer, limit, attempts, earlier)),
            }
        }
        let permit = match acquire!(gate, policy, timer, attempts + 1) {
            Ok(permit) => permit,
            Err(limit) => return Err(expired(policy, timer, limit, attempts, earlier)),
        };
        attempts += 1;
        let site = timer.call_site(policy.name, attempts);
        if let Some(metrics) = item.run().metrics(site.step).filter(|_| attempts > 1) {
            metrics.retries.add(1);
        }
        let future = PanicGuard::guard(site, || {
            let moved = kept.next(copy, attempts > policy.retries);
            stage.call_again(borrowed, moved, cx.stage_context(), site)
        });
        failed = match Attempt::new(future, &mut *timer, policy, attempts).await {
            Ok(value) => {
                timer.finish();
                G::record(&permit, policy, true);
                return Ok(value);
            }
            Err(error) => Some(Failed::classify::<F, In, S, G>(stage_use, error, &permit, timer, attempts)),
        };
    }
}

/// A failed attempt.
pub(crate) struct Failed {
    /// The attempts that were made, with this one.
    attempts: u32,
    kind: ErrorKind,
    cause: Option<BoxError>,
    /// What decides the wait before a retry; `None` if there is no retry.
    retry: Option<WaitFor>,
    /// Whether the failure is worth splitting the batch, if it is one.
    split: bool,
}

/// What decides the wait before a retry.
#[derive(Debug, Clone, Copy)]
enum WaitFor {
    Backoff,
    /// The server asked for this wait.
    Server(Duration),
}

impl Failed {
    /// Records the failure in the gate, and decides whether to retry and whether to split.
    #[cold]
    #[inline(never)]
    fn classify<F, In, S, G>(
        StageUse { stage, policy, gate, .. }: StageUse<'_, F, G>,
        error: AttemptError<F::Error>,
        permit: &G::Permit<'_>,
        timer: &CallTimer<'_>,
        attempt: u32,
    ) -> Self
    where
        F: Function<In, S>,
        G: Gate,
    {
        // Recorded in this cold function, because a call on the hot path would cost an instruction.
        G::record(permit, policy, false);
        let last = attempt > policy.retries;
        let (retry, split) = match &error {
            // A panic is not retried, nor is one of a destructor.
            AttemptError::Expired { limit: Expired::Call, .. }
            | AttemptError::Expired { panic: Some(_), .. }
            | AttemptError::NotBegun => (None, false),
            AttemptError::Expired { limit: Expired::Attempt, panic: None } => {
                ((!last).then_some(WaitFor::Backoff), false)
            }
            AttemptError::Failed(error) => PanicGuard::guard(timer.call_site(policy.name, attempt), || {
                let retry = !last && stage.retry_if(error);
                let wait = (retry || policy.pause_all).then(|| stage.retry_after(error)).flatten();
                if let Some(wait) = wait.filter(|_| policy.pause_all) {
                    gate.pause(wait);
                }
                let split = !retry && policy.split_limit.is_some() && stage.split_if(error);
                (retry.then(|| wait.map_or(WaitFor::Backoff, WaitFor::Server)), split)
            }),
        };
        let attempts = error.attempts(attempt);
        let (kind, cause) = error.describe(policy, timer);
        Self { attempts, kind, cause, retry, split }
    }
}

/// The time until the deadline of the call. Starts the timer of the call, unless it runs.
fn time_left(policy: &Policy, timer: &mut CallTimer<'_>) -> Option<Duration> {
    let now = Instant::now();
    let started = timer.pending_since(now);
    let deadline = started.checked_add(policy.deadline?)?;
    Some(deadline.saturating_duration_since(now))
}

/// How a wait between two attempts ended.
enum WaitEnd {
    Over,
    /// The run was stopped, and begins no further attempt.
    Stopped,
}

/// Waits between two attempts, until the run is stopped. The call holds no permit meanwhile.
async fn backoff_wait(
    policy: &Policy,
    timer: &mut CallTimer<'_>,
    wait: Duration,
    attempt: u32,
) -> Result<WaitEnd, Expired> {
    let run = timer.item.run();
    let tokens = &run.settings().cancel;
    if wait.is_zero() {
        let is_stopped = tokens.iter().any(CancellationToken::is_cancelled);
        return Ok(if is_stopped { WaitEnd::Stopped } else { WaitEnd::Over });
    }
    let wait = async {
        let wait = async {
            match Instant::now().checked_add(wait) {
                Some(until) => sleep(until).await,
                None => pending().await,
            }
        };
        match select(pin!(cancelled(tokens, 1)), pin!(wait)).await {
            Either::Left(_) => WaitEnd::Stopped,
            Either::Right(_) => WaitEnd::Over,
        }
    };
    let site = timer.call_site(policy.name, attempt);
    let future = within(timer, policy.deadline, wait);
    GuardedWait { future, site, note: || run.note_sleeps() }.await
}
