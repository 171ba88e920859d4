//! `ItemCall`: the future of one item in a segment.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// The future of one item: nearly always the plain one. The other is boxed, and its poll a call, so that the plain one is
    /// small and inlined.
    #[project = ItemCallProjection]
    pub(super) enum ItemCall<C, O> {
        Plain { #[pin] call: C },
        // Observed, or in order.
        Special { call: Pin<Box<O>> },
    }
}

impl<C, O> Future for ItemCall<C, O>
where
    C: Future,
    O: Future<Output = C::Output>,
{
    type Output = C::Output;

    #[allow(clippy::inline_always)] // Once in each place where a segment polls.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        match self.project() {
            ItemCallProjection::Plain { call } => call.poll(cx),
            ItemCallProjection::Special { call } => poll_special(call, cx),
        }
    }
}

#[cold]
#[inline(never)]
fn poll_special<O: Future>(call: &mut Pin<Box<O>>, cx: &mut Context<'_>) -> Poll<O::Output> {
    call.as_mut().poll(cx)
}
