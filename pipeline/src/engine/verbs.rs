//! The verbs `collect`, `drain`, `settle` and `stream`: each runs the segments with its own sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::outputs::{OutputQueue, QueueSink};
use super::run_many::{RunMany, RunMode, RunOutcome, RunRequest, first_stage};
use super::segment::OutputConfig;
use super::shape::OneToOne;
use super::sinks::{CollectSink, DiscardSink, IndexedSink};
use super::source::PollSource;

use crate::error::stage_error::StageError;
use crate::report::aborted::Aborted;
use crate::report::failure::Failure;
use crate::report::gathered::Gathered;
use crate::report::summary::Report;
use crate::run::settings::ErrorMode;
use crate::stage::contract::Stage;

/// `settle` has a result for each item that was not read, up to this number: a range such as `0..u64::MAX` knows its length.
const MAX_UNREAD_RESULTS: usize = 1 << 24;

/// Returns the outputs, and how the run ended.
async fn outputs<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    mut source: impl PollSource<In>,
) -> (Vec<F::Out>, RunOutcome)
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let run = &request.settings.run;
    let output_config = OutputConfig { ordered: run.ordered, unbounded: true };
    let mode = RunMode { error_mode: Some(run.mode), emit_failures: false, output_config };
    let mut outputs = CollectSink(Vec::new());
    let outcome = <F as RunMany<In, S, M>>::__run(request, &mut source, mode, &mut outputs).await;
    (outputs.0, outcome)
}

/// Returns what succeeded, with the report.
pub(crate) async fn gather<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    source: impl PollSource<In>,
) -> Gathered<F::Out>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let (outputs, outcome) = outputs::<_, _, _, M>(request, source).await;
    let RunOutcome { mut report, fatal, items_in, .. } = outcome;
    // It belongs to no item, and has no other place.
    report.failures.extend(fatal.map(|error| Failure { index: items_in, error }));
    Gathered { outputs, report }
}

/// Returns all outputs, or the first failure.
pub(crate) async fn collect<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    source: impl PollSource<In>,
) -> Result<Vec<F::Out>, Aborted>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let (outputs, outcome) = outputs::<_, _, _, M>(request, source).await;
    let RunOutcome { report, first_failure, fatal, complete, items_in } = outcome;
    match first_failure {
        Some(failure) => Err(Aborted { failure, report }),
        None if complete => Ok(outputs),
        None => {
            let index = items_in;
            let error = fatal.unwrap_or_else(|| StageError::not_started(first_stage(request.plan)));
            Err(Aborted { failure: Failure { index, error }, report })
        }
    }
}

/// Discards all outputs, and returns the report.
pub(crate) async fn drain<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    mut source: impl PollSource<In>,
) -> Result<Report, Aborted>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let error_mode = request.settings.run.mode;
    // The outputs are discarded, so their order does not matter.
    let output_config = OutputConfig { ordered: false, unbounded: false };
    let mode = RunMode { error_mode: Some(error_mode), emit_failures: false, output_config };
    let RunOutcome { report, first_failure, fatal, items_in, .. } =
        <F as RunMany<In, S, M>>::__run(request, &mut source, mode, &mut DiscardSink).await;
    match first_failure {
        Some(failure) if error_mode == ErrorMode::Strict => Err(Aborted { failure, report }),
        _ => match fatal {
            Some(error) => Err(Aborted { failure: Failure { index: items_in, error }, report }),
            None => Ok(report),
        },
    }
}

/// Returns one result per input.
pub(crate) async fn settle<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    mut source: impl PollSource<In>,
) -> Vec<Result<F::Out, StageError>>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let output_config = OutputConfig { ordered: false, unbounded: false };
    let mode = RunMode { error_mode: None, emit_failures: true, output_config };
    let mut results = IndexedSink { results: Vec::new() };
    let RunOutcome { items_in, fatal, .. } =
        <F as RunMany<In, S, M>>::__run(request, &mut source, mode, &mut results).await;
    let mut results = results.results;
    results.resize_with(items_in, || None);
    let stage = first_stage(request.plan);
    let mut results: Vec<_> = results
        .into_iter()
        .map(|result| {
            result.unwrap_or_else(|| Err(fatal.clone().unwrap_or_else(|| StageError::cancelled(stage))))
        })
        .collect();
    // Items that were not read have a result too if the source knows how many they are. It is not read any further.
    let panicked = results.last().is_some_and(|last| last.as_ref().is_err_and(StageError::is_source_panic));
    let remaining = catch_unwind(AssertUnwindSafe(|| source.remaining())).ok().flatten();
    let unread = remaining.filter(|count| !panicked && *count <= MAX_UNREAD_RESULTS).unwrap_or(0);
    let not_started = || fatal.clone().unwrap_or_else(|| StageError::not_started(stage));
    results.extend((0..unread).map(|_| Err(not_started())));
    if let (true, Some(error)) = (results.is_empty(), fatal) {
        // Without an item the failure of the run has no other place.
        results.push(Err(error));
    }
    results
}

/// Runs one item of a pipeline with observers, dead letters or cancellation tokens.
pub(crate) async fn one<In, F, S>(request: RunRequest<'_, In, F, S>, input: In) -> Result<F::Out, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let results = settle::<_, _, _, OneToOne>(request, super::source::once(input)).await;
    match results.into_iter().next() {
        Some(result) => result,
        None => Err(StageError::not_started(first_stage(request.plan))),
    }
}

/// Pushes all results to a queue, for `stream`.
pub(crate) async fn stream<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    mut source: impl PollSource<In>,
    queue: Arc<OutputQueue<Result<F::Out, Failure>>>,
) -> Report
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let run = &request.settings.run;
    let output_config = OutputConfig { ordered: run.ordered, unbounded: false };
    let mode = RunMode { error_mode: Some(run.mode), emit_failures: true, output_config };
    let mut sink = QueueSink::new(queue, run.mode == ErrorMode::Strict);
    <F as RunMany<In, S, M>>::__run(request, &mut source, mode, &mut sink).await.report
}
