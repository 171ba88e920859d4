//! The verbs: what is driven, and what is made of what comes out.

use futures_util::task::AtomicWaker;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use super::driver::Driver;
use super::outputs::OutputQueue;
use super::outputs::QueueSink;
use super::run_state::RunState;
use super::section::RunMany;
use super::segment::OutputConfig;
use super::segment::SegmentContext;
use super::sinks::CollectSink;
use super::sinks::DiscardSink;
use super::sinks::IndexedSink;
use super::sinks::Sink;
use super::source::PollSource;
use super::source_segment::SourceSegment;
use crate::error::stage_error::StageError;
use crate::report::aborted::Aborted;
use crate::report::failure::Failure;
use crate::report::summary::Report;
use crate::run::settings::ErrorMode;
use crate::run::settings::Settings;
use crate::run::shared::Run;
use crate::run::shared::RunCounters;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// What a verb runs.
pub(crate) struct RunRequest<'a, In, F, S> {
    pub(crate) stages: &'a Arc<F>,
    pub(crate) state: &'a Arc<S>,
    pub(crate) settings: &'a Settings<In>,
    pub(crate) plan: &'a Plan,
}

impl<In, F, S> Clone for RunRequest<'_, In, F, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, F, S> Copy for RunRequest<'_, In, F, S> {}

/// How a verb wants its failures and its results.
struct RunMode {
    error_mode: Option<ErrorMode>,
    emit_failures: bool,
    output_config: OutputConfig,
}

/// How a run ended.
struct RunOutcome {
    report: Report,
    /// The first failure, where failures did not go on in place.
    first: Option<Failure>,
    /// The run came to its end by itself.
    complete: bool,
    items_in: usize,
}

async fn drive<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    pull: impl PollSource<In>,
    mode: RunMode,
    sink: &mut (impl Sink<F::Out> + Send),
) -> RunOutcome
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let RunRequest { stages, state, settings, plan } = request;
    let counters = RunCounters::new(plan);
    let run = Run::counted(&settings.run, &counters, None);
    let driver = Arc::new(AtomicWaker::new());
    let deck = SegmentContext {
        run: &run,
        state,
        plan,
        driver: Arc::clone(&driver),
        output_config: mode.output_config,
    };
    let line = F::__open(stages, SourceSegment::new(pull), deck);
    let run_state = RunState::new(&run, &counters, settings, mode.error_mode, mode.emit_failures);
    let mut drive = Driver::new(line, run_state, plan, driver);
    poll_fn(|cx| drive.poll(cx, sink)).await;
    let report = drive.finish();
    let complete = drive.run_state.source_exhausted && !drive.run_state.aborting;
    RunOutcome {
        report,
        first: drive.run_state.first_failure.take(),
        complete,
        items_in: drive.run_state.items_in,
    }
}

/// The stage that an item would have met first.
fn first_stage(plan: &Plan) -> &'static str {
    plan.first_stage().unwrap_or("source")
}

/// All outputs, or the first failure.
pub(crate) async fn collect<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    pull: impl PollSource<In>,
) -> Result<Vec<F::Out>, Aborted>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let run = &request.settings.run;
    let output_config = OutputConfig { ordered: run.ordered, unbounded: true };
    let mode = RunMode { error_mode: Some(run.mode), emit_failures: false, output_config };
    let mut outputs = CollectSink(Vec::new());
    let RunOutcome { report, first, complete, items_in } = drive(request, pull, mode, &mut outputs).await;
    match first {
        Some(failure) => Err(Aborted { failure, report }),
        None if complete => Ok(outputs.0),
        None => {
            let index = items_in;
            let error = StageError::not_started(first_stage(request.plan));
            Err(Aborted { failure: Failure { index, error }, report })
        }
    }
}

/// To the end, for the report.
pub(crate) async fn drain<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    pull: impl PollSource<In>,
) -> Result<Report, Aborted>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    let error_mode = request.settings.run.mode;
    // Nobody sees in which order they come.
    let output_config = OutputConfig { ordered: false, unbounded: false };
    let mode = RunMode { error_mode: Some(error_mode), emit_failures: false, output_config };
    let RunOutcome { report, first, .. } = drive(request, pull, mode, &mut DiscardSink).await;
    match first {
        Some(failure) if error_mode == ErrorMode::Strict => Err(Aborted { failure, report }),
        _ => Ok(report),
    }
}

/// Each input's own result.
pub(crate) async fn settle<In, F, S>(
    request: RunRequest<'_, In, F, S>,
    mut pull: impl PollSource<In>,
) -> Vec<Result<F::Out, StageError>>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let output_config = OutputConfig { ordered: false, unbounded: false };
    let mode = RunMode { error_mode: None, emit_failures: true, output_config };
    let mut results = IndexedSink { results: Vec::new() };
    let RunOutcome { items_in, .. } = drive(request, &mut pull, mode, &mut results).await;
    let mut results = results.results;
    results.resize_with(items_in, || None);
    let stage = first_stage(request.plan);
    let mut results: Vec<_> = results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err(StageError::cancelled(stage))))
        .collect();
    // What was not taken has its place, too, as far as the source has it at hand.
    let panicked = results.last().is_some_and(|last| last.as_ref().is_err_and(StageError::is_of_source));
    while !panicked && next(&mut pull).await {
        results.push(Err(StageError::not_started(stage)));
    }
    results
}

/// Whether the source has one more at hand. Snapshot on for long gives way to others.
async fn next<In>(pull: &mut impl PollSource<In>) -> bool {
    tokio::task::coop::consume_budget().await;
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| pull.poll_next(cx))) {
        Ok(Poll::Ready(item)) => Poll::Ready(item.is_some()),
        Ok(Poll::Pending) | Err(_) => Poll::Ready(false),
    })
    .await
}

/// One item, where there is more to it than its way: observers, dead letters, being asked to stop.
pub(crate) async fn one<In, F, S>(request: RunRequest<'_, In, F, S>, input: In) -> Result<F::Out, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let results = settle(request, super::source::once(input)).await;
    match results.into_iter().next() {
        Some(result) => result,
        None => Err(StageError::not_started(first_stage(request.plan))),
    }
}

/// All outputs, each when it is there, on a shelf.
pub(crate) async fn stream<In, F, S, M>(
    request: RunRequest<'_, In, F, S>,
    pull: impl PollSource<In>,
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
    drive(request, pull, mode, &mut sink).await.report
}
