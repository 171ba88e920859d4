//! Runs a future to its end on a thread that may block.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Builder, Handle};

/// Runs a future to its end on a thread that may block.
#[track_caller]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match Handle::try_current() {
        Ok(runtime) => {
            // Only tokio knows whether this thread may block, and it says so by a panic.
            let may_block = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async {}))).is_ok();
            assert!(
                may_block,
                "`run_blocking` was called inside async code, where it would block the thread that has to do the \
                 work: use `.run(input).await` instead"
            );
            runtime.block_on(future)
        }
        Err(_) => match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(future),
            Err(error) => panic!("`run_blocking` could not start a tokio runtime: {error}"),
        },
    }
}
