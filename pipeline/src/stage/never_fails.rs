//! `NeverFails`: the future of an infallible function, with a `Result` as output.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// Wraps the output in `Ok`.
    pub struct NeverFails<C> {
        #[pin]
        call: C,
    }
}

impl<C> NeverFails<C> {
    /// Wraps a call.
    #[inline]
    pub fn new(call: C) -> Self {
        Self { call }
    }
}

impl<C: Future> Future for NeverFails<C> {
    type Output = Result<C::Output, Infallible>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map(Ok)
    }
}
