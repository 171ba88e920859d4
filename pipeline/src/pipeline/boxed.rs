//! One nameable type for pipelines: their stages and their state do not show in it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::value::Pipeline;

use crate::call::stage_context::StageContext;
use crate::engine::run_many::{RunMany, RunMode, RunOutcome, RunRequest};
use crate::engine::shape::{AnyBoundary, OneToOne, Shape, WithBoundary, WorkerTasks};
use crate::engine::sinks::Sink;
use crate::engine::source::PollSource;
use crate::error::stage_error::StageError;
use crate::run::settings::Settings;
use crate::stage::contract::{Accepts, Stage};
use crate::stage::plan::Plan;

/// A pipeline whose stages and state do not show in its type: for struct fields, and for the state of a web framework.
///
/// [`Pipeline::boxed`] makes one. It keeps its settings, and the methods that change them. It costs one allocation per
/// item; with boundaries, one allocation per run and a virtual call per item at each end. Cloning it shares it.
///
/// A pipeline with boundaries is a `BoxPipeline<In, Out, WithBoundary>`. It has no `run`, and cannot be a step of another
/// pipeline.
///
/// ```
/// use pipeline::{BoxPipeline, WithBoundary, pipeline};
///
/// struct Service {
///     double: BoxPipeline<u32, u32>,
///     sums: BoxPipeline<Vec<u32>, u32, WithBoundary>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = Service {
///     double: pipeline![|x: u32| x * 2].boxed(),
///     sums: pipeline![Vec<u32>: each => batch(2) => |pair: Vec<u32>| pair.iter().sum::<u32>()].boxed(),
/// };
/// assert_eq!(service.double.run(21).await?, 42);
/// assert_eq!(service.sums.collect([vec![1, 2, 3], vec![4]]).await?, [3, 7]);
/// # Ok(()) }
/// ```
pub type BoxPipeline<In, Out, M = OneToOne> = Pipeline<In, <M as BoxShape>::Boxed<In, Out>, (), M>;

/// What the stages of a boxed pipeline of this shape are.
pub trait BoxShape: Shape {
    /// [`BoxStage`] or [`BoxSections`].
    type Boxed<In, Out>;
}

impl<X> BoxShape for OneToOne<X> {
    type Boxed<In, Out> = BoxStage<In, Out>;
}

impl<X> BoxShape for WithBoundary<AnyBoundary, X> {
    type Boxed<In, Out> = BoxSections<In, Out>;
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The stages of a pipeline that takes one item and gives one, and their state, behind a pointer.
pub struct BoxStage<In, Out> {
    stages: Arc<dyn ErasedStage<In, Out>>,
    no_state: Arc<()>,
}

/// Stages and the state that they run under.
struct Bound<F, S> {
    stages: Arc<F>,
    state: Arc<S>,
}

trait ErasedStage<In, Out>: Send + Sync {
    fn call<'a>(
        &'a self,
        observed: bool,
        input: In,
        cx: &'a StageContext<'_, ()>,
    ) -> BoxFuture<'a, Result<Out, StageError>>
    where
        In: 'a;
}

impl<In, S, F> ErasedStage<In, F::Out> for Bound<F, S>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    fn call<'a>(
        &'a self,
        observed: bool,
        input: In,
        cx: &'a StageContext<'_, ()>,
    ) -> BoxFuture<'a, Result<F::Out, StageError>>
    where
        In: 'a,
    {
        Box::pin(async move {
            let cx = cx.with_state(&self.state);
            if observed {
                self.stages.__call_observed(input, &cx).await
            } else {
                self.stages.call(input, &cx).await
            }
        })
    }
}

impl<In, Out> BoxStage<In, Out> {
    pub(crate) fn new<F, S>(stages: Arc<F>, state: Arc<S>) -> Self
    where
        In: Send,
        S: Send + Sync + 'static,
        F: Stage<In, S, Out = Out> + 'static,
    {
        Self { stages: Arc::new(Bound { stages, state }), no_state: Arc::new(()) }
    }
}

