//! One call of a stage under its policy.
//!
//! Most calls are done, and well, at their first poll. That way is straight: it reads no clock, arms no timer and
//! allocates nothing, and what a call has to remember for its bad days is small. The rest is out of the way, in
//! functions of its own.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::Spec;
use super::clock::{Alarm, Clock, Late, sleep};
use super::limits::Limit;
use crate::display::human;
use crate::error::{BoxError, ErrorKind, FailedAttempt};
use crate::footing::{Footing, Place};
use crate::function::{Again, Function, Repeat};
use crate::item::Item;
use crate::{Scope, StageError, StageFailure};

/// A call of a stage that is attempted once.
///
/// # Errors
///
/// The call's failure.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
#[inline]
pub fn single<F, In, S, L>(
    stage: &F,
    spec: &Spec,
    limit: &L,
    input: In,
    cx: &Scope<'_, S>,
) -> impl Future<Output = Result<F::Out, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
    L: Limit,
{
    async move {
        let (item, place) = (cx.item(), Place { stage: spec.name, attempt: 1 });
        let mut clock = Clock::default();
        let _permit = match limit.try_enter(spec) {
            Some(permit) => permit,
            None => match turn(limit, spec, &mut clock, item, place).await {
                Ok(permit) => permit,
                Err(late) => {
                    return Err(report(spec, Missed::<Infallible>::late(late, clock), 0, Vec::new()));
                }
            },
        };
        let future = Footing::guard(item, place, || stage.once(input, *cx, place));
        let attempt = Attempt { future, item, spec, number: 1, clock, alarm: Alarm::Unset };
        attempt.await.map_err(|missed| report(spec, missed, 1, Vec::new()))
    }
}

/// A call of a stage that is attempted again when it fails.
///
/// # Errors
///
/// The call's failure.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
#[inline]
pub fn retrying<F, In, S, L>(
    stage: &F,
    Again(copy): Again<F::Kept, F::Moved>,
    spec: &Spec,
    limit: &L,
    input: In,
    cx: &Scope<'_, S>,
) -> impl Future<Output = Result<F::Out, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Limit,
{
    // At once, while the compiler still knows which function `copy` is.
    let (kept, moved) = Footing::guard(cx.item(), Place { stage: spec.name, attempt: 1 }, || {
        let kept = F::keep(input);
        let moved = copy(&kept);
        (kept, moved)
    });
    async move {
        // Here and not outside, or they would be kept twice.
        let (item, place) = (cx.item(), Place { stage: spec.name, attempt: 1 });
        let mut clock = Clock::default();
        let failed = {
            let _permit = match limit.try_enter(spec) {
                Some(permit) => permit,
                None => match turn(limit, spec, &mut clock, item, place).await {
                    Ok(permit) => permit,
                    Err(late) => {
                        return Err(report(spec, Missed::<Infallible>::late(late, clock), 0, Vec::new()));
                    }
                },
            };
            let future = Footing::guard(item, place, || stage.again(&kept, moved, *cx, place));
            let attempt = Attempt { future, item, spec, number: 1, clock, alarm: Alarm::Unset };
            match attempt.await {
                Ok(value) => return Ok(value),
                Err(missed) => Failed::look(stage, missed, spec, item, place),
            }
        };
        // On the heap: a failure allocates anyway, and this way the calls that do not fail stay small.
        Box::pin(retry(stage, copy, spec, limit, kept, cx, failed)).await
    }
}

/// What follows a first attempt that gave no value.
async fn retry<F, In, S, L>(
    stage: &F,
    copy: fn(&F::Kept) -> F::Moved,
    spec: &Spec,
    limit: &L,
    kept: F::Kept,
    cx: &Scope<'_, S>,
    mut failed: Failed,
) -> Result<F::Out, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Limit,
{
    let item = cx.item();
    let mut place = Place { stage: spec.name, attempt: 1 };
    let mut earlier = Vec::new();
    loop {
        let made = place.attempt;
        let Failed { kind, cause, retry, mut clock } = failed;
        let Some(floor) = retry.filter(|_| made <= spec.retries) else {
            return Err(finish(spec, kind, cause, clock, made, earlier));
        };
        let rng = || item.run().rng(item.index(), spec.name, made);
        let wait = spec.backoff.draw(made, rng).max(floor);
        // Starts the watch, if nothing had to wait so far.
        clock.elapsed();
        earlier.push(FailedAttempt { attempt: made, kind, cause, wait });
        if let Err(late) = pause(spec, &mut clock, wait, item, place).await {
            return Err(report(spec, Missed::<Infallible>::late(late, clock), made, earlier));
        }
        place.attempt += 1;
        let number = place.attempt;
        let _permit = match turn(limit, spec, &mut clock, item, place).await {
            Ok(permit) => permit,
            Err(late) => return Err(report(spec, Missed::<Infallible>::late(late, clock), made, earlier)),
        };
        if number > spec.retries {
            let future = Footing::guard(item, place, || stage.last(kept, *cx, place));
            let attempt = Attempt { future, item, spec, number, clock, alarm: Alarm::Unset };
            return attempt.await.map_err(|missed| report(spec, missed, number, earlier));
        }
        let future = Footing::guard(item, place, || stage.again(&kept, copy(&kept), *cx, place));
        let attempt = Attempt { future, item, spec, number, clock, alarm: Alarm::Unset };
        failed = match attempt.await {
            Ok(value) => return Ok(value),
            Err(missed) => Failed::look(stage, missed, spec, item, place),
        };
    }
}

