//! One attempt of a call.

use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

use super::deadline::within;
use super::gate::Gate;
use super::timeout::Expired;
use super::timeout::LazyTimer;
use crate::call::timer::CallTimer;
use crate::error::causes::BoxError;
use crate::error::failed_attempt::FailedAttempt;
use crate::error::human::format_duration;
use crate::error::kind::ErrorKind;
use crate::error::panic_origin::CallSite;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::stage::attribute::Policy;
use crate::stage::function::StageFailure;

/// The permit of an attempt, which is to live as long as the attempt.
///
/// A macro, because an `async fn` around the common case, a permit that is free, costs more than a ready call.
macro_rules! acquire {
    ($gate:expr, $policy:expr, $timer:expr, $attempt:expr) => {
        match $gate.try_acquire($policy) {
            Some(permit) => Ok(permit),
            None => $crate::policy::attempt::wait_for_permit($gate, $policy, $timer, $attempt).await,
        }
    };
}

pub(super) use acquire;

pub(super) async fn wait_for_permit<'l, G: Gate>(
    gate: &'l G,
    policy: &'l Policy,
    timer: &mut CallTimer<'_>,
    attempt: u32,
) -> Result<G::Permit<'l>, Expired> {
    let (item, site) = (timer.item, timer.call_site(policy.name, attempt));
    let future = within(timer, policy.deadline, gate.acquire(policy));
    let Some(metrics) = item.run().metrics(site.step) else {
        return GuardedWait { future, site }.await;
    };
    let from = Instant::now();
    let permit = GuardedWait { future, site }.await;
    metrics.queued.add(u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX));
    permit
}

pin_project! {
    /// A wait that is not user code. It panics where no runtime keeps the time, and the panic names the stage.
    pub(super) struct GuardedWait<W> {
        #[pin]
        pub(super) future: W,
        pub(super) site: CallSite,
    }
}

impl<W: Future> Future for GuardedWait<W> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        PanicGuard::guard(*this.site, || future.poll(cx))
    }
}

pin_project! {
    /// One attempt, for as long as its timeout and the deadline of the call allow.
    pub(super) struct Attempt<'w, 'a, A> {
        #[pin]
        pub(super) future: A,
        pub(super) timer: &'w mut CallTimer<'a>,
        pub(super) policy: &'w Policy,
        pub(super) number: u32,
        #[pin]
        pub(super) deadline_timer: LazyTimer,
    }
}

impl<'w, 'a, A> Attempt<'w, 'a, A> {
    #[inline]
    pub(super) fn new(future: A, timer: &'w mut CallTimer<'a>, policy: &'w Policy, number: u32) -> Self {
        Self { future, timer, policy, number, deadline_timer: LazyTimer::Unset }
    }
}

impl<A: Future<Output = Result<T, E>>, T, E> Future for Attempt<'_, '_, A> {
    type Output = Result<T, AttemptError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (future, deadline_timer, timer, policy) =
            (this.future, this.deadline_timer, this.timer, this.policy);
        let site = timer.call_site(policy.name, *this.number);
        PanicGuard::guard(site, || match future.poll(cx) {
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(AttemptError::Failed(error))),
            Poll::Pending => deadline_timer
                .poll(timer, policy.timeout, policy.deadline, cx)
                .map(|expired| Err(AttemptError::Expired(expired))),
        })
    }
}

/// An attempt that failed, or a wait that took too long.
pub(super) enum AttemptError<E> {
    Failed(E),
    Expired(Expired),
}

impl<E: StageFailure> AttemptError<E> {
    pub(super) fn describe(self, policy: &Policy, timer: &CallTimer<'_>) -> (ErrorKind, Option<BoxError>) {
        match self {
            Self::Failed(error) => (ErrorKind::Failed, Some(error.__boxed())),
            Self::Expired(Expired::Attempt) => {
                if let Some(metrics) = timer.item.run().metrics(timer.call_site(policy.name, 1).step) {
                    metrics.timeouts.add(1);
                }
                (ErrorKind::TimedOut, policy.timeout.map(|timeout| TimeoutElapsed(timeout).into()))
            }
            Self::Expired(Expired::Call) => (ErrorKind::DeadlineExceeded, None),
        }
    }
}

/// The failure of a call whose deadline passed while it waited for a permit or between attempts.
#[cold]
pub(super) fn expired(
    policy: &Policy,
    timer: &mut CallTimer<'_>,
    limit: Expired,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    if attempts == 0
        && let Some(metrics) = timer.item.run().metrics(timer.call_site(policy.name, 0).step)
    {
        metrics.unattempted.add(1);
    }
    call_error(policy, timer, AttemptError::<Infallible>::Expired(limit), attempts, earlier)
}

/// The failure of a call after so many attempts.
#[cold]
#[inline(never)]
pub(super) fn call_error<E: StageFailure>(
    policy: &Policy,
    timer: &mut CallTimer<'_>,
    error: AttemptError<E>,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    let (kind, cause) = error.describe(policy, timer);
    finish(policy, timer, kind, cause, attempts, earlier)
}

/// The failure of a call that is described already.
pub(super) fn finish(
    policy: &Policy,
    timer: &CallTimer<'_>,
    kind: ErrorKind,
    cause: Option<BoxError>,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    timer.finish();
    StageError::new(timer.call_site(policy.name, attempts), kind, cause, timer.elapsed(), earlier)
}

/// What a timed-out attempt says.
#[derive(Debug)]
struct TimeoutElapsed(Duration);

impl fmt::Display for TimeoutElapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not done within {}", format_duration(self.0))
    }
}

impl Error for TimeoutElapsed {}