impl<In, Out> Clone for BoxStage<In, Out> {
    fn clone(&self) -> Self {
        Self { stages: Arc::clone(&self.stages), no_state: Arc::clone(&self.no_state) }
    }
}

impl<In, Out> fmt::Debug for BoxStage<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxStage").finish_non_exhaustive()
    }
}

impl<In, Out: Send> Accepts<In> for BoxStage<In, Out> {
    type Out = Out;
}

impl<In, Out, S> Stage<In, S> for BoxStage<In, Out>
where
    In: Send,
    Out: Send,
    S: Send + Sync,
{
    async fn call(&self, input: In, cx: &StageContext<'_, S>) -> Result<Out, StageError> {
        self.stages.call(false, input, &cx.with_state(&self.no_state)).await
    }

    async fn __call_observed(&self, input: In, cx: &StageContext<'_, S>) -> Result<Out, StageError> {
        self.stages.call(true, input, &cx.with_state(&self.no_state)).await
    }
}

/// The stages and boundaries of a pipeline, and their state, behind a pointer.
pub struct BoxSections<In, Out>(Arc<dyn ErasedSections<In, Out>>);

trait ErasedSections<In, Out>: Send + Sync {
    fn run<'a>(
        &'a self,
        settings: &'a Settings<In>,
        plan: &'a Plan,
        source: &'a mut (dyn PollSource<In> + 'a),
        mode: RunMode,
        sink: &'a mut (dyn Sink<Out> + Send),
    ) -> BoxFuture<'a, RunOutcome>
    where
        In: 'a,
        Out: 'a;
}

/// As the shape of the stages is part of no type here, it is one of this.
struct BoundSections<F, S, B> {
    bound: Bound<F, S>,
    shape: std::marker::PhantomData<fn() -> B>,
}

impl<In, S, F, B> ErasedSections<In, F::Out> for BoundSections<F, S, B>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, WithBoundary<B, WorkerTasks>>,
{
    fn run<'a>(
        &'a self,
        settings: &'a Settings<In>,
        plan: &'a Plan,
        source: &'a mut (dyn PollSource<In> + 'a),
        mode: RunMode,
        sink: &'a mut (dyn Sink<F::Out> + Send),
    ) -> BoxFuture<'a, RunOutcome>
    where
        In: 'a,
        F::Out: 'a,
    {
        let Bound { stages, state } = &self.bound;
        let (mut source, mut sink) = (source, sink);
        let request = RunRequest { stages, state, settings, plan };
        Box::pin(async move { F::__run(request, &mut source, mode, &mut sink).await })
    }
}

impl<In, Out> BoxSections<In, Out> {
    pub(crate) fn new<F, S, B>(stages: Arc<F>, state: Arc<S>) -> Self
    where
        In: Send,
        S: Send + Sync + 'static,
        F: RunMany<In, S, WithBoundary<B, WorkerTasks>, Out = Out> + 'static,
        B: 'static,
    {
        let bound = Bound { stages, state };
        Self(Arc::new(BoundSections::<F, S, B> { bound, shape: std::marker::PhantomData }))
    }
}

impl<In, Out> Clone for BoxSections<In, Out> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<In, Out> fmt::Debug for BoxSections<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSections").finish_non_exhaustive()
    }
}

impl<In, Out: Send> Accepts<In> for BoxSections<In, Out> {
    type Out = Out;
}

impl<In, Out, S, X> RunMany<In, S, WithBoundary<AnyBoundary, X>> for BoxSections<In, Out>
where
    In: Send,
    Out: Send,
    S: Send + Sync,
{
    async fn __run<P, K>(
        request: RunRequest<'_, In, Self, S>,
        source: &mut P,
        mode: RunMode,
        sink: &mut K,
    ) -> RunOutcome
    where
        P: PollSource<In>,
        K: Sink<Out> + Send,
    {
        let RunRequest { stages, settings, plan, .. } = request;
        stages.0.run(settings, plan, source, mode, sink).await
    }
}
