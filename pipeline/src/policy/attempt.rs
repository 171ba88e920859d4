//! `Attempt`: one attempt of a call, limited by the timeout and the deadline.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::blocking::{Began, began};
use super::deadline::within;
use super::gate::Gate;
use super::timeout::{Expired, LazyTimer};
use crate::call::timer::CallTimer;
use crate::error::causes::BoxError;
use crate::error::failed_attempt::FailedAttempt;
use crate::error::human::format_duration;
use crate::error::kind::ErrorKind;
use crate::error::panic_origin::{CallSite, PanicGuard, drop_call};
use crate::error::stage_error::StageError;
use crate::stage::attribute::Policy;
use crate::stage::function::StageFailure;

/// Acquires the permit of an attempt. The caller holds it until the attempt ends.
///
/// This is a macro because usually a permit is available, and then an `async fn` costs more than a call that is ready.
macro_rules! acquire {
    ($gate:expr, $policy:expr, $timer:expr, $attempt:expr) => {
        match $gate.try_acquire($policy) {
            Some(permit) => Ok(permit),
            None => $crate::policy::attempt::wait_for_permit($gate, $policy, $timer, $attempt).await,
        }
    };
}

pub(super) use acquire;

/// Waits for the turn of the item, where calls are in order, and for the permit of an attempt, until the deadline of the call.
/// Measures the time in the queue.
pub(super) async fn wait_for_permit<'l, G: Gate>(
    gate: &'l G,
    policy: &'l Policy,
    timer: &mut CallTimer<'_>,
    attempt: u32,
) -> Result<G::Permit<'l>, Expired> {
    let (item, site) = (timer.item, timer.call_site(policy.name, attempt));
    // A retry does not wait for its turn again.
    let place = item.place().filter(|_| policy.in_order && attempt == 1);
    let acquire = async {
        if let Some(place) = place {
            place.turn(site.step).await;
        }
        let permit = gate.acquire(policy).await;
        if let Some(place) = place {
            place.begin(site.step);
        }
        permit
    };
    let future = within(timer, policy.deadline, acquire);
    let wait = GuardedWait { future, site, note: || item.run().note_works() };
    let Some(metrics) = item.run().metrics(site.step) else { return wait.await };
    let queued_at = Instant::now();
    let permit = wait.await;
    metrics.queued.add(u64::try_from(queued_at.elapsed().as_nanos()).unwrap_or(u64::MAX));
    permit
}

pin_project! {
    /// A wait for a permit or a backoff. If it panics, because there is no tokio runtime, the panic names the stage.
    pub(super) struct GuardedWait<W, N> {
        #[pin]
        pub(super) future: W,
        pub(super) site: CallSite,
        // Notes what the item waits for.
        pub(super) note: N,
    }
}

impl<W: Future, N: Fn()> Future for GuardedWait<W, N> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        let poll = PanicGuard::guard(*this.site, || future.poll(cx));
        if poll.is_pending() {
            (this.note)();
        }
        poll
    }
}

pin_project! {
    /// One attempt. It fails when its timeout or the deadline of the call expires.
    pub(super) struct Attempt<'w, 'a, A> {
        #[pin]
        future: Option<A>,
        timer: &'w mut CallTimer<'a>,
        policy: &'w Policy,
        number: u32,
        queue: Queue,
        #[pin]
        deadline_timer: LazyTimer,
    }
}

/// Where the attempt of a blocking stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// It was not polled yet, or the stage does not block.
    None,
    /// It waits for a thread.
    Waiting,
    /// It has a thread, since this time.
    Left(Instant),
}

impl<'w, 'a, A> Attempt<'w, 'a, A> {
    #[inline]
    pub(super) fn new(future: A, timer: &'w mut CallTimer<'a>, policy: &'w Policy, number: u32) -> Self {
        let future = Some(future);
        Self { future, timer, policy, number, queue: Queue::None, deadline_timer: LazyTimer::unset() }
    }
}

