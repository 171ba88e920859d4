//! `RunMany`: runs many items, from a source to the sink of a verb.

use std::future::{Future, poll_fn};
use std::sync::Arc;

use super::driver::Driver;
use super::run_state::RunState;
use super::section::{Boundary, Bounded, Section};
use super::segment::{OutputConfig, SegmentContext, open_segment};
use super::shape::{CallerTask, OneToOne, WithBoundary, WorkerTasks};
use super::sinks::Sink;
use super::source::PollSource;
use super::source_segment::SourceSegment;
use super::sync::AtomicWaker;
use super::upstream::Upstream;
use super::worker_segment::open_worker_segment;

use crate::error::stage_error::StageError;
use crate::report::failure::Failure;
use crate::report::stopped::Stopped;
use crate::report::summary::Report;
use crate::run::settings::{ErrorMode, Settings};
use crate::run::shared::{Run, RunCounters};
use crate::stage::contract::{Accepts, Stage};
use crate::stage::plan::Plan;

/// A pipeline that can run many items: any [`Stage`], or stages with boundaries between them.
///
/// Only `pipeline!` creates one. `M` is its shape, [`OneToOne`](crate::OneToOne) or [`WithBoundary`](crate::WithBoundary).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not run on `{In}` with the state `{S}`",
    label = "this pipeline does not run",
    note = "each stage must accept the output of the previous one, and the state must provide its resources"
)]
pub trait RunMany<In, S, M = OneToOne>: Accepts<In> + Send + Sync {
    /// Runs all items of a source into a sink.
    #[doc(hidden)]
    fn __run<P, K>(
        request: RunRequest<'_, In, Self, S>,
        source: &mut P,
        mode: RunMode,
        sink: &mut K,
    ) -> impl Future<Output = RunOutcome> + Send
    where
        Self: Sized,
        P: PollSource<In>,
        K: Sink<Self::Out> + Send;
}

impl<In, S, F> RunMany<In, S, OneToOne<CallerTask>> for F
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    fn __run<P, K>(
        request: RunRequest<'_, In, F, S>,
        source: &mut P,
        mode: RunMode,
        sink: &mut K,
    ) -> impl Future<Output = RunOutcome> + Send
    where
        P: PollSource<In>,
        K: Sink<F::Out> + Send,
    {
        drive::<OneToOne<CallerTask>, _, _, _>(request, source, mode, sink)
    }
}

impl<In, S, F> RunMany<In, S, OneToOne<WorkerTasks>> for F
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: Stage<In, S, Out: 'static> + 'static,
{
    fn __run<P, K>(
        request: RunRequest<'_, In, F, S>,
        source: &mut P,
        mode: RunMode,
        sink: &mut K,
    ) -> impl Future<Output = RunOutcome> + Send
    where
        P: PollSource<In>,
        K: Sink<F::Out> + Send,
    {
        drive::<OneToOne<WorkerTasks>, _, _, _>(request, source, mode, sink)
    }
}

impl<In, S, X, H, B, R> RunMany<In, S, WithBoundary<B, X>> for Bounded<H, B, R>
where
    In: Send,
    S: Send + Sync,
    H: Section<In, S, X>,
    B: Boundary<H::Out>,
    R: Section<B::Out, S, X>,
{
    fn __run<P, K>(
        request: RunRequest<'_, In, Self, S>,
        source: &mut P,
        mode: RunMode,
        sink: &mut K,
    ) -> impl Future<Output = RunOutcome> + Send
    where
        P: PollSource<In>,
        K: Sink<R::Out> + Send,
    {
        drive::<WithBoundary<B, X>, _, _, _>(request, source, mode, sink)
    }
}

/// Opens the segments of a pipeline of this shape.
trait OpenSegments<In, F, S> {
    type Out: Send;

    fn open<'a, U>(
        stages: &'a Arc<F>,
        upstream: U,
        context: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

impl<In, S, F> OpenSegments<In, F, S> for OneToOne<CallerTask>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    type Out = F::Out;

    fn open<'a, U>(
        stages: &'a Arc<F>,
        upstream: U,
        context: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        open_segment(&**stages, upstream, &context, true)
    }
}

impl<In, S, F> OpenSegments<In, F, S> for OneToOne<WorkerTasks>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: Stage<In, S, Out: 'static> + 'static,
{
    type Out = F::Out;

    fn open<'a, U>(
        stages: &'a Arc<F>,
        upstream: U,
        context: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        open_worker_segment(stages, upstream, &context, true)
    }
}

impl<In, S, B, X, F> OpenSegments<In, F, S> for WithBoundary<B, X>
where
    F: Section<In, S, X>,
{
    type Out = F::Out;

    fn open<'a, U>(
        stages: &'a Arc<F>,
        upstream: U,
        context: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        F::open(stages, upstream, context, true)
    }
}

/// The name of the first stage, for the errors of items that were never started.
pub(super) fn first_stage(plan: &Plan) -> &'static str {
    plan.first_stage().unwrap_or("source")
}

/// The pipeline that a verb runs.
pub struct RunRequest<'a, In, F, S> {
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

/// How a verb handles failures and outputs.
#[derive(Debug, Clone, Copy)]
pub struct RunMode {
    /// What the run does when an item fails; `None` for `settle`, which returns each failure as a result.
    pub(crate) error_mode: Option<ErrorMode>,
    /// Whether failures are also emitted in the places of their items.
    pub(crate) emit_failures: bool,
    pub(crate) output_config: OutputConfig,
}

/// The outcome of a run.
#[derive(Debug)]
pub struct RunOutcome {
    pub(crate) report: Report,
    /// The first failure, if failures are not emitted.
    pub(crate) first_failure: Option<Failure>,
    /// Why the run could not go on, although no item failed.
    pub(crate) fatal: Option<StageError>,
    /// Whether the source was read to its end and nothing was cancelled.
    pub(crate) complete: bool,
    /// The number of items that were read from the source.
    pub(crate) items_in: usize,
}

/// Opens the segments, and drives them to the end of the run.
async fn drive<M, In, F, S>(
    request: RunRequest<'_, In, F, S>,
    source: &mut impl PollSource<In>,
    mode: RunMode,
    sink: &mut (impl Sink<M::Out> + Send),
) -> RunOutcome
where
    In: Send,
    S: Send + Sync,
    F: Send + Sync,
    M: OpenSegments<In, F, S>,
{
    let RunRequest { stages, state, settings, plan } = request;
    let counters = RunCounters::new(plan.steps().len());
    let run = Run::counted(&settings.run, &counters);
    let waker = Arc::new(AtomicWaker::new());
    let context = SegmentContext {
        run: &run,
        wait_note: &counters.wait_note,
        state,
        plan,
        driver: Arc::clone(&waker),
        output_config: mode.output_config,
    };
    let problem = source.problem();
    let segments = M::open(stages, SourceSegment::new(source), context);
    let mut run_state =
        RunState::new(&run, &counters, settings, first_stage(plan), mode.error_mode, mode.emit_failures);
    run_state.report_of_dropped_run = sink.report_of_dropped_run();
    if let Some(problem) = problem {
        run_state.abort_with(Stopped::AtFailure, StageError::unusable("source", problem.to_owned()));
    }
    let mut driver = Driver::new(segments, run_state, plan, waker);
    poll_fn(|cx| driver.poll(cx, sink)).await;
    let report = driver.finish();
    let run_state = &mut driver.run_state;
    RunOutcome {
        report,
        first_failure: run_state.first_failure.take(),
        fatal: run_state.fatal.take(),
        complete: run_state.source_exhausted && !run_state.aborting,
        items_in: run_state.items_in,
    }
}
