//! One nameable type for any pipeline; another for any with boundaries.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::value::Pipeline;
use crate::call::stage_context::StageContext;
use crate::engine::outputs::Outputs;
use crate::engine::section::RunMany;
use crate::engine::source::PollSource;
use crate::engine::source::Source;
use crate::engine::verbs;
use crate::error::stage_error::StageError;
use crate::graph::model::Graph;
use crate::report::aborted::Aborted;
use crate::report::summary::Report;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// A pipeline whose stages do not show in its type: for struct fields, and for the state of a web framework.
///
/// It costs one allocation an item. [`Pipeline::boxed`] makes one.
pub type BoxPipeline<In, Out, S = ()> = Pipeline<In, BoxStage<In, Out, S>, S>;

/// A stage, or a whole chain, behind a pointer. Cloning it shares it.
pub struct BoxStage<In, Out, S = ()>(Arc<dyn ErasedStage<In, Out, S>>);

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait ErasedStage<In, Out, S>: Send + Sync {
    fn call<'a>(&'a self, input: In, cx: &'a StageContext<'_, S>) -> BoxFuture<'a, Result<Out, StageError>>
    where
        In: 'a;

    fn call_observed<'a>(
        &'a self,
        input: In,
        cx: &'a StageContext<'_, S>,
    ) -> BoxFuture<'a, Result<Out, StageError>>
    where
        In: 'a;
}

impl<In, S, T> ErasedStage<In, T::Out, S> for T
where
    In: Send,
    S: Send + Sync,
    T: Stage<In, S>,
{
    fn call<'a>(&'a self, input: In, cx: &'a StageContext<'_, S>) -> BoxFuture<'a, Result<T::Out, StageError>>
    where
        In: 'a,
    {
        Box::pin(Stage::call(self, input, cx))
    }

    fn call_observed<'a>(
        &'a self,
        input: In,
        cx: &'a StageContext<'_, S>,
    ) -> BoxFuture<'a, Result<T::Out, StageError>>
    where
        In: 'a,
    {
        Box::pin(self.__call_observed(input, cx))
    }
}

impl<In, Out, S> BoxStage<In, Out, S> {
    pub(crate) fn new<F>(stages: Arc<F>) -> Self
    where
        In: Send,
        S: Send + Sync,
        F: Stage<In, S, Out = Out> + 'static,
    {
        Self(stages)
    }
}

impl<In, Out, S> Clone for BoxStage<In, Out, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<In, Out, S> fmt::Debug for BoxStage<In, Out, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxStage").finish_non_exhaustive()
    }
}

impl<In, Out: Send, S> Accepts<In> for BoxStage<In, Out, S> {
    type Out = Out;
}

impl<In, Out, S> Stage<In, S> for BoxStage<In, Out, S>
where
    In: Send,
    Out: Send,
    S: Send + Sync,
{
    async fn call(&self, input: In, cx: &StageContext<'_, S>) -> Result<Out, StageError> {
        self.0.call(input, cx).await
    }

    async fn __call_observed(&self, input: In, cx: &StageContext<'_, S>) -> Result<Out, StageError> {
        self.0.call_observed(input, cx).await
    }
}

/// A pipeline with boundaries whose stages and state do not show in its type: for struct fields.
///
/// `boxed()` makes one of such a pipeline. Its settings stay as they were. It costs one allocation a run, and a pointer to
/// follow for each item that is read. Cloning it shares it.
///
/// ```
/// use pipeline::{pipeline, BoxFlow};
///
/// struct Sums {
///     line: BoxFlow<Vec<u32>, u32>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
/// let sums = Sums { line: pipeline![Vec<u32>: each => batch(2) => |pair: Vec<u32>| pair.iter().sum::<u32>()].boxed() };
/// assert_eq!(sums.line.collect([vec![1, 2, 3], vec![4]]).await?, [3, 7]);
/// # Ok(()) }
/// ```
pub struct BoxFlow<In, Out>(Arc<dyn ErasedFlow<In, Out>>);

trait ErasedFlow<In, Out>: Send + Sync {
    fn collect<'a>(&'a self, pull: Box<dyn PollSource<In> + 'a>) -> BoxFuture<'a, Result<Vec<Out>, Aborted>>
    where
        In: 'a;

    fn drain<'a>(&'a self, pull: Box<dyn PollSource<In> + 'a>) -> BoxFuture<'a, Result<Report, Aborted>>
    where
        In: 'a;

    fn stream(&self, pull: Box<dyn PollSource<In>>) -> Outputs<Out>;

    fn plan(&self) -> &Plan;
}

impl<In, F, S, M> ErasedFlow<In, F::Out> for Pipeline<In, F, S, M>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: RunMany<In, S, M, Out: 'static> + 'static,
    M: 'static,
{
    fn collect<'a>(
        &'a self,
        pull: Box<dyn PollSource<In> + 'a>,
    ) -> BoxFuture<'a, Result<Vec<F::Out>, Aborted>>
    where
        In: 'a,
    {
        Box::pin(verbs::collect(self.request(), pull))
    }

    fn drain<'a>(&'a self, pull: Box<dyn PollSource<In> + 'a>) -> BoxFuture<'a, Result<Report, Aborted>>
    where
        In: 'a,
    {
        Box::pin(verbs::drain(self.request(), pull))
    }

    fn stream(&self, pull: Box<dyn PollSource<In>>) -> Outputs<F::Out> {
        self.stream_from(pull)
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl<In: Send, Out: Send> BoxFlow<In, Out> {
    pub(crate) fn new<F, S, M>(pipeline: Pipeline<In, F, S, M>) -> Self
    where
        In: 'static,
        S: Send + Sync + 'static,
        F: RunMany<In, S, M, Out = Out> + 'static,
        M: 'static,
        Out: 'static,
    {
        Self(Arc::new(pipeline))
    }

    /// See [`Pipeline::collect`].
    ///
    /// # Errors
    ///
    /// [`Aborted`], as there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn collect(&self, inputs: impl Source<In>) -> impl Future<Output = Result<Vec<Out>, Aborted>> + Send {
        let pull = inputs.__poller();
        async move { self.0.collect(Box::new(pull)).await }
    }

    /// See [`Pipeline::drain`].
    ///
    /// # Errors
    ///
    /// [`Aborted`], as there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn drain(&self, inputs: impl Source<In>) -> impl Future<Output = Result<Report, Aborted>> + Send {
        let pull = inputs.__poller();
        async move { self.0.drain(Box::new(pull)).await }
    }

    /// See [`Pipeline::stream`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn stream(&self, inputs: impl Source<In, Poller: 'static>) -> Outputs<Out> {
        self.0.stream(Box::new(inputs.__poller()))
    }

    /// See [`Pipeline::graph`].
    ///
    /// ```
    /// use pipeline::pipeline;
    ///
    /// let items = pipeline![Vec<u32>: each].boxed();
    /// assert!(items.graph().to_string().ends_with("u32"));
    /// ```
    #[must_use]
    pub fn graph(&self) -> Graph {
        Graph::new(self.0.plan(), type_name::<In>(), Some(type_name::<Out>()))
    }
}

impl<In, Out> Clone for BoxFlow<In, Out> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<In, Out> fmt::Debug for BoxFlow<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxFlow").finish_non_exhaustive()
    }
}
