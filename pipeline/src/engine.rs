//! Takes items through stages.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use crate::report::{Aborted, Failure, Report};
use crate::run::Run;
use crate::{Context, Scope, Stage, StageError};

/// Takes one item through. A panic on the way is its failure, and nobody else's.
pub(crate) async fn one<In, F, S>(
    stages: &F,
    input: In,
    state: &Arc<S>,
    context: Context,
) -> Result<F::Out, StageError>
where
    F: Stage<In, S>,
{
    let cx = Scope::new(state, &context);
    let mut call = pin!(stages.call(input, &cx));
    // After a panic the call is not polled again, only dropped, so nobody sees what it left half done.
    let caught = poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Err(payload) => Poll::Ready(Err(payload)),
        },
    )
    .await;
    caught.unwrap_or_else(|payload| {
        let (stage, attempt) = context.fall().map_or(("?", 1), |fall| (fall.stage, fall.attempt));
        Err(StageError::panicked(stage, attempt, payload))
    })
}

/// Each input's own result, in the order of the inputs.
pub(crate) async fn settle<In, F, S>(
    stages: &F,
    inputs: impl Iterator<Item = In> + Send,
    state: &Arc<S>,
    run: Run,
    concurrency: usize,
) -> Vec<Result<F::Out, StageError>>
where
    F: Stage<In, S>,
{
    let run = Arc::new(run);
    stream::iter(inputs.enumerate())
        .map(|(index, input)| one(stages, input, state, Context::of(Arc::clone(&run), index)))
        .buffered(concurrency)
        .collect()
        .await
}

/// All outputs, in the order of the inputs, or the first failure.
pub(crate) async fn collect<In, F, S>(
    stages: &F,
    inputs: impl Iterator<Item = In> + Send,
    state: &Arc<S>,
    run: Run,
    concurrency: usize,
) -> Result<Vec<F::Out>, Aborted>
where
    F: Stage<In, S>,
{
    let run = Arc::new(run);
    let started = Instant::now();
    let mut items_in = 0;
    let mut outputs = Vec::new();
    let failure = {
        let calls = stream::iter(inputs.enumerate()).map(|(index, input)| {
            items_in = index + 1;
            one(stages, input, state, Context::of(Arc::clone(&run), index))
        });
        let mut results = pin!(calls.buffered(concurrency));
        loop {
            match results.next().await {
                None => break None,
                Some(Ok(output)) => outputs.push(output),
                Some(Err(error)) => {
                    break Some(Failure {
                        index: outputs.len(),
                        error,
                    });
                }
            }
        }
    };
    let Some(failure) = failure else {
        return Ok(outputs);
    };
    let elapsed: Duration = started.elapsed();
    let report = Report {
        items_in,
        items_out: outputs.len(),
        items_failed: 1,
        elapsed,
    };
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
