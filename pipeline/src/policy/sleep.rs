//! tokio's `sleep_until`, with a clear panic message outside of a runtime.

use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that expires at `at`.
///
/// # Panics
///
/// Panics outside of a tokio runtime.
pub(crate) fn sleep(at: Instant) -> Sleep {
    assert!(
        Handle::try_current().is_ok(),
        "this stage has a timeout, deadline, backoff or rate, and these need a tokio runtime: run the pipeline under \
         `#[tokio::main]`, or call `run_blocking`"
    );
    sleep_until(at)
}
