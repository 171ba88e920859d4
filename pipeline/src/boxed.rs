//! One nameable type for any pipeline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Accepts, Pipeline, Scope, Stage, StageError};

/// A pipeline whose stages do not show in its type: for struct fields, and for the state of a web framework.
///
/// It costs one allocation an item. [`Pipeline::boxed`] makes one.
pub type BoxPipeline<In, Out, S = ()> = Pipeline<In, BoxStage<In, Out, S>, S>;

/// A stage, or a whole chain, behind a pointer. Cloning it shares it.
pub struct BoxStage<In, Out, S = ()>(Arc<dyn ErasedStage<In, Out, S>>);

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait ErasedStage<In, Out, S>: Send + Sync {
    fn call<'a>(&'a self, input: In, cx: &'a Scope<'_, S>) -> BoxFuture<'a, Result<Out, StageError>>
    where
        In: 'a;

    fn call_watched<'a>(&'a self, input: In, cx: &'a Scope<'_, S>) -> BoxFuture<'a, Result<Out, StageError>>
    where
        In: 'a;
}

impl<In, S, T> ErasedStage<In, T::Out, S> for T
where
    In: Send,
    S: Send + Sync,
    T: Stage<In, S>,
{
    fn call<'a>(&'a self, input: In, cx: &'a Scope<'_, S>) -> BoxFuture<'a, Result<T::Out, StageError>>
    where
        In: 'a,
    {
        Box::pin(Stage::call(self, input, cx))
    }

    fn call_watched<'a>(
        &'a self,
        input: In,
        cx: &'a Scope<'_, S>,
    ) -> BoxFuture<'a, Result<T::Out, StageError>>
    where
        In: 'a,
    {
        Box::pin(self.__call_watched(input, cx))
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
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Out, StageError> {
        self.0.call(input, cx).await
    }

    async fn __call_watched(&self, input: In, cx: &Scope<'_, S>) -> Result<Out, StageError> {
        self.0.call_watched(input, cx).await
    }
}
