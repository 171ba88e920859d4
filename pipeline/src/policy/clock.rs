//! Time limits that cost nothing until somebody has to wait.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::call_timer::CallTimer;

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The timeout of the attempt.
    Attempt,
    /// The deadline of the call.
    Call,
}

/// Runs a part of a call until it is done or the call's deadline has passed.
pub(crate) async fn within<F: Future>(
    timer: &mut CallTimer<'_>,
    deadline: Option<Duration>,
    future: F,
) -> Result<F::Output, Expired> {
    let mut future = pin!(future);
    let mut deadline_timer = pin!(LazyTimer::Unset);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => deadline_timer.as_mut().poll(timer, None, deadline, cx).map(Err),
    })
    .await
}

/// The limit that comes first, counted from now for the timeout and from the start for the deadline.
fn next_limit(
    timer: &mut CallTimer<'_>,
    timeout: Option<Duration>,
    deadline: Option<Duration>,
) -> (Option<Instant>, Expired) {
    let now = Instant::now();
    let started = timer.pending_since(now);
    // Out of the clock's range is for ever.
    let timeout = timeout.and_then(|timeout| now.checked_add(timeout));
    let deadline = deadline.and_then(|deadline| started.checked_add(deadline));
    match (timeout, deadline) {
        (Some(timeout), Some(deadline)) if timeout < deadline => (Some(timeout), Expired::Attempt),
        (timeout, None) => (timeout, Expired::Attempt),
        (_, deadline) => (deadline, Expired::Call),
    }
}

pin_project! {
    /// Goes off when a future that had to wait has taken too long.
    #[project = LazyTimerProjection]
    pub(crate) enum LazyTimer {
        /// Nothing had to wait so far.
        Unset,
        /// It may take as long as it takes.
        Never,
        Set { #[pin] sleep: Sleep, expired: Expired },
    }
}

impl LazyTimer {
    /// Sets the alarm, at the first wait, and looks whether it went off.
    #[cold]
    #[inline(never)]
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        timer: &mut CallTimer<'_>,
        timeout: Option<Duration>,
        deadline: Option<Duration>,
        cx: &mut Context<'_>,
    ) -> Poll<Expired> {
        if matches!(*self, Self::Unset) {
            let (at, expired) = next_limit(timer, timeout, deadline);
            self.set(at.map_or(Self::Never, |at| Self::Set { sleep: sleep(at), expired }));
        }
        match self.project() {
            LazyTimerProjection::Set { sleep, expired } => poll_on_time(sleep, cx).map(|()| *expired),
            _ => Poll::Pending,
        }
    }
}

/// A timer, with a clear word where there is no runtime to keep it.
pub(crate) fn sleep(at: Instant) -> Sleep {
    assert!(
        Handle::try_current().is_ok(),
        "this stage has to wait (a timeout, a deadline, a retry or a rate), and there is no tokio runtime to keep \
         the time: run the pipeline under `#[tokio::main]`, or call `run_blocking`"
    );
    sleep_until(at)
}

/// Polls the alarm even when the future has used up tokio's budget for this turn, or a busy future would never time
/// out.
fn poll_on_time(deadline_timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() {
        deadline_timer.poll(cx)
    } else {
        pin!(coop::unconstrained(deadline_timer)).poll(cx)
    }
}
