//! One item's way.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::{Builder, Handle};

use crate::item::Item;
use crate::panic_origin::CallSite;
use crate::run::Run;
use crate::{Stage, StageContext, StageError};

/// What comes of an item on its way through a chain.
pub(crate) type ItemResult<T> = Result<T, ItemFailure<T>>;

/// An item that did not simply come out.
pub(crate) enum ItemFailure<T> {
    Failed(StageError),
    /// Rows of it failed by themselves; the rest came out, or failed later.
    Partial(Box<(Result<T, StageError>, Vec<StageError>)>),
}

/// Takes one item through. A panic on the way is its failure, and nobody else's.
pub(crate) async fn run_item<In, F, S>(
    stages: &F,
    input: In,
    state: &Arc<S>,
    run: &Run<'_>,
    index: usize,
    observed: bool,
) -> ItemResult<F::Out>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let item = Item::new(run, index, observed);
    let cx = StageContext::new(state, &item);
    let result = if observed {
        Box::pin(CatchPanic { call: stages.__call_observed(input, &cx) }).await
    } else {
        CatchPanic { call: stages.call(input, &cx) }.await
    };
    match result.unwrap_or_else(|payload| Err(panic_failure(run, payload))) {
        Ok(output) if !item.has_extra() => Ok(output),
        other => item_result(other, &item),
    }
}

/// What comes of an item whose chain is through, apart from the plain case.
#[cold]
#[inline(never)]
pub(super) fn item_result<T>(result: Result<T, StageError>, item: &Item<'_>) -> ItemResult<T> {
    let rows = item.isolated();
    if !rows.is_empty() {
        return Err(ItemFailure::Partial(Box::new((result, rows))));
    }
    result.map_err(ItemFailure::Failed)
}

/// The result of an item that runs alone: there is nobody to be told of single rows, so the first of them is its failure.
#[cold]
#[inline(never)]
pub(crate) fn single_result<T>(
    outcome: Result<Result<T, StageError>, Box<dyn Any + Send>>,
    item: &Item<'_>,
) -> Result<T, StageError> {
    let outcome = outcome.unwrap_or_else(|payload| Err(panic_failure(item.run(), payload)));
    match item_result(outcome, item) {
        Ok(value) => Ok(value),
        Err(ItemFailure::Failed(error)) => Err(error),
        Err(ItemFailure::Partial(partial)) => {
            let (value, rows) = *partial;
            rows.into_iter().next().map_or(value, Err)
        }
    }
}

pin_project! {
    /// The call of a chain, with its panics caught.
    ///
    /// It holds the call itself: behind a pointer the compiler loses sight of how far a fresh call has come.
    pub(crate) struct CatchPanic<C> {
        #[pin]
        pub(crate) call: C,
    }
}

impl<C: Future> Future for CatchPanic<C> {
    type Output = Result<C::Output, Box<dyn Any + Send>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let call = self.project().call;
        // After a panic the call is not polled again, only dropped, so nobody sees what it left half done.
        match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

/// The failure that a panic is, which was just caught on this thread.
#[cold]
#[inline(never)]
pub(crate) fn panic_failure(run: &Run<'_>, payload: Box<dyn Any + Send>) -> StageError {
    let site = CallSite::of_caught_panic();
    if let Some(metrics) = run.metrics(site.step).filter(|_| site.waiting) {
        metrics.waiting.dec();
    }
    StageError::panicked(site, payload)
}

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
