//! `blocking`: runs a function on tokio's blocking thread pool.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

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
    Blocking(runtime.spawn_blocking(function)).await
}

struct Blocking<T>(JoinHandle<T>);

impl<T> Future for Blocking<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
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
        self.0.abort();
    }
}
