//! `timeout`: time limits that cost nothing until a call is pending.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::coop;
use tokio::time::{Instant, Sleep};

use super::sleep::sleep;
use crate::call::timer::CallTimer;

/// The limit that expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The timeout of the attempt.
    Attempt,
    /// The deadline of the call.
    Call,
}

/// The limit that expires first. The timeout counts from now, the deadline from the first `Pending` of the call.
fn next_limit(
    timer: &mut CallTimer<'_>,
    timeout: Option<Duration>,
    deadline: Option<Duration>,
) -> (Option<Instant>, Expired) {
    let now = Instant::now();
    let started = timer.pending_since(now);
    // A limit beyond the range of the clock never expires.
    let timeout = timeout.and_then(|timeout| now.checked_add(timeout));
    let deadline = deadline.and_then(|deadline| started.checked_add(deadline));
    match (timeout, deadline) {
        (Some(timeout), Some(deadline)) if timeout < deadline => (Some(timeout), Expired::Attempt),
        (timeout, None) => (timeout, Expired::Attempt),
        (_, deadline) => (deadline, Expired::Call),
    }
}

pin_project! {
    /// A timer that is created at the first `Pending` of a future.
    ///
    /// It has no third state for calls without a limit: its destructor, which each call runs, would have to tell them apart.
    pub(crate) struct LazyTimer {
        #[pin]
        sleep: Option<Sleep>,
        expired: Expired,
    }
}

impl LazyTimer {
    /// The future has not been pending yet.
    #[inline]
    pub(crate) fn unset() -> Self {
        Self { sleep: None, expired: Expired::Call }
    }

    /// Creates the timer at the first call, and polls it.
    #[cold]
    #[inline(never)]
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        timer: &mut CallTimer<'_>,
        timeout: Option<Duration>,
        deadline: Option<Duration>,
        cx: &mut Context<'_>,
    ) -> Poll<Expired> {
        if timeout.is_none() && deadline.is_none() {
            timer.begin();
            return Poll::Pending;
        }
        let mut this = self.project();
        if this.sleep.is_none() {
            let (at, expired) = next_limit(timer, timeout, deadline);
            let Some(at) = at else { return Poll::Pending };
            *this.expired = expired;
            this.sleep.set(Some(sleep(at)));
        }
        match this.sleep.as_pin_mut() {
            Some(sleep) => poll_despite_budget(sleep, cx).map(|()| *this.expired),
            None => Poll::Pending,
        }
    }
}

/// Polls the timer even if the future has used up tokio's cooperative budget; otherwise a busy future would never time
/// out.
fn poll_despite_budget(sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() { sleep.poll(cx) } else { pin!(coop::unconstrained(sleep)).poll(cx) }
}
