//! `BoxPipeline`: a pipeline whose stages and state are type-erased.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::value::Pipeline;
use crate::call::observe::{Observe, Observed, Unobserved};

use crate::call::stage_context::StageContext;
use crate::engine::run_many::{RunMany, RunMode, RunOutcome, RunRequest};
use crate::engine::shape::{AnyBoundary, OneToOne, Shape, WithBoundary, WorkerTasks};
use crate::engine::sinks::Sink;
use crate::engine::source::PollSource;
use crate::error::stage_error::StageError;
use crate::run::settings::Settings;
use crate::stage::contract::{Accepts, Stage};
use crate::stage::plan::Plan;

/// A pipeline whose stages and state are type-erased, for struct fields and the state of web frameworks.
///
/// Created by [`Pipeline::boxed`]. It keeps its settings, which can still be changed. It costs one allocation per item; with
/// boundaries, one allocation per run, and two virtual calls per item. Clones share the stages and the state.
///
/// A pipeline with boundaries is a `BoxPipeline<In, Out, WithBoundary>`. It has no `run`, and it cannot be a step of another
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

impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    /// Erases the types of the stages and the state: see [`BoxPipeline`].
    #[must_use]
    pub fn boxed(self) -> BoxPipeline<In, F::Out, OneToOne<X>>
    where
        F: 'static,
        S: 'static,
    {
        let Self { stages, state, settings, plan, base, shape } = self;
        let stages = Arc::new(BoxStage::new(stages, state));
        Pipeline { stages, state: Arc::new(()), settings, plan, base, shape }
    }
}

impl<In, F, S, B, X> Pipeline<In, F, S, WithBoundary<B, X>>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: RunMany<In, S, WithBoundary<B, WorkerTasks>, Out: 'static> + 'static,
    B: 'static,
{
    /// Erases the types of the stages, the boundaries and the state: see [`BoxPipeline`].
    #[must_use]
    pub fn boxed(self) -> BoxPipeline<In, F::Out, WithBoundary<AnyBoundary, X>> {
        let Self { stages, state, settings, plan, base, shape: _ } = self;
        let stages = Arc::new(BoxSections::new::<F, S, B>(stages, state));
        Pipeline { stages, state: Arc::new(()), settings, plan, base, shape: PhantomData }
    }
}

/// The type-erased stages of a pipeline of this shape.
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

/// The type-erased stages of a pipeline without boundaries, and their state.
pub struct BoxStage<In, Out> {
    stages: Arc<dyn ErasedStage<In, Out>>,
    no_state: Arc<()>,
}

/// Stages and their state.
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
                self.stages.__call(Observed, input, &cx).await
            } else {
                self.stages.__call(Unobserved, input, &cx).await
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
        self.__call(Unobserved, input, cx).await
    }

    async fn __call<O: Observe>(&self, _: O, input: In, cx: &StageContext<'_, S>) -> Result<Out, StageError> {
        self.stages.call(O::OBSERVED, input, &cx.with_state(&self.no_state)).await
    }
}

/// The type-erased stages and boundaries of a pipeline, and their state.
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

/// Stages with the boundary `B`. It is a type parameter because the shape must be part of the implementing type.
struct BoundSections<F, S, B> {
    bound: Bound<F, S>,
    shape: PhantomData<fn() -> B>,
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
        Self(Arc::new(BoundSections::<F, S, B> { bound, shape: PhantomData }))
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