impl<A: Future<Output = Result<T, E>>, T, E> Future for Attempt<'_, '_, A> {
    type Output = Result<T, AttemptError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (mut slot, mut deadline_timer, timer, policy) =
            (this.future, this.deadline_timer, this.timer, this.policy);
        let site = timer.call_site(policy.name, *this.number);
        PanicGuard::guard(site, || {
            let Some(future) = slot.as_mut().as_pin_mut() else { return Poll::Pending };
            match future.poll(cx) {
                Poll::Ready(result) => {
                    if *this.queue == Queue::Waiting {
                        leaves_queue(this.queue, timer, site);
                    }
                    Poll::Ready(result.map_err(AttemptError::Failed))
                }
                Poll::Pending => {
                    timer.item.run().note_works();
                    if policy.blocking && leaves_queue(this.queue, timer, site) {
                        deadline_timer.set(LazyTimer::unset());
                    }
                    let timeout = time_left(policy.timeout, *this.queue);
                    let expired = deadline_timer.poll(timer, timeout, policy.deadline, cx);
                    expired.map(|limit| match *this.queue {
                        Queue::Waiting => Err(AttemptError::NotBegun),
                        _ => Err(AttemptError::Expired {
                            limit,
                            panic: drop_call(|| PanicGuard::guard(site, || slot.set(None))),
                        }),
                    })
                }
            }
        })
    }
}

/// Asks the attempt that was just polled where it is, and counts its time in the queue once it has a thread. Returns whether
/// it has one since the last poll.
#[cold]
#[inline(never)]
fn leaves_queue(queue: &mut Queue, timer: &CallTimer<'_>, site: CallSite) -> bool {
    if matches!(queue, Queue::Left(_)) {
        return false;
    }
    let Some(Began { queued, at }) = began() else {
        *queue = Queue::Waiting;
        return false;
    };
    if let Some(metrics) = timer.item.run().metrics(site.step) {
        metrics.queued.add(u64::try_from(queued.as_nanos()).unwrap_or(u64::MAX));
    }
    std::mem::replace(queue, Queue::Left(at)) == Queue::Waiting
}

/// What is left of the timeout, which begins when the function does.
#[inline]
fn time_left(timeout: Option<Duration>, queue: Queue) -> Option<Duration> {
    match queue {
        Queue::None => timeout,
        Queue::Waiting => None,
        Queue::Left(since) => timeout.map(|timeout| timeout.saturating_sub(since.elapsed())),
    }
}

/// Why an attempt failed: the stage returned an error, or a time limit expired.
pub(super) enum AttemptError<E> {
    Failed(E),
    Expired {
        limit: Expired,
        /// The message of a panic of the destructor, when the attempt was dropped.
        panic: Option<String>,
    },
    /// The deadline passed before a thread was free for the blocking call.
    NotBegun,
}

impl<E: StageFailure> AttemptError<E> {
    /// How many attempts were made, if this is the error of attempt `number`.
    pub(super) fn attempts(&self, number: u32) -> u32 {
        match self {
            Self::NotBegun => number - 1,
            Self::Failed(_) | Self::Expired { .. } => number,
        }
    }

    /// The kind and the cause of the failure. Counts a timeout.
    pub(super) fn describe(self, policy: &Policy, timer: &CallTimer<'_>) -> (ErrorKind, Option<BoxError>) {
        match self {
            Self::Failed(error) => (ErrorKind::Failed, Some(error.__boxed())),
            Self::Expired { limit: Expired::Attempt, panic } => {
                if let Some(metrics) = timer.item.run().metrics(timer.call_site(policy.name, 1).step) {
                    metrics.timeouts.add(1);
                }
                (ErrorKind::TimedOut, policy.timeout.map(|timeout| TimeoutElapsed { timeout, panic }.into()))
            }
            Self::Expired { limit: Expired::Call, panic } => {
                (ErrorKind::DeadlineExceeded, panic.map(|panic| dropped_with(&panic).into()))
            }
            Self::NotBegun => {
                if let Some(metrics) = timer.item.run().metrics(timer.call_site(policy.name, 1).step) {
                    metrics.unattempted.add(1);
                }
                (ErrorKind::DeadlineExceeded, None)
            }
        }
    }
}

/// The error of a call whose deadline expired during the wait for a permit or during the backoff.
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
    call_error(policy, timer, AttemptError::<Infallible>::Expired { limit, panic: None }, attempts, earlier)
}

/// The error of a call whose last attempt failed. `attempts` counts all attempts.
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

/// The error of a call, from the kind and the cause of its last failure.
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

/// The cause of a `TimedOut` error.
#[derive(Debug)]
struct TimeoutElapsed {
    timeout: Duration,
    panic: Option<String>,
}

/// What is added to the error of an attempt whose destructor panicked.
fn dropped_with(panic: &str) -> String {
    format!("its destructor panicked: {panic}")
}

impl fmt::Display for TimeoutElapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not done within {}", format_duration(self.timeout))?;
        match &self.panic {
            Some(panic) => write!(f, "; {}", dropped_with(panic)),
            None => Ok(()),
        }
    }
}

impl Error for TimeoutElapsed {}
