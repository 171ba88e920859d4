//! Runs a future to completion on the current thread, for `run_blocking`.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Builder, Handle, RuntimeFlavor};

/// Runs a future to completion on the current thread, which must be allowed to block.
#[track_caller]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    if let Ok(runtime) = Handle::try_current() {
        // Only tokio knows whether this thread may block, and it panics if not.
        let may_block = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async {}))).is_ok();
        assert!(
            may_block,
            "`run_blocking` was called in async code, where it would block the thread of the runtime: use \
             `.run(input).await` instead"
        );
        // A runtime with one thread has no timers while nobody drives it, and that cannot be known here.
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return runtime.block_on(future);
        }
    }
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("`run_blocking` could not start a tokio runtime: {error}"),
    }
}
