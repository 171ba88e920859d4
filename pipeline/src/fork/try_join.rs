//! `try_join2`: two futures, polled concurrently on one task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::stage_error::StageError;

/// Runs two futures concurrently, and returns both outputs, or the first error. The caller then drops the other future.
///
/// Each poll polls `first` before `second`.
#[inline]
pub fn try_join2<A, B, T, U>(first: A, second: B) -> TryJoin2<A, B, T, U> {
    TryJoin2 { first, second, outputs: (None, None) }
}

pin_project! {
    /// The future of [`try_join2`].
    pub struct TryJoin2<A, B, T, U> {
        #[pin]
        first: A,
        #[pin]
        second: B,
        outputs: (Option<T>, Option<U>),
    }
}

impl<A, B, T, U> Future for TryJoin2<A, B, T, U>
where
    A: Future<Output = Result<T, StageError>>,
    B: Future<Output = Result<U, StageError>>,
{
    type Output = Result<(T, U), StageError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (first, second) = this.outputs;
        if first.is_none()
            && let Poll::Ready(output) = this.first.poll(cx)?
        {
            *first = Some(output);
        }
        if second.is_none()
            && let Poll::Ready(output) = this.second.poll(cx)?
        {
            *second = Some(output);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => Poll::Ready(Ok((one, other))),
            (one, other) => {
                (*first, *second) = (one, other);
                Poll::Pending
            }
        }
    }
}
