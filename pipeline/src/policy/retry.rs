//! `retries`: the retry loop.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::time::Duration;
use tokio::time::Instant;

use super::attempt::Attempt;
use super::attempt::AttemptError;
use super::attempt::GuardedWait;
use super::attempt::acquire;
use super::attempt::finish;
use super::attempt::report;
use super::attempt::unattempted;
use super::deadline::within;
use super::gate::Gate;
use super::sleep::sleep;
use super::timeout::Expired;
use super::timeout::LazyTimer;
use crate::call::stage_context::StageContext;
use crate::call::timer::CallTimer;
use crate::error::causes::BoxError;
use crate::error::failed_attempt::FailedAttempt;
use crate::error::kind::ErrorKind;
use crate::error::panic_origin::CallSite;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::stage_call::StageCall;
use crate::stage::attribute::Policy;
use crate::stage::function::Function;
use crate::stage::function::Repeat;
use crate::stage::function::Retry;

/// A call of a stage that is attempted again when it fails.
///
/// # Errors
///
/// The call's failure.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
#[inline]
pub fn retrying<F, In, S, L>(
    stage: &F,
    Retry(copy): Retry<F::Moved>,
    policy: &Policy,
    step: StepId,
    gate: &L,
    input: In,
    cx: &StageContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Gate,
{
    // At once, while the compiler still knows which function `copy` is.
    let site = CallSite { stage: policy.name, step: cx.step(step), attempt: 1, waiting: false };
    let (kept, moved) = PanicGuard::guard(site, || {
        let kept = F::keep(input);
        let moved = copy(F::moved(&kept));
        (kept, moved)
    });
    async move {
        // Here and not outside, or it would be kept twice.
        let mut timer = CallTimer::new(cx.item(), cx.step(step));
        let failed = {
            let _permit = match gate.try_acquire(policy) {
                Some(permit) => permit,
                None => match acquire(gate, policy, &mut timer, 1).await {
                    Ok(permit) => permit,
                    Err(expired) => return Err(unattempted(policy, &mut timer, expired)),
                },
            };
            let site = timer.call_site(policy.name, 1);
            let future = PanicGuard::guard(site, || stage.call_again(&kept, moved, *cx, site));
            let attempt =
                Attempt { future, timer: &mut timer, policy, number: 1, deadline_timer: LazyTimer::Unset };
            match attempt.await {
                Ok(value) => {
                    timer.finish();
                    return Ok(value);
                }
                Err(error) => Failed::classify(stage, error, policy, &timer, 1),
            }
        };
        // On the heap: a failure allocates anyway, and this way the calls that do not fail stay small.
        Box::pin(retry(stage, copy, policy, gate, Owned(kept), cx, &mut timer, Some(failed))).await
    }
}

/// A call with an input that stays with whoever calls, to be called with again.
pub(super) async fn lent<F, In, S, L>(
    stage: &F,
    copy: fn(&F::Moved) -> F::Moved,
    policy: &Policy,
    step: StepId,
    gate: &L,
    kept: &F::Kept,
    cx: &StageContext<'_, S>,
) -> Result<F::Value, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    F::Kept: Sync,
    L: Gate,
{
    let mut timer = CallTimer::new(cx.item(), cx.step(step));
    retry(stage, copy, policy, gate, Lent(kept), cx, &mut timer, None).await
}

/// Where the input is between attempts.
trait Keeps<K>: Sized {
    fn get(&self) -> &K;

    /// Gives it away, for the last attempt.
    fn last(self) -> Result<K, Self>;
}

/// Here: the last attempt may have it.
struct Owned<K>(K);

impl<K> Keeps<K> for Owned<K> {
    fn get(&self) -> &K {
        &self.0
    }

    fn last(self) -> Result<K, Self> {
        Ok(self.0)
    }
}

/// With somebody who wants it back.
struct Lent<'k, K>(&'k K);

impl<K> Keeps<K> for Lent<'_, K> {
    fn get(&self) -> &K {
        self.0
    }

    fn last(self) -> Result<K, Self> {
        Err(self)
    }
}

