//! `TimedCall`: the call of a step without a policy, timed from its first `Pending`, with its panics attributed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::timer::CallTimer;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;

/// A step without a policy, and the error of its calls.
pub(crate) trait BareStep {
    type Error;

    fn name(&self) -> &'static str;

    /// The failure of a call that returned this error.
    fn failure(&self, error: Self::Error, timer: &CallTimer<'_>) -> StageError;
}

pin_project! {
    /// A call of a [`BareStep`]. An async block would add its own state to that of the call.
    pub(crate) struct TimedCall<'a, C, B> {
        #[pin]
        call: C,
        timer: CallTimer<'a>,
        step: B,
    }
}

impl<'a, C, B> TimedCall<'a, C, B> {
    #[inline]
    pub(crate) fn new(call: C, timer: CallTimer<'a>, step: B) -> Self {
        Self { call, timer, step }
    }
}

impl<C, B, Out> Future for TimedCall<'_, C, B>
where
    C: Future<Output = Result<Out, B::Error>>,
    B: BareStep,
{
    type Output = Result<Out, StageError>;

    #[allow(clippy::inline_always)] // Saves a third of the instructions of a chain of ready stages, as counted by callgrind.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, timer, step) = (this.call, this.timer, this.step);
        match PanicGuard::guard(timer.call_site(step.name(), 1), || call.poll(cx)) {
            Poll::Ready(Ok(output)) => {
                timer.finish();
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => {
                let failure = step.failure(error, timer);
                timer.finish();
                Poll::Ready(Err(failure))
            }
            Poll::Pending => {
                timer.on_pending();
                Poll::Pending
            }
        }
    }
}
