//! The future of a function that cannot fail, as one that could.

use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// Wraps what comes out into `Ok`.
    pub struct NeverFails<C> {
        #[pin]
        call: C,
    }
}

impl<C> NeverFails<C> {
    /// The same call.
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
