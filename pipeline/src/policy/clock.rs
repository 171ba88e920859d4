//! Time limits that cost nothing until somebody has to wait.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::watch::Watch;

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// The timeout of the attempt.
    Attempt,
    /// The deadline of the call.
    Call,
}

/// Runs a part of a call until it is done or the call's deadline has passed.
pub(crate) async fn within<F: Future>(
    watch: &mut Watch<'_>,
    deadline: Option<Duration>,
    future: F,
) -> Result<F::Output, Late> {
    let mut future = pin!(future);
    let mut alarm = pin!(Alarm::Unset);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => alarm.as_mut().poll(watch, None, deadline, cx).map(Err),
    })
    .await
}

/// The limit that comes first, counted from now for the timeout and from the start for the deadline.
fn next_limit(
    watch: &mut Watch<'_>,
    timeout: Option<Duration>,
    deadline: Option<Duration>,
) -> (Option<Instant>, Late) {
    let now = Instant::now();
    let started = watch.waits_since(now);
    // Out of the clock's range is for ever.
    let timeout = timeout.and_then(|timeout| now.checked_add(timeout));
    let deadline = deadline.and_then(|deadline| started.checked_add(deadline));
    match (timeout, deadline) {
        (Some(timeout), Some(deadline)) if timeout < deadline => (Some(timeout), Late::Attempt),
        (timeout, None) => (timeout, Late::Attempt),
        (_, deadline) => (deadline, Late::Call),
    }
}

pin_project! {
    /// Goes off when a future that had to wait has taken too long.
    #[project = AlarmProjection]
    pub(crate) enum Alarm {
        /// Nothing had to wait so far.
        Unset,
        /// It may take as long as it takes.
        Never,
        Set { #[pin] sleep: Sleep, late: Late },
    }
}

impl Alarm {
    /// Sets the alarm, at the first wait, and looks whether it went off.
    #[cold]
    #[inline(never)]
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        watch: &mut Watch<'_>,
        timeout: Option<Duration>,
        deadline: Option<Duration>,
        cx: &mut Context<'_>,
    ) -> Poll<Late> {
        if matches!(*self, Self::Unset) {
            let (at, late) = next_limit(watch, timeout, deadline);
            self.set(at.map_or(Self::Never, |at| Self::Set { sleep: sleep(at), late }));
        }
        match self.project() {
            AlarmProjection::Set { sleep, late } => poll_on_time(sleep, cx).map(|()| *late),
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
fn poll_on_time(alarm: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() { alarm.poll(cx) } else { pin!(coop::unconstrained(alarm)).poll(cx) }
}
