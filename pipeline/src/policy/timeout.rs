//! Time limits that cost nothing until somebody has to wait.

use pin_project_lite::pin_project;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::coop;
use tokio::time::Instant;
use tokio::time::Sleep;

use super::sleep::sleep;
use crate::call::timer::CallTimer;

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The timeout of the attempt.
    Attempt,
    /// The deadline of the call.
    Call,
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

/// Polls the alarm even when the future has used up tokio's budget for this turn, or a busy future would never time
/// out.
fn poll_on_time(deadline_timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() {
        deadline_timer.poll(cx)
    } else {
        pin!(coop::unconstrained(deadline_timer)).poll(cx)
    }
}