/// A failed attempt, looked at: what is to follow, and any error from here on.
struct Failed {
    kind: ErrorKind,
    cause: Option<BoxError>,
    /// Whether another attempt makes sense, and the least wait before it.
    retry: Option<Duration>,
    clock: Clock,
}

impl Failed {
    #[cold]
    #[inline(never)]
    fn look<F, In, S>(stage: &F, missed: Missed<F::Error>, spec: &Spec, item: &Item<'_>, place: Place) -> Self
    where
        F: Function<In, S>,
    {
        let Missed { cause, clock } = missed;
        let retry = match &cause {
            Cause::Late(Late::Call) => None,
            Cause::Late(Late::Attempt) => Some(Duration::ZERO),
            Cause::Failed(error) => Footing::guard(item, place, || {
                stage.retry_if(error).then(|| stage.retry_after(error).unwrap_or_default())
            }),
        };
        let (kind, cause) = cause.describe(spec);
        Self { kind, cause, retry, clock }
    }
}

/// Waits for the turn of an attempt. The permit is to live as long as the attempt.
async fn turn<'l, L: Limit>(
    limit: &'l L,
    spec: &'l Spec,
    clock: &mut Clock,
    item: &Item<'_>,
    place: Place,
) -> Result<L::Permit<'l>, Late> {
    let future = clock.limit(spec.deadline, limit.enter(spec));
    Standing { future, item, place }.await
}

/// Waits between two attempts, with no permit held.
async fn pause(
    spec: &Spec,
    clock: &mut Clock,
    wait: Duration,
    item: &Item<'_>,
    place: Place,
) -> Result<(), Late> {
    let wait = async {
        match Instant::now().checked_add(wait) {
            Some(until) => sleep(until).await,
            None => pending().await,
        }
    };
    let future = clock.limit(spec.deadline, wait);
    Standing { future, item, place }.await
}

pin_project! {
    /// A wait of ours, on a footing: it panics where there is no runtime to keep the time.
    struct Standing<'a, W> {
        #[pin]
        future: W,
        item: &'a Item<'a>,
        place: Place,
    }
}

impl<W: Future> Future for Standing<'_, W> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        Footing::guard(this.item, *this.place, || future.poll(cx))
    }
}

pin_project! {
    /// One attempt, for as long as it may take.
    struct Attempt<'a, A> {
        #[pin]
        future: A,
        item: &'a Item<'a>,
        spec: &'a Spec,
        number: u32,
        clock: Clock,
        #[pin]
        alarm: Alarm,
    }
}

impl<A: Future<Output = Result<T, E>>, T, E> Future for Attempt<'_, A> {
    type Output = Result<T, Missed<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (future, alarm, clock, spec) = (this.future, this.alarm, this.clock, this.spec);
        let place = Place { stage: spec.name, attempt: *this.number };
        Footing::guard(this.item, place, || match future.poll(cx) {
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(error)) => {
                Poll::Ready(Err(Missed { cause: Cause::Failed(error), clock: *clock }))
            }
            Poll::Pending => {
                let late = alarm.poll(clock, spec.timeout, spec.deadline, cx);
                late.map(|late| Err(Missed::late(late, *clock)))
            }
        })
    }
}

/// An attempt that gave no value, or a wait that took too long.
struct Missed<E> {
    cause: Cause<E>,
    clock: Clock,
}

enum Cause<E> {
    Failed(E),
    Late(Late),
}

impl<E> Missed<E> {
    fn late(late: Late, clock: Clock) -> Self {
        Self { cause: Cause::Late(late), clock }
    }
}

impl<E: StageFailure> Cause<E> {
    fn describe(self, spec: &Spec) -> (ErrorKind, Option<BoxError>) {
        match self {
            Self::Failed(error) => (ErrorKind::Failed, Some(error.__boxed())),
            Self::Late(Late::Attempt) => {
                (ErrorKind::TimedOut, spec.timeout.map(|limit| NotWithin(limit).into()))
            }
            Self::Late(Late::Call) => (ErrorKind::DeadlineExceeded, None),
        }
    }
}

/// The failure of a call, after so many attempts were started.
#[cold]
#[inline(never)]
fn report<E: StageFailure>(
    spec: &Spec,
    missed: Missed<E>,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    let (kind, cause) = missed.cause.describe(spec);
    finish(spec, kind, cause, missed.clock, attempts, earlier)
}

fn finish(
    spec: &Spec,
    kind: ErrorKind,
    cause: Option<BoxError>,
    mut clock: Clock,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    StageError::new(spec.name, kind, cause).with_history(attempts, clock.elapsed(), earlier)
}

/// What a timed-out attempt says.
#[derive(Debug)]
struct NotWithin(Duration);

impl fmt::Display for NotWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not done within {}", human(self.0))
    }
}

impl Error for NotWithin {}
