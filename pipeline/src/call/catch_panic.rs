//! `CatchPanic`: catches the panic of a call, and finds the stage that panicked.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::run::shared::Run;

pin_project! {
    /// Catches a panic of a call.
    ///
    /// It stores the call inline; behind a pointer, the compiler cannot optimize the first poll for the initial state.
    pub(crate) struct CatchPanic<C> {
        #[pin]
        pub(crate) call: C,
    }
}

impl<C: Future> Future for CatchPanic<C> {
    type Output = Result<C::Output, Box<dyn Any + Send>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let call = self.project().call;
        // After a panic the call is only dropped, never polled again, so broken invariants are not observed.
        match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

/// The error for a panic that was just caught on this thread.
#[cold]
#[inline(never)]
pub(crate) fn panic_failure(run: &Run<'_>, payload: Box<dyn Any + Send>) -> StageError {
    let site = CallSite::of_caught_panic();
    if let Some(metrics) = run.metrics(site.step).filter(|_| site.waiting) {
        metrics.waiting.dec();
    }
    StageError::panicked(site, payload)
}
