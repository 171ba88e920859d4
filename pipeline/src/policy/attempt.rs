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

/// Waits for the turn of an attempt. The permit is to live as long as the attempt.
pub(crate) async fn acquire<'l, L: Gate>(
    gate: &'l L,
    policy: &'l Policy,
    timer: &mut CallTimer<'_>,
    attempt: u32,
) -> Result<L::Permit<'l>, Expired> {
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
    /// A wait of ours, on a panic_origin: it panics where there is no runtime to keep the time.
    pub(crate) struct GuardedWait<W> {
        #[pin]
        pub(crate) future: W,
        pub(crate) site: CallSite,
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
    /// One attempt, for as long as it may take.
    pub(crate) struct Attempt<'w, 'a, A> {
        #[pin]
        pub(crate) future: A,
        pub(crate) timer: &'w mut CallTimer<'a>,
        pub(crate) policy: &'w Policy,
        pub(crate) number: u32,
        #[pin]
        pub(crate) deadline_timer: LazyTimer,
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

/// An attempt that gave no value, or a wait that took too long.
pub(crate) enum AttemptError<E> {
    Failed(E),
    Expired(Expired),
}

impl<E: StageFailure> AttemptError<E> {
    pub(crate) fn describe(self, policy: &Policy, timer: &CallTimer<'_>) -> (ErrorKind, Option<BoxError>) {
        match self {
            Self::Failed(error) => (ErrorKind::Failed, Some(error.__boxed())),
            Self::Expired(Expired::Attempt) => {
                if let Some(metrics) = timer.item.run().metrics(timer.call_site(policy.name, 1).step) {
                    metrics.timeouts.add(1);
                }
                (ErrorKind::TimedOut, policy.timeout.map(|gate| TimeoutElapsed(gate).into()))
            }
            Self::Expired(Expired::Call) => (ErrorKind::DeadlineExceeded, None),
        }
    }
}

/// The failure of a call whose deadline passed before its first turn came.
#[cold]
pub(crate) fn unattempted(policy: &Policy, timer: &mut CallTimer<'_>, expired: Expired) -> StageError {
    if let Some(metrics) = timer.item.run().metrics(timer.call_site(policy.name, 0).step) {
        metrics.unattempted.add(1);
    }
    report(policy, timer, AttemptError::<Infallible>::Expired(expired), 0, Vec::new())
}

/// The failure of a call, after so many attempts were started.
#[cold]
#[inline(never)]
pub(crate) fn report<E: StageFailure>(
    policy: &Policy,
    timer: &mut CallTimer<'_>,
    error: AttemptError<E>,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    let (kind, cause) = error.describe(policy, timer);
    finish(policy, timer, kind, cause, attempts, earlier)
}

pub(crate) fn finish(
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
