//! Records which stage a panic came from.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::step_id::StepId;

/// A call of a stage: the stage, its step in the pipeline, and the attempt.
#[derive(Debug, Clone, Copy)]
pub struct CallSite {
    pub(crate) stage: &'static str,
    pub(crate) step: StepId,
    pub(crate) attempt: u32,
    /// Whether the call has returned `Pending` before.
    pub(crate) waiting: bool,
}

impl CallSite {
    /// The site of a call that has one attempt and never waits.
    #[inline]
    pub(crate) fn of(stage: &'static str, step: StepId) -> Self {
        Self { stage, step, attempt: 1, waiting: false }
    }

    /// Whether the panic that was just caught on this thread came from a stage.
    pub(crate) fn caused_panic() -> bool {
        PANIC_ORIGIN.get().is_some()
    }

    /// The origin of the panic that was just caught on this thread; stage `?` if it is unknown.
    pub(crate) fn of_caught_panic() -> Self {
        PANIC_ORIGIN.take().unwrap_or_else(|| Self::of("?", StepId::NONE))
    }
}

thread_local! {
    /// The origin of the panic that is unwinding on this thread.
    static PANIC_ORIGIN: Cell<Option<CallSite>> = const { Cell::new(None) };
}

/// Records the call site when a panic unwinds through it.
///
/// A panic is caught at the end of the chain, where the stage is no longer known. So every part of a stage runs under a
/// guard. On success the guard is forgotten, which costs nothing. During unwinding it is dropped, and stores the call site
/// in a thread-local for the code that catches the panic on the same thread.
pub(crate) struct PanicGuard {
    site: CallSite,
}

impl PanicGuard {
    /// Runs a part of a stage under a guard.
    #[inline]
    pub(crate) fn guard<T>(site: CallSite, call: impl FnOnce() -> T) -> T {
        let guard = Self { site };
        let output = call();
        std::mem::forget(guard);
        output
    }
}

/// The message of a panic.
pub(crate) fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => match payload.downcast_ref::<&str>() {
            Some(message) => (*message).to_owned(),
            None => "a panic whose payload is not a message".to_owned(),
        },
    }
}

/// Drops a call that has not finished. A panic of its destructor is caught and logged, so that it takes nothing else along: the
/// first error of the item stays. Returns the message of the panic.
#[cold]
#[inline(never)]
pub(crate) fn drop_call(drop: impl FnOnce()) -> Option<String> {
    // The panic that made the call fail, if one did, is told later.
    let earlier = PANIC_ORIGIN.take();
    let dropped = catch_unwind(AssertUnwindSafe(drop));
    let message = dropped.err().map(panic_message);
    if let Some(message) = &message {
        let stage = CallSite::of_caught_panic().stage;
        tracing::error!(stage, "a destructor panicked when its call was dropped: {message}");
    }
    PANIC_ORIGIN.set(earlier);
    message
}

impl Drop for PanicGuard {
    #[inline]
    fn drop(&mut self) {
        record(self.site);
    }
}

/// Takes the site by value: a reference would force the guard into memory during each call.
#[cold]
#[inline(never)]
fn record(site: CallSite) {
    // A guard is also dropped when its call is cancelled, without a panic. Nested stages unwind from the inside out,
    // so the first site that was recorded is the origin.
    if thread::panicking() {
        PANIC_ORIGIN.set(Some(PANIC_ORIGIN.take().unwrap_or(site)));
    }
}
