//! One call of a stage under its policy.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::Spec;
use super::clock::{Clock, Late};
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
        let place = Place { stage: spec.name, attempt: 1 };
        let start = |input| guard(cx.item(), place, || stage.once(input, *cx, place));
        match limit.try_enter(spec) {
            Some(_permit) => {
                let mut attempt = pin!(start(input));
                match first_poll(attempt.as_mut(), cx.item(), place, StageFailure::__boxed).await {
                    Poll::Ready(Ok(value)) => Ok(value),
                    Poll::Ready(Err(error)) => Err(Call::begun(spec).fail(ErrorKind::Failed, Some(error))),
                    Poll::Pending => aside(Call::begun(spec).go_on_alone(attempt, cx.item(), place)).await,
                }
            }
            None => {
                let mut call = Call::new(spec);
                match aside(call.turn(limit)).await {
                    Ok(_permit) => aside(call.alone(start(input), cx.item(), place)).await,
                    Err(late) => call.finish(Err::<Result<_, F::Error>, _>(late)),
                }
            }
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
    attempts: Again<F::Kept, F::Moved>,
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
    async move {
        let kept = F::keep(input);
        let place = Place { stage: spec.name, attempt: 1 };
        let (call, failed) = match limit.try_enter(spec) {
            Some(_permit) => {
                let start = || stage.again(&kept, (attempts.0)(&kept), *cx, place);
                let mut attempt = pin!(guard(cx.item(), place, start));
                let look = |error| Failed::with(stage, error);
                match first_poll(attempt.as_mut(), cx.item(), place, look).await {
                    Poll::Ready(Ok(value)) => return Ok(value),
                    Poll::Ready(Err(failed)) => (Call::begun(spec), Some(failed)),
                    Poll::Pending => {
                        let mut call = Call::begun(spec);
                        match aside(call.go_on(attempt, cx.item(), place)).await {
                            Ok(Ok(value)) => return Ok(value),
                            Ok(Err(error)) => {
                                (call, Some(guard(cx.item(), place, || Failed::with(stage, error))))
                            }
                            Err(late) => (call, Some(Failed::late(late, spec))),
                        }
                    }
                }
            }
            None => (Call::new(spec), None),
        };
        aside(call.again(stage, attempts, limit, kept, cx, failed)).await
    }
}

/// A failed attempt, and what is to follow.
struct Failed {
    kind: ErrorKind,
    cause: Option<BoxError>,
    /// Whether another attempt makes sense, and the least wait before it.
    retry: Option<Duration>,
}

impl Failed {
    /// The function returned an error. It is looked at here, and is any error from here on.
    #[cold]
    fn with<F, In, S>(stage: &F, error: F::Error) -> Self
    where
        F: Function<In, S>,
    {
        let retry = stage.retry_if(&error).then(|| stage.retry_after(&error).unwrap_or_default());
        Self { kind: ErrorKind::Failed, cause: Some(error.__boxed()), retry }
    }

    /// A limit passed.
    fn late(late: Late, spec: &Spec) -> Self {
        let (kind, cause) = describe(late, spec);
        Self { kind, cause, retry: (late == Late::Attempt).then_some(Duration::ZERO) }
    }
}

/// How an attempt ended.
type Outcome<T, E> = Result<Result<T, E>, Late>;

/// Polls once, whatever comes of it: an attempt that is ready at once needs neither a clock nor a timer. What it fails
/// with is looked at on the spot, and is not held while anything waits.
#[inline]
fn first_poll<A, T, E, X>(
    mut attempt: Pin<&mut A>,
    item: &Item<'_>,
    place: Place,
    look: impl Fn(E) -> X,
) -> impl Future<Output = Poll<Result<T, X>>>
where
    A: Future<Output = Result<T, E>>,
{
    poll_fn(move |task| {
        Poll::Ready(guard(item, place, || attempt.as_mut().poll(task).map(|result| result.map_err(&look))))
    })
}

/// Runs a part of a stage, whose name a panic is to carry.
#[inline]
fn guard<T>(item: &Item<'_>, place: Place, part: impl FnOnce() -> T) -> T {
    let footing = Footing::new(item, place);
    let value = part();
    footing.release();
    value
}

pin_project! {
    /// A future whose code is kept out of that of the future around it, which is then small and fast.
    struct Aside<A> {
        #[pin]
        future: A,
    }
}

fn aside<A: Future>(future: A) -> Aside<A> {
    Aside { future }
}

impl<A: Future> Future for Aside<A> {
    type Output = A::Output;

