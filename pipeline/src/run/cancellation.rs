//! Being asked to stop: once to take nothing more, twice to drop everything.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Waits for tokens, and counts those that were cancelled.
pub(crate) struct CancelCount {
    waiting: Vec<Pin<Box<WaitForCancellationFutureOwned>>>,
    cancelled: usize,
}

impl CancelCount {
    pub(crate) fn new(tokens: &[CancellationToken]) -> Self {
        let waiting = tokens.iter().map(|token| Box::pin(token.clone().cancelled_owned())).collect();
        Self { waiting, cancelled: 0 }
    }

    /// How many of the tokens are cancelled. Whoever polls is woken when there is another.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> usize {
        if !self.waiting.is_empty() {
            self.count(cx);
        }
        self.cancelled
    }

    #[inline(never)]
    fn count(&mut self, cx: &mut Context<'_>) {
        let before = self.waiting.len();
        self.waiting.retain_mut(|token| token.as_mut().poll(cx).is_pending());
        self.cancelled += before - self.waiting.len();
    }
}

/// Waits until so many of the tokens are cancelled: for ever, if there are fewer.
pub(crate) async fn cancelled(tokens: &[CancellationToken], count: usize) {
    let mut cancel_count = CancelCount::new(tokens);
    poll_fn(|cx| if cancel_count.poll(cx) >= count { Poll::Ready(()) } else { Poll::Pending }).await;
}
