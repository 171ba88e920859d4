//! Which stage a panic came out of.

use std::cell::Cell;
use std::thread;

use super::step_id::StepId;

/// A stage, and an attempt of it.
#[derive(Debug, Clone, Copy)]
pub struct CallSite {
    pub(crate) stage: &'static str,
    pub(crate) step: StepId,
    pub(crate) attempt: u32,
    /// Whether the call had to wait before.
    pub(crate) waiting: bool,
}

impl CallSite {
    /// That of a call which is attempted once, and never waits.
    #[inline]
    pub(crate) fn of(stage: &'static str, step: StepId) -> Self {
        Self { stage, step, attempt: 1, waiting: false }
    }

    /// Where the panic came from that was just caught on this thread.
    pub(crate) fn of_caught_panic() -> Self {
        PANIC_ORIGIN.take().unwrap_or_else(|| Self::of("?", StepId::NONE))
    }
}

thread_local! {
    /// The stage that the panic under way came out of.
    static PANIC_ORIGIN: Cell<Option<CallSite>> = const { Cell::new(None) };
}

/// Says which stage a panic came out of.
///
/// A panic is caught far out, where the stage is no longer known. Each part of a stage runs on a panic_origin: in the normal
/// course it is forgotten, at no cost; when the stack unwinds it is dropped, and leaves the stage's name for whoever
/// catches the panic, on the same thread.
pub(crate) struct PanicGuard {
    site: CallSite,
}

impl PanicGuard {
    /// Runs a part of a stage.
    #[inline]
    pub(crate) fn guard<T>(site: CallSite, part: impl FnOnce() -> T) -> T {
        let guard = Self { site };
        let output = part();
        std::mem::forget(guard);
        output
    }
}

impl Drop for PanicGuard {
    #[inline]
    fn drop(&mut self) {
        record(self.site);
    }
}

/// Takes what a panic_origin holds by value: a reference would keep it in memory during each call.
#[cold]
#[inline(never)]
fn record(site: CallSite) {
    // A call that is merely dropped (cancelled) did not fall. Of nested stages the innermost unwinds first.
    if thread::panicking() {
        PANIC_ORIGIN.set(Some(PANIC_ORIGIN.take().unwrap_or(site)));
    }
}
