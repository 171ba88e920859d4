//! Runs a future to completion on the current thread, for the verbs that block.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::{io, thread};

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::coop::poll_proceed;

/// The verb that blocks, for the panics of its caller.
#[derive(Clone, Copy)]
pub(crate) struct BlockingVerb {
    /// Its name.
    pub(crate) name: &'static str,
    /// What async code calls.
    pub(crate) instead: &'static str,
}

impl BlockingVerb {
    /// Runs a future to completion on the current thread, which must be allowed to block.
    #[track_caller]
    pub(crate) fn block_on<F: Future>(self, future: F) -> F::Output {
        match self.current_runtime() {
            Some(runtime) => runtime.block_on(future),
            None => self.runtime(new_runtime()).block_on(future),
        }
    }

    /// A runtime that runs by itself: the one of this blocking thread, or one on a thread of its own.
    #[track_caller]
    pub(crate) fn background(self) -> Background {
        if let Some(runtime) = self.current_runtime() {
            return Background { runtime, _own: None };
        }
        let runtime = self.runtime(new_runtime());
        let handle = runtime.handle().clone();
        let (own, dropped) = oneshot::channel::<()>();
        let spawned = thread::Builder::new().name("pipeline".to_owned()).spawn(move || {
            // An error is the drop of the sender.
            let _ = runtime.block_on(dropped);
            // Blocking calls may go on, and nobody waits for them.
            runtime.shutdown_background();
        });
        self.runtime(spawned);
        Background { runtime: handle, _own: Some(own) }
    }

    /// The runtime whose blocking thread this is, if it runs by itself.
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    fn current_runtime(self) -> Option<Handle> {
        let runtime = Handle::try_current().ok()?;
        let Self { name, instead } = self;
        let may_block = !is_async_code()
            // In an unlimited task. Only tokio knows, and it panics.
            && catch_unwind(AssertUnwindSafe(|| runtime.block_on(async {}))).is_ok();
        assert!(
            may_block,
            "`{name}` was called in async code, where it would block the thread of the runtime: use `{instead}` instead"
        );
        // A runtime with one thread has no timers while nobody drives it, and that cannot be known here.
        (runtime.runtime_flavor() != RuntimeFlavor::CurrentThread).then_some(runtime)
    }

    #[track_caller]
    fn runtime<T>(self, result: io::Result<T>) -> T {
        match result {
            Ok(runtime) => runtime,
            Err(error) => panic!("`{}` could not start a tokio runtime: {error}", self.name),
        }
    }
}

fn new_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The number of operations after which a task of tokio's has to yield is 128.
const MORE_THAN_A_TASK_MAY_DO: usize = 1000;

/// Whether this is within a task, whose operations tokio limits. No other code has a limit.
fn is_async_code() -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    (0..MORE_THAN_A_TASK_MAY_DO).any(|_| match poll_proceed(&mut cx) {
        Poll::Ready(operation) => {
            operation.made_progress();
            false
        }
        Poll::Pending => true,
    })
}

/// A runtime that runs by itself, until this is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) runtime: Handle,
    /// Its drop ends a runtime that was started for this.
    _own: Option<oneshot::Sender<()>>,
}
