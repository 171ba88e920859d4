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
use super::clock::{Alarm, Late, sleep, within};
use super::limits::Limit;
use crate::display::human;
use crate::error::{BoxError, ErrorKind, FailedAttempt};
use crate::footing::{Footing, Place};
use crate::function::{Again, Function, Repeat};
use crate::observer::StageCall;
use crate::plan::Slot;
use crate::watch::Watch;
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
    slot: Slot,
    limit: &L,
    input: In,
    cx: &Scope<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
    L: Limit,
{
    async move {
        let mut watch = Watch::new(cx.item(), cx.slot(slot));
        let _permit = match limit.try_enter(spec) {
            Some(permit) => permit,
            None => match turn(limit, spec, &mut watch, 1).await {
                Ok(permit) => permit,
                Err(late) => return Err(unattempted(spec, &mut watch, late)),
            },
        };
        let place = watch.place(spec.name, 1);
        let future = Footing::guard(place, || stage.once(input, *cx, place));
        let attempt = Attempt { future, watch: &mut watch, spec, number: 1, alarm: Alarm::Unset };
        match attempt.await {
            Ok(value) => {
                watch.over();
                Ok(value)
            }
            Err(missed) => Err(report(spec, &mut watch, missed, 1, Vec::new())),
        }
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
    Again(copy): Again<F::Moved>,
    spec: &Spec,
    slot: Slot,
    limit: &L,
    input: In,
    cx: &Scope<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Limit,
{
    // At once, while the compiler still knows which function `copy` is.
    let place = Place { stage: spec.name, slot: cx.slot(slot), attempt: 1, waits: false };
    let (kept, moved) = Footing::guard(place, || {
        let kept = F::keep(input);
        let moved = copy(F::moved(&kept));
        (kept, moved)
    });
    async move {
        // Here and not outside, or it would be kept twice.
        let mut watch = Watch::new(cx.item(), cx.slot(slot));
        let failed = {
            let _permit = match limit.try_enter(spec) {
                Some(permit) => permit,
                None => match turn(limit, spec, &mut watch, 1).await {
                    Ok(permit) => permit,
                    Err(late) => return Err(unattempted(spec, &mut watch, late)),
                },
            };
            let place = watch.place(spec.name, 1);
            let future = Footing::guard(place, || stage.again(&kept, moved, *cx, place));
            let attempt = Attempt { future, watch: &mut watch, spec, number: 1, alarm: Alarm::Unset };
            match attempt.await {
                Ok(value) => {
                    watch.over();
                    return Ok(value);
                }
                Err(missed) => Failed::look(stage, missed, spec, &watch, 1),
            }
        };
        // On the heap: a failure allocates anyway, and this way the calls that do not fail stay small.
        Box::pin(retry(stage, copy, spec, limit, Owned(kept), cx, &mut watch, Some(failed))).await
    }
}

/// A call with an input that stays with whoever calls, to be called with again.
pub(super) async fn lent<F, In, S, L>(
    stage: &F,
    copy: fn(&F::Moved) -> F::Moved,
    spec: &Spec,
    slot: Slot,
    limit: &L,
    kept: &F::Kept,
    cx: &Scope<'_, S>,
) -> Result<F::Value, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    F::Kept: Sync,
    L: Limit,
{
    let mut watch = Watch::new(cx.item(), cx.slot(slot));
    retry(stage, copy, spec, limit, Lent(kept), cx, &mut watch, None).await
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
    spec: &Spec,
    limit: &L,
    mut kept: impl Keeps<F::Kept> + Send,
    cx: &Scope<'_, S>,
    watch: &mut Watch<'_>,
    mut failed: Option<Failed>,
) -> Result<F::Value, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    L: Limit,
{
    let item = watch.item;
    let mut made = u32::from(failed.is_some());
    let mut earlier = Vec::new();
    loop {
        if let Some(Failed { kind, cause, retry }) = failed {
            let Some(floor) = retry.filter(|_| made <= spec.retries) else {
                return Err(finish(spec, watch, kind, cause, made, earlier));
            };
            let rng = || item.run().rng(item.index(), spec.name, made);
            let wait = spec.backoff.draw(made, rng).max(floor);
            // Starts the watch, if nothing had to wait so far.
            watch.waits_since(Instant::now());
            let attempt = FailedAttempt { attempt: made, kind, cause, wait };
            let call = StageCall::new(spec.name, item);
            item.run().tell(|observer| observer.attempt_failed(&call, &attempt));
            earlier.push(attempt);
            if let Err(late) = pause(spec, watch, wait, made).await {
                return Err(report(spec, watch, Missed::<Infallible>::Late(late), made, earlier));
            }
        }
        let _permit = match limit.try_enter(spec) {
            Some(permit) => permit,
            None => match turn(limit, spec, watch, made + 1).await {
                Ok(permit) => permit,
                Err(late) if made == 0 => return Err(unattempted(spec, watch, late)),
                Err(late) => {
                    return Err(report(spec, watch, Missed::<Infallible>::Late(late), made, earlier));
                }
            },
        };
        made += 1;
        let place = watch.place(spec.name, made);
        if let Some(meter) = item.run().meter(place.slot).filter(|_| made > 1) {
            meter.retries.add(1);
        }
        if made > spec.retries {
            match kept.last() {
                Ok(kept) => {
                    let future = Footing::guard(place, || stage.last(kept, *cx, place));
                    let attempt =
                        Attempt { future, watch: &mut *watch, spec, number: made, alarm: Alarm::Unset };
                    return match attempt.await {
                        Ok(value) => {
                            watch.over();
                            Ok(value)
                        }
                        Err(missed) => Err(report(spec, watch, missed, made, earlier)),
                    };
                }
                Err(lent) => kept = lent,
            }
        }
        let future =
            Footing::guard(place, || stage.again(kept.get(), copy(F::moved(kept.get())), *cx, place));
        let attempt = Attempt { future, watch: &mut *watch, spec, number: made, alarm: Alarm::Unset };
        failed = match attempt.await {
            Ok(value) => {
                watch.over();
                return Ok(value);
            }
            Err(missed) => Some(Failed::look(stage, missed, spec, watch, made)),
        };
    }
}

/// A failed attempt, looked at: what is to follow, and any error from here on.
struct Failed {
    kind: ErrorKind,
    cause: Option<BoxError>,
    /// Whether another attempt makes sense, and the least wait before it.
    retry: Option<Duration>,
}

impl Failed {
    #[cold]
    #[inline(never)]
    fn look<F, In, S>(
        stage: &F,
        missed: Missed<F::Error>,
        spec: &Spec,
        watch: &Watch<'_>,
        attempt: u32,
    ) -> Self
    where
        F: Function<In, S>,
    {
        let retry = match &missed {
            Missed::Late(Late::Call) => None,
            Missed::Late(Late::Attempt) => Some(Duration::ZERO),
            Missed::Failed(error) => Footing::guard(watch.place(spec.name, attempt), || {
                stage.retry_if(error).then(|| stage.retry_after(error).unwrap_or_default())
            }),
        };
        let (kind, cause) = missed.describe(spec, watch);
        Self { kind, cause, retry }
    }
}

/// Waits for the turn of an attempt. The permit is to live as long as the attempt.
async fn turn<'l, L: Limit>(
    limit: &'l L,
    spec: &'l Spec,
    watch: &mut Watch<'_>,
    attempt: u32,
) -> Result<L::Permit<'l>, Late> {
    let (item, place) = (watch.item, watch.place(spec.name, attempt));
    let future = within(watch, spec.deadline, limit.enter(spec));
    let Some(meter) = item.run().meter(place.slot) else {
        return Standing { future, place }.await;
    };
    let from = Instant::now();
    let permit = Standing { future, place }.await;
    meter.queued.add(u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX));
    permit
}

