//! `blocking`: runs a function on tokio's blocking thread pool.

use std::cell::Cell;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Runs a function on tokio's blocking pool.
///
/// If the future is dropped before the function starts, the function never runs. Once started, the function runs to the
/// end, because a thread cannot be interrupted, and its output is dropped.
///
/// # Panics
///
/// Panics outside of a tokio runtime, and if the function panics.
pub async fn blocking<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    let runtime = Handle::try_current();
    let Ok(runtime) = runtime else {
        panic!(
            "a `blocking` stage needs a tokio runtime: run the pipeline under `#[tokio::main]`, or call `run_blocking`"
        )
    };
    let start = Arc::new(Start::default());
    let queued_at = Instant::now();
    let signal = Arc::clone(&start);
    let handle = runtime.spawn_blocking(move || {
        let at = Instant::now();
        let _ = signal.began.set(Began { queued: at - queued_at, at });
        signal.caller.wake();
        function()
    });
    Blocking { handle, start }.await
}

/// The start of a function on its thread.
#[derive(Default)]
struct Start {
    /// Set when the function starts.
    began: OnceLock<Began>,
    /// Woken when the function starts.
    caller: AtomicWaker,
}

/// A blocking call that has a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began {
    /// The time in the queue of the pool.
    pub(super) queued: Duration,
    /// When the function started.
    pub(super) at: Instant,
}

thread_local! {
    /// Whether the blocking call that was last polled on this thread has begun.
    static BEGAN: Cell<Option<Began>> = const { Cell::new(None) };
}

/// Whether the blocking call that was just polled on this thread has begun.
pub(super) fn began() -> Option<Began> {
    BEGAN.get()
}

struct Blocking<T> {
    handle: JoinHandle<T>,
    start: Arc<Start>,
}

impl<T> Future for Blocking<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.start.began.get().is_none() {
            self.start.caller.register(cx.waker());
        }
        let poll = Pin::new(&mut self.handle).poll(cx);
        // Read after the waker was registered, and after the function may have ended.
        BEGAN.set(self.start.began.get().copied());
        match ready!(poll) {
            Ok(value) => Poll::Ready(value),
            // Rethrows a panic of the function.
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(cancelled) => {
                    panic!("the tokio runtime was shut down before the call began: {cancelled}")
                }
            },
        }
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
