//! Takes items through stages.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use pin_project_lite::pin_project;
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use crate::footing::Place;
use crate::item::Item;
use crate::pipeline::Settings;
use crate::report::{Aborted, Failure, Report};
use crate::run::Run;
use crate::{Scope, Stage, StageError};

/// Takes one item through. A panic on the way is its failure, and nobody else's.
pub(crate) async fn one<In, F, S>(
    stages: &F,
    input: In,
    state: &Arc<S>,
    run: &Run<'_>,
    index: usize,
) -> Result<F::Out, StageError>
where
    F: Stage<In, S>,
{
    let item = Item::new(run, index);
    let cx = Scope::new(state, &item);
    let call = stages.call(input, &cx);
    Caught { call }.await.unwrap_or_else(|payload| Err(panicked(&item, payload)))
}

pin_project! {
    /// The call of a chain, with its panics caught.
    ///
    /// It holds the call itself: behind a pointer the compiler loses sight of how far a fresh call has come.
    pub(crate) struct Caught<C> {
        #[pin]
        pub(crate) call: C,
    }
}

impl<C: Future> Future for Caught<C> {
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

/// The failure that a panic on the way is.
#[cold]
#[inline(never)]
pub(crate) fn panicked(item: &Item<'_>, payload: Box<dyn Any + Send>) -> StageError {
    let Place { stage, attempt } = item.fall().unwrap_or(Place { stage: "?", attempt: 1 });
    StageError::panicked(stage, attempt, payload)
}

/// Each input's own result, in the order of the inputs.
pub(crate) async fn settle<In, F, S>(
    stages: &F,
    inputs: impl Iterator<Item = In> + Send,
    state: &Arc<S>,
    settings: &Settings,
) -> Vec<Result<F::Out, StageError>>
where
    F: Stage<In, S>,
{
    let run = Run::new(settings);
    stream::iter(inputs.enumerate())
        .map(|(index, input)| one(stages, input, state, &run, index))
        .buffered(settings.concurrency)
        .collect()
        .await
}

/// All outputs, in the order of the inputs, or the first failure.
pub(crate) async fn collect<In, F, S>(
    stages: &F,
    inputs: impl Iterator<Item = In> + Send,
    state: &Arc<S>,
    settings: &Settings,
) -> Result<Vec<F::Out>, Aborted>
where
    F: Stage<In, S>,
{
    let run = Run::new(settings);
    let started = Instant::now();
    let mut items_in = 0;
    let mut outputs = Vec::new();
    let failure = {
        let calls = stream::iter(inputs.enumerate()).map(|(index, input)| {
            items_in = index + 1;
            one(stages, input, state, &run, index)
        });
        let mut results = pin!(calls.buffered(settings.concurrency));
        loop {
            match results.next().await {
                None => break None,
                Some(Ok(output)) => outputs.push(output),
                Some(Err(error)) => {
                    break Some(Failure { index: outputs.len(), error });
                }
            }
        }
    };
    let Some(failure) = failure else {
        return Ok(outputs);
    };
    let elapsed: Duration = started.elapsed();
    let report = Report { items_in, items_out: outputs.len(), items_failed: 1, elapsed };
    Err(Aborted { failure, report })
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
