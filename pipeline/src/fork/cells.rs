//! Values between calls of which nobody knows the order in which they will be there.

use std::future::poll_fn;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Poll;

use super::passing::Consumers;
use super::passing::ValueCell;

/// A value on its way from one call to others, where the calls do not fall into rows and columns.
///
/// All calls are polled in the order in which they are written, so whoever waits for a value is polled after the call that
/// gives it: no waker is needed.
#[derive(Debug)]
pub struct SharedCell<T>(OnceLock<T>);

impl<T> Default for SharedCell<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> SharedCell<T> {
    /// Puts the value in.
    pub fn put(&self, value: T) {
        // There is one call that gives it.
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

    /// The value, when all calls are done.
    #[must_use]
    pub fn into_value(self) -> ValueCell<T> {
        ValueCell::of(self.0.into_inner())
    }
}

/// Gives a value that stays in its wire to a call.
#[inline]
pub fn share<T, M: Consumers<T>>(value: &T) -> M::Args<'_> {
    M::share(Some(value), value)
}

/// The same, for a value that one call wants: it has it for its own.
#[derive(Debug)]
pub struct MoveCell<T>(Mutex<Option<T>>);

impl<T> Default for MoveCell<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> MoveCell<T> {
    /// Puts the value in.
    pub fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Waits for the value.
    pub async fn wait(&self) -> T {
        poll_fn(|_| match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        })
        .await
    }
}
