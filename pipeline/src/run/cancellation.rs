//! How a run is stopped. The first cancelled token is a soft stop: the source is not read any more, and no further attempts
//! begin. The second one, or the end of the grace period, is a hard stop: the items in flight are dropped.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Counts the cancelled tokens of a run.
pub(crate) struct CancelCount {
    waiting: Vec<Pin<Box<WaitForCancellationFutureOwned>>>,
    cancelled: usize,
}

impl CancelCount {
    pub(crate) fn new(tokens: &[CancellationToken]) -> Self {
        let waiting = tokens.iter().map(|token| Box::pin(token.clone().cancelled_owned())).collect();
        Self { waiting, cancelled: 0 }
    }

    /// The number of cancelled tokens. The polling task is woken when another token is cancelled.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> usize {
        if !self.waiting.is_empty() {
            self.count(cx);
        }
        self.cancelled
    }

    #[inline(never)]
    fn count(&mut self, cx: &mut Context<'_>) {
        let waiting_before = self.waiting.len();
        self.waiting.retain_mut(|token| token.as_mut().poll(cx).is_pending());
        self.cancelled += waiting_before - self.waiting.len();
    }
}

/// How a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    No,
    Soft,
    Hard,
}

/// The stops of a run: cancelled tokens, and the grace period after the first one.
pub(crate) struct StopSignal {
    cancel_count: CancelCount,
    grace: Duration,
    /// Set at the soft stop.
    timer: Option<GraceTimer>,
    stop: Stop,
}

impl StopSignal {
    pub(crate) fn new(tokens: &[CancellationToken], grace: Duration) -> Self {
        Self { cancel_count: CancelCount::new(tokens), grace, timer: None, stop: Stop::No }
    }

    /// Whether the run is stopped. The polling task is woken when that changes.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Stop {
        match self.cancel_count.poll(cx) {
            0 => Stop::No,
            1 => self.poll_grace(cx),
            _ => Stop::Hard,
        }
    }

    #[cold]
    fn poll_grace(&mut self, cx: &mut Context<'_>) -> Stop {
        if self.stop == Stop::No {
            self.stop = Stop::Soft;
            self.timer = Some(GraceTimer::new(self.grace));
        }
        if self.timer.as_mut().is_some_and(|timer| timer.is_over(cx)) {
            self.timer = None;
            self.stop = Stop::Hard;
        }
        self.stop
    }
}

/// The timer of a grace period. Without a tokio runtime with timers, the period does not end.
pub(crate) struct GraceTimer(Option<Pin<Box<Sleep>>>);

impl GraceTimer {
    pub(crate) fn new(grace: Duration) -> Self {
        let timer = || Instant::now().checked_add(grace).map(|end| Box::pin(sleep_until(end)));
        Self(catch_unwind(AssertUnwindSafe(timer)).ok().flatten())
    }

    /// Whether the period will end.
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.0.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready())
    }
}

/// Waits until `count` of the tokens are cancelled. Never completes if there are fewer tokens.
pub(crate) async fn cancelled(tokens: &[CancellationToken], count: usize) {
    let mut cancel_count = CancelCount::new(tokens);
    poll_fn(|cx| if cancel_count.poll(cx) >= count { Poll::Ready(()) } else { Poll::Pending }).await;
}
