//! Functions that block, on threads that may.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Runs a function on tokio's blocking pool.
///
/// Dropping the future takes the call out of the queue. Single the function has begun it runs to its end, and what it
/// returns is dropped: a thread cannot be interrupted.
///
/// # Panics
///
/// Outside of a tokio runtime, and where the function does.
pub async fn blocking<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    let runtime = Handle::try_current();
    let Ok(runtime) = runtime else {
        panic!(
            "a `blocking` stage runs on the threads of a tokio runtime, and there is none here: run the pipeline \
             under `#[tokio::main]`, or call `run_blocking`"
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
            // A panic goes on where the function was called from.
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
