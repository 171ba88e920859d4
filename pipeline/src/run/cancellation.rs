//! Counts cancelled tokens: the first stops reading the source, the second drops the items in flight.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

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

/// Waits until `count` of the tokens are cancelled. Never completes if there are fewer tokens.
pub(crate) async fn cancelled(tokens: &[CancellationToken], count: usize) {
    let mut cancel_count = CancelCount::new(tokens);
    poll_fn(|cx| if cancel_count.poll(cx) >= count { Poll::Ready(()) } else { Poll::Pending }).await;
}
