//! `SharedCell` and `MoveCell`: values that calls in a graph wait for.

use std::future::poll_fn;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Poll;

use super::passing::{Consumers, ValueCell};

/// The output of a call that several other calls wait for, in a graph that is not series-parallel.
///
/// All calls are polled in source order, so a call that waits for a value is polled after the call that returns it. No waker
/// is needed.
#[derive(Debug)]
pub struct SharedCell<T>(OnceLock<T>);

impl<T> Default for SharedCell<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> SharedCell<T> {
    /// Sets the value.
    pub fn put(&self, value: T) {
        // Only one call sets it, so this cannot fail.
        let _ = self.0.set(value);
    }

    /// Waits for the value.
    pub async fn wait(&self) -> &T {
        poll_fn(|_| match self.0.get() {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        })
        .await
    }

    /// The value, after all calls have finished.
    #[must_use]
    pub fn into_value(self) -> ValueCell<T> {
        ValueCell::of(self.0.into_inner())
    }
}

/// Passes a value to calls, as references or clones. The value stays in its cell.
#[inline]
pub fn share<T, M: Consumers<T>>(value: &T) -> M::Args<'_> {
    M::share(Some(value), value)
}

/// The output of a call that one other call waits for, and takes by value.
#[derive(Debug)]
pub struct MoveCell<T>(Mutex<Option<T>>);

impl<T> Default for MoveCell<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> MoveCell<T> {
    /// Sets the value.
    pub fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Waits for the value, and takes it.
    pub async fn wait(&self) -> T {
        poll_fn(|_| match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        })
        .await
    }
}
