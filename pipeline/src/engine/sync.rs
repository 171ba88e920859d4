//! What the threads of a run share is built from these. With `--cfg pipeline_loom` they are those of loom, which tries every order
//! of the threads' steps: see CONTRIBUTING.md.

#[cfg(not(pipeline_loom))]
pub(crate) use futures_util::task::AtomicWaker;
#[cfg(not(pipeline_loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
#[cfg(not(pipeline_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(pipeline_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
#[cfg(pipeline_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks the mutex, and ignores poisoning.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// loom's, with the interface of that of `futures_util`.
#[cfg(pipeline_loom)]
#[derive(Default)]
pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

#[cfg(pipeline_loom)]
impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn register(&self, waker: &std::task::Waker) {
        self.0.register_by_ref(waker);
    }

    pub(crate) fn wake(&self) {
        self.0.wake();
    }

    pub(crate) fn take(&self) -> Option<std::task::Waker> {
        self.0.take_waker()
    }
}
