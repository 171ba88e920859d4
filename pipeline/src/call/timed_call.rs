//! `TimedCall`: the call of a step without a policy, timed from its first `Pending`, with its panics attributed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::timer::CallTimer;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::StageError;
use crate::run::item::Item;

/// A step without a policy, and the error of its calls.
pub(crate) trait BareStep<'a> {
    type Error;

    /// The site of a call that has not waited.
    fn site(&self) -> CallSite;

    fn item(&self) -> &'a Item<'a>;

    /// The failure of a call that returned this error.
    fn failure(&self, error: Self::Error, timer: &CallTimer<'_>) -> StageError;
}

pin_project! {
    /// A call of a [`BareStep`]. An async block would add its own state to that of the call.
    ///
    /// It stores no timer, but what one is made of when it is needed: a call that is ready at once needs none.
    pub(crate) struct TimedCall<C, B> {
        #[pin]
        call: C,
        step: B,
        // The start of the timer, as in `CallTimer`.
        since: u64,
    }
}

impl<C, B> TimedCall<C, B> {
    #[inline]
    pub(crate) fn new(call: C, step: B) -> Self {
        Self { call, step, since: 0 }
    }
}

impl<'a, C, B, Out> Future for TimedCall<C, B>
where
    C: Future<Output = Result<Out, B::Error>>,
    B: BareStep<'a>,
{
    type Output = Result<Out, StageError>;

    #[allow(clippy::inline_always)] // Saves a third of the instructions of a chain of ready stages, as counted by callgrind.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, step, since) = (this.call, this.step, this.since);
        let site = CallSite { waiting: *since != 0, ..step.site() };
        match PanicGuard::guard(site, || call.poll(cx)) {
            Poll::Ready(Ok(output)) => {
                if *since != 0 {
                    timer(step, *since).finish();
                }
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => {
                let timer = timer(step, *since);
                let failure = step.failure(error, &timer);
                timer.finish();
                Poll::Ready(Err(failure))
            }
            Poll::Pending => {
                let mut timer = timer(step, *since);
                timer.on_pending();
                *since = timer.since();
                Poll::Pending
            }
        }
    }
}

#[inline]
fn timer<'a, B: BareStep<'a>>(step: &B, since: u64) -> CallTimer<'a> {
    CallTimer::started(step.item(), step.site().step, since)
}