/// Waits between two attempts, with no permit held.
async fn pause(spec: &Spec, watch: &mut Watch<'_>, wait: Duration, attempt: u32) -> Result<(), Late> {
    let wait = async {
        match Instant::now().checked_add(wait) {
            Some(until) => sleep(until).await,
            None => pending().await,
        }
    };
    let place = watch.place(spec.name, attempt);
    let future = within(watch, spec.deadline, wait);
    Standing { future, place }.await
}

pin_project! {
    /// A wait of ours, on a footing: it panics where there is no runtime to keep the time.
    struct Standing<W> {
        #[pin]
        future: W,
        place: Place,
    }
}

impl<W: Future> Future for Standing<W> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        Footing::guard(*this.place, || future.poll(cx))
    }
}

pin_project! {
    /// One attempt, for as long as it may take.
    struct Attempt<'w, 'a, A> {
        #[pin]
        future: A,
        watch: &'w mut Watch<'a>,
        spec: &'w Spec,
        number: u32,
        #[pin]
        alarm: Alarm,
    }
}

impl<A: Future<Output = Result<T, E>>, T, E> Future for Attempt<'_, '_, A> {
    type Output = Result<T, Missed<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (future, alarm, watch, spec) = (this.future, this.alarm, this.watch, this.spec);
        let place = watch.place(spec.name, *this.number);
        Footing::guard(place, || match future.poll(cx) {
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(Missed::Failed(error))),
            Poll::Pending => {
                alarm.poll(watch, spec.timeout, spec.deadline, cx).map(|late| Err(Missed::Late(late)))
            }
        })
    }
}

/// An attempt that gave no value, or a wait that took too long.
enum Missed<E> {
    Failed(E),
    Late(Late),
}

impl<E: StageFailure> Missed<E> {
    fn describe(self, spec: &Spec, watch: &Watch<'_>) -> (ErrorKind, Option<BoxError>) {
        match self {
            Self::Failed(error) => (ErrorKind::Failed, Some(error.__boxed())),
            Self::Late(Late::Attempt) => {
                if let Some(meter) = watch.item.run().meter(watch.place(spec.name, 1).slot) {
                    meter.timeouts.add(1);
                }
                (ErrorKind::TimedOut, spec.timeout.map(|limit| NotWithin(limit).into()))
            }
            Self::Late(Late::Call) => (ErrorKind::DeadlineExceeded, None),
        }
    }
}

/// The failure of a call whose deadline passed before its first turn came.
#[cold]
fn unattempted(spec: &Spec, watch: &mut Watch<'_>, late: Late) -> StageError {
    if let Some(meter) = watch.item.run().meter(watch.place(spec.name, 0).slot) {
        meter.unattempted.add(1);
    }
    report(spec, watch, Missed::<Infallible>::Late(late), 0, Vec::new())
}

/// The failure of a call, after so many attempts were started.
#[cold]
#[inline(never)]
fn report<E: StageFailure>(
    spec: &Spec,
    watch: &mut Watch<'_>,
    missed: Missed<E>,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    let (kind, cause) = missed.describe(spec, watch);
    finish(spec, watch, kind, cause, attempts, earlier)
}

fn finish(
    spec: &Spec,
    watch: &Watch<'_>,
    kind: ErrorKind,
    cause: Option<BoxError>,
    attempts: u32,
    earlier: Vec<FailedAttempt>,
) -> StageError {
    watch.over();
    StageError::new(watch.place(spec.name, attempts), kind, cause, watch.elapsed(), earlier)
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
