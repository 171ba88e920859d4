//! A timer, and a clear message where no runtime keeps the time.

use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer, with a clear word where there is no runtime to keep it.
pub(crate) fn sleep(at: Instant) -> Sleep {
    assert!(
        Handle::try_current().is_ok(),
        "this stage has to wait (a timeout, a deadline, a retry or a rate), and there is no tokio runtime to keep \
         the time: run the pipeline under `#[tokio::main]`, or call `run_blocking`"
    );
    sleep_until(at)
}