    #[cold]
    #[inline(never)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A::Output> {
        self.project().future.poll(cx)
    }
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

    /// A call whose first attempt is under way.
    #[cold]
    fn begun(spec: &'a Spec) -> Self {
        Self { attempts: 1, ..Self::new(spec) }
    }

    /// All attempts after one that failed, or all there are.
    async fn again<F, In, S, L>(
        mut self,
        stage: &F,
        Again(copy): Again<F::Kept, F::Moved>,
        limit: &L,
        kept: F::Kept,
        cx: &Scope<'_, S>,
        mut failed: Option<Failed>,
    ) -> Result<F::Out, StageError>
    where
        S: Send + Sync,
        F: Repeat<In, S>,
        L: Limit,
    {
        let spec = self.spec;
        let mut footing = Footing::new(cx.item(), Place { stage: spec.name, attempt: 1 });
        loop {
            if let Some(Failed { kind, cause, retry }) = failed.take() {
                let attempt = self.attempts;
                let Some(floor) = retry.filter(|_| attempt <= spec.retries) else {
                    footing.release();
                    return Err(self.fail(kind, cause));
                };
                let rng = || cx.item().run().rng(cx.item().index(), spec.name, attempt);
                let wait = spec.backoff.draw(attempt, rng).max(floor);
                self.earlier.push(FailedAttempt { attempt, kind, cause, wait });
                if self.wait(wait).await.is_err() {
                    footing.release();
                    return Err(self.fail(ErrorKind::DeadlineExceeded, None));
                }
            }
            let place = Place { stage: spec.name, attempt: self.attempts + 1 };
            footing.set(place);
            let outcome = match self.turn(limit).await {
                Err(late) => Err(late),
                Ok(_permit) if self.attempts > spec.retries => {
                    let outcome = self.attempt(stage.last(kept, *cx, place)).await;
                    footing.release();
                    return self.finish(outcome);
                }
                Ok(_permit) => self.attempt(stage.again(&kept, copy(&kept), *cx, place)).await,
            };
            failed = Some(match outcome {
                Ok(Ok(value)) => {
                    footing.release();
                    return Ok(value);
                }
                Ok(Err(error)) => Failed::with(stage, error),
                Err(late) => Failed::late(late, spec),
            });
        }
    }

    /// The rest of an attempt that was polled once, and has to wait.
    async fn go_on<A: Future>(
        &mut self,
        attempt: Pin<&mut A>,
        item: &Item<'_>,
        place: Place,
    ) -> Result<A::Output, Late> {
        let footing = Footing::new(item, place);
        let outcome = self.clock.go_on(self.spec.timeout, attempt).await;
        footing.release();
        outcome
    }

    /// The rest of the only attempt.
    async fn go_on_alone<A, T, E>(
        mut self,
        attempt: Pin<&mut A>,
        item: &Item<'_>,
        place: Place,
    ) -> Result<T, StageError>
    where
        A: Future<Output = Result<T, E>>,
        E: StageFailure,
    {
        let outcome = self.go_on(attempt, item, place).await;
        self.finish(outcome)
    }

    /// The only attempt, from its start.
    async fn alone<A, T, E>(mut self, attempt: A, item: &Item<'_>, place: Place) -> Result<T, StageError>
    where
        A: Future<Output = Result<T, E>>,
        E: StageFailure,
    {
        let footing = Footing::new(item, place);
        let outcome = self.attempt(attempt).await;
        footing.release();
        self.finish(outcome)
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
    async fn wait(&mut self, wait: Duration) -> Result<(), Late> {
        // Starts the watch, if nothing had to wait so far.
        self.clock.elapsed();
        let Some(until) = tokio::time::Instant::now().checked_add(wait) else {
            return self.clock.limit(None, std::future::pending()).await;
        };
        self.clock.limit(None, super::clock::sleep(until)).await
    }

    /// The end of the call.
    #[cold]
    fn finish<T, E: StageFailure>(self, outcome: Outcome<T, E>) -> Result<T, StageError> {
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.fail(ErrorKind::Failed, Some(error.__boxed()))),
            Err(late) => {
                let (kind, cause) = describe(late, self.spec);
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

/// What there is to say of a limit that passed.
fn describe(late: Late, spec: &Spec) -> (ErrorKind, Option<BoxError>) {
    match late {
        Late::Attempt => (ErrorKind::TimedOut, spec.timeout.map(|limit| NotWithin(limit).into())),
        Late::Call => (ErrorKind::DeadlineExceeded, None),
    }
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