/// What follows a first attempt that gave no value; or all attempts, if there was none.
#[allow(clippy::too_many_arguments)] // What a call knows, once.
async fn retry<F, In, S, L>(
    stage: &F,
    copy: fn(&F::Moved) -> F::Moved,
    policy: &Policy,
    gate: &L,
    mut kept: impl Keeps<F::Kept> + Send,
    cx: &StageContext<'_, S>,
    timer: &mut CallTimer<'_>,
    mut failed: Option<Failed>,
) -> Result<F::Value, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Gate,
{
    let item = timer.item;
    let mut made = u32::from(failed.is_some());
    let mut earlier = Vec::new();
    loop {
        if let Some(Failed { kind, cause, retry }) = failed {
            let Some(floor) = retry.filter(|_| made <= policy.retries) else {
                return Err(finish(policy, timer, kind, cause, made, earlier));
            };
            let rng = || item.run().rng(item.index(), policy.name, made);
            let wait = policy.backoff.draw(made, rng).max(floor);
            // Starts the watch, if nothing had to wait so far.
            timer.pending_since(Instant::now());
            let attempt = FailedAttempt { attempt: made, kind, cause, wait };
            let call = StageCall::new(policy.name, item);
            item.run().notify(|observer| observer.attempt_failed(&call, &attempt));
            earlier.push(attempt);
            if let Err(expired) = backoff_wait(policy, timer, wait, made).await {
                return Err(report(
                    policy,
                    timer,
                    AttemptError::<Infallible>::Expired(expired),
                    made,
                    earlier,
                ));
            }
        }
        let _permit = match gate.try_acquire(policy) {
            Some(permit) => permit,
            None => match acquire(gate, policy, timer, made + 1).await {
                Ok(permit) => permit,
                Err(expired) if made == 0 => return Err(unattempted(policy, timer, expired)),
                Err(expired) => {
                    return Err(report(
                        policy,
                        timer,
                        AttemptError::<Infallible>::Expired(expired),
                        made,
                        earlier,
                    ));
                }
            },
        };
        made += 1;
        let site = timer.call_site(policy.name, made);
        if let Some(metrics) = item.run().metrics(site.step).filter(|_| made > 1) {
            metrics.retries.add(1);
        }
        if made > policy.retries {
            match kept.last() {
                Ok(kept) => {
                    let future = PanicGuard::guard(site, || stage.call_last(kept, *cx, site));
                    let attempt = Attempt {
                        future,
                        timer: &mut *timer,
                        policy,
                        number: made,
                        deadline_timer: LazyTimer::Unset,
                    };
                    return match attempt.await {
                        Ok(value) => {
                            timer.finish();
                            Ok(value)
                        }
                        Err(error) => Err(report(policy, timer, error, made, earlier)),
                    };
                }
                Err(lent) => kept = lent,
            }
        }
        let future =
            PanicGuard::guard(site, || stage.call_again(kept.get(), copy(F::moved(kept.get())), *cx, site));
        let attempt =
            Attempt { future, timer: &mut *timer, policy, number: made, deadline_timer: LazyTimer::Unset };
        failed = match attempt.await {
            Ok(value) => {
                timer.finish();
                return Ok(value);
            }
            Err(error) => Some(Failed::classify(stage, error, policy, timer, made)),
        };
    }
}

/// A failed attempt, looked at: what is to follow, and any error from here on.
pub(crate) struct Failed {
    kind: ErrorKind,
    cause: Option<BoxError>,
    /// Whether another attempt makes sense, and the least wait before it.
    retry: Option<Duration>,
}

impl Failed {
    #[cold]
    #[inline(never)]
    fn classify<F, In, S>(
        stage: &F,
        error: AttemptError<F::Error>,
        policy: &Policy,
        timer: &CallTimer<'_>,
        attempt: u32,
    ) -> Self
    where
        F: Function<In, S>,
    {
        let retry = match &error {
            AttemptError::Expired(Expired::Call) => None,
            AttemptError::Expired(Expired::Attempt) => Some(Duration::ZERO),
            AttemptError::Failed(error) => PanicGuard::guard(timer.call_site(policy.name, attempt), || {
                stage.retry_if(error).then(|| stage.retry_after(error).unwrap_or_default())
            }),
        };
        let (kind, cause) = error.describe(policy, timer);
        Self { kind, cause, retry }
    }
}

/// Waits between two attempts, with no permit held.
async fn backoff_wait(
    policy: &Policy,
    timer: &mut CallTimer<'_>,
    wait: Duration,
    attempt: u32,
) -> Result<(), Expired> {
    let wait = async {
        match Instant::now().checked_add(wait) {
            Some(until) => sleep(until).await,
            None => pending().await,
        }
    };
    let site = timer.call_site(policy.name, attempt);
    let future = within(timer, policy.deadline, wait);
    GuardedWait { future, site }.await
}
