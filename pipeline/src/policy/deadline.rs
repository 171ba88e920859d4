//! `deadline`: limits a wait to the deadline of its call.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::timeout::{Expired, LazyTimer};
use crate::call::timer::CallTimer;

/// Runs a future until it is ready or the deadline of the call expires.
pub(crate) async fn within<F: Future>(
    timer: &mut CallTimer<'_>,
    deadline: Option<Duration>,
    future: F,
) -> Result<F::Output, Expired> {
    let mut future = pin!(future);
    let mut deadline_timer = pin!(LazyTimer::unset());
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => deadline_timer.as_mut().poll(timer, None, deadline, cx).map(Err),
    })
    .await
}
