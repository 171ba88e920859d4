//! `try_join2`: two futures, polled concurrently on one task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::panic_origin::drop_call;
use crate::error::stage_error::StageError;

/// Runs two futures concurrently, and returns both outputs, or the first error. The caller then drops the other future.
///
/// Each poll polls `first` before `second`. Before the first poll of `second`, `enter_second` is called.
#[inline]
pub fn try_join2<A, B, N, T, U>(first: A, enter_second: N, second: B) -> TryJoin2<A, B, N, T, U> {
    TryJoin2 {
        first: Some(first),
        second: Some(second),
        outputs: (None, None),
        enter_second: Some(enter_second),
    }
}

pin_project! {
    /// The future of [`try_join2`].
    pub struct TryJoin2<A, B, N, T, U> {
        // `None` once it has finished.
        #[pin]
        first: Option<A>,
        #[pin]
        second: Option<B>,
        outputs: (Option<T>, Option<U>),
        // `None` once it was called.
        enter_second: Option<N>,
    }

    impl<A, B, N, T, U> PinnedDrop for TryJoin2<A, B, N, T, U> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // One by one: a panic in one destructor does not meet that of the other, which would abort the process.
            if this.first.is_some() {
                drop_call(|| this.first.set(None));
            }
            if this.second.is_some() {
                drop_call(|| this.second.set(None));
            }
        }
    }
}

/// Polls one of the two, unless it has finished.
#[inline]
fn poll_one<F, T>(
    mut future: Pin<&mut Option<F>>,
    output: &mut Option<T>,
    cx: &mut Context<'_>,
) -> Result<(), StageError>
where
    F: Future<Output = Result<T, StageError>>,
{
    if let Some(running) = future.as_mut().as_pin_mut()
        && let Poll::Ready(result) = running.poll(cx)
    {
        future.set(None);
        *output = Some(result?);
    }
    Ok(())
}

impl<A, B, N, T, U> Future for TryJoin2<A, B, N, T, U>
where
    A: Future<Output = Result<T, StageError>>,
    B: Future<Output = Result<U, StageError>>,
    N: FnOnce(),
{
    type Output = Result<(T, U), StageError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (first, second) = this.outputs;
        poll_one(this.first, first, cx)?;
        if let Some(enter) = this.enter_second.take() {
            enter();
        }
        poll_one(this.second, second, cx)?;
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => Poll::Ready(Ok((one, other))),
            (one, other) => {
                (*first, *second) = (one, other);
                Poll::Pending
            }
        }
    }
}
