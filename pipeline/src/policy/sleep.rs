//! tokio's `sleep_until`, with a clear panic message where there are no timers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that expires at `at`.
///
/// # Panics
///
/// Panics outside of a tokio runtime, and in one without timers.
pub(crate) fn sleep(at: Instant) -> Sleep {
    try_sleep(at).unwrap_or_else(|problem| {
        panic!("this stage has a timeout, deadline, backoff or rate, which {problem}")
    })
}

/// A timer that expires at `at`, or why there can be none.
pub(crate) fn try_sleep(at: Instant) -> Result<Sleep, &'static str> {
    if Handle::try_current().is_err() {
        return Err("needs a tokio runtime: run the pipeline under `#[tokio::main]`, or call `run_blocking`");
    }
    // Only tokio knows whether its runtime has timers, and it panics if not.
    catch_unwind(AssertUnwindSafe(|| sleep_until(at))).map_err(
        |_| "needs the timers of the tokio runtime: call `enable_time` or `enable_all` on its builder",
    )
}
