//! The value that `pipeline!` gives, and its verbs.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::item::Item;
use crate::report::Aborted;
use crate::run::Run;
use crate::{Accepts, BoxPipeline, Scope, Stage, StageError, boxed, engine};

/// Stages, their settings and the state they are bound to: takes an `In` from end to end.
///
/// [`pipeline!`](crate::pipeline!) makes one. It is cheap to clone; clones share their state and their limits.
///
/// ```
/// use pipeline::{pipeline, stage};
///
/// #[stage]
/// fn parse(text: &str) -> Result<i64, std::num::ParseIntError> {
///     text.trim().parse()
/// }
///
/// #[stage]
/// async fn double(x: i64) -> i64 {
///     x * 2
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::StageError> {
/// let doubled = pipeline![parse => double];
/// assert_eq!(doubled.run(" 21 ".to_owned()).await?, 42);
/// # Ok(()) }
/// ```
pub struct Pipeline<In, F, S = ()> {
    stages: F,
    state: Arc<S>,
    settings: Settings,
    input: PhantomData<fn(In)>,
}

/// What a pipeline keeps to besides its stages.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) concurrency: usize,
    pub(crate) cancel: Option<CancellationToken>,
    pub(crate) seed: Option<u64>,
}

impl<In, F> Pipeline<In, F> {
    pub(crate) fn new(stages: F) -> Self {
        let settings = Settings { concurrency: 64, cancel: None, seed: None };
        Self { stages, state: Arc::new(()), settings, input: PhantomData }
    }
}

impl<In, F, S> Pipeline<In, F, S> {
    /// Binds the state that stages ask for with `#[state]`: see [`Provide`](crate::Provide).
    ///
    /// Whether it has all that the stages ask for is checked where the pipeline runs.
    #[must_use]
    pub fn with<T>(self, state: T) -> Pipeline<In, F, T> {
        let Self { stages, state: _, settings, input } = self;
        Pipeline { stages, state: Arc::new(state), settings, input }
    }

    /// How many items may be on their way at once; 64 if nothing is said.
    ///
    /// # Panics
    ///
    /// If `n` is 0: nothing would ever run.
    #[must_use]
    #[track_caller]
    pub fn concurrency(mut self, n: usize) -> Self {
        assert!(
            n > 0,
            "a pipeline with `concurrency(0)` would never take an item: 1 runs one item at a time"
        );
        self.settings.concurrency = n;
        self
    }

    /// Lets the token ask the run to stop. Stages see it in their [`Context`](crate::Context).
    #[must_use]
    pub fn cancel_on(mut self, token: CancellationToken) -> Self {
        self.settings.cancel = Some(token);
        self
    }

    /// Makes what is random in a run, the jitter, the same each time: for tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }
}

/// The verbs. (The bounds are on the block and not on each method: what a pipeline lacks is then told once.)
impl<In, F, S> Pipeline<In, F, S>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    /// Takes one item through the pipeline.
    ///
    /// # Errors
    ///
    /// The [`StageError`] of the stage that failed on it.
    ///
    /// # Panics
    ///
    /// It does not: a panic in a stage becomes an error of kind [`Panicked`](crate::ErrorKind::Panicked). So does a
    /// wait (a timeout, a retry, a rate) outside of a tokio runtime, with a message that says so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the item and whatever its stage was doing; permits are given back.
    #[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
    pub fn run(&self, input: In) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        async move {
            let run = Run::new(&self.settings);
            let item = Item::new(&run, 0);
            let cx = Scope::new(&self.state, &item);
            let call = self.stages.call(input, &cx);
            engine::Caught { call }.await.unwrap_or_else(|payload| Err(engine::panicked(&item, payload)))
        }
    }

    /// [`run`](Self::run), for code that is not async: waits until the item is done.
    ///
    /// It makes a runtime for the call; on a blocking thread of a runtime it uses that one.
    ///
    /// # Errors
    ///
    /// The [`StageError`] of the stage that failed on it.
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the thread that has to do the work: use `run(input).await` there. And
    /// if the operating system gives no resources for a runtime.
    #[track_caller]
    pub fn run_blocking(&self, input: In) -> Result<F::Out, StageError> {
        engine::block_on(self.run(input))
    }

    /// Takes many items through, as many at once as [`concurrency`](Self::concurrency) says. A failure fails its own
    /// item only: result i belongs to input i.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn settle(
        &self,
        inputs: impl IntoIterator<Item = In, IntoIter: Send>,
    ) -> impl Future<Output = Vec<Result<F::Out, StageError>>> + Send {
        let inputs = inputs.into_iter();
        async move { engine::settle(&self.stages, inputs, &self.state, &self.settings).await }
    }

    /// Takes many items through and gives all their outputs, in the order of the inputs.
    ///
    /// # Errors
    ///
    /// [`Aborted`] at the first failure; what is under way then is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn collect(
        &self,
        inputs: impl IntoIterator<Item = In, IntoIter: Send>,
    ) -> impl Future<Output = Result<Vec<F::Out>, Aborted>> + Send {
        let inputs = inputs.into_iter();
        async move { engine::collect(&self.stages, inputs, &self.state, &self.settings).await }
    }

    /// Hides the stages behind one nameable type.
    #[must_use]
    pub fn boxed(self) -> BoxPipeline<In, F::Out, S>
    where
        F: 'static,
    {
        let Self { stages, state, settings, input } = self;
        Pipeline { stages: boxed::BoxStage::new(stages), state, settings, input }
    }
}

impl<In, F: Clone, S> Clone for Pipeline<In, F, S> {
    fn clone(&self) -> Self {
        Self {
            stages: self.stages.clone(),
            state: Arc::clone(&self.state),
            settings: self.settings.clone(),
            input: PhantomData,
        }
    }
}

impl<In, F, S> fmt::Debug for Pipeline<In, F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<In, F: Accepts<In>, S> Accepts<In> for Pipeline<In, F, S> {
    type Out = F::Out;
}

/// A pipeline in another one, under the state that it is bound to itself.
impl<In, F, S, Outer> Stage<In, Outer> for Pipeline<In, F, S>
where
    In: Send,
    S: Send + Sync,
    Outer: Send + Sync,
    F: Stage<In, S>,
{
    async fn call(&self, input: In, cx: &Scope<'_, Outer>) -> Result<F::Out, StageError> {
        self.stages.call(input, &cx.with_state(&self.state)).await
    }
}

/// A pipeline in another one, under the state of that one.
pub struct Nested<In, F> {
    stages: F,
    input: PhantomData<fn(In)>,
}

impl<In, F> Nested<In, F> {
    pub(crate) fn new(pipeline: Pipeline<In, F>) -> Self {
        Self { stages: pipeline.stages, input: PhantomData }
    }
}

impl<In, F: Clone> Clone for Nested<In, F> {
    fn clone(&self) -> Self {
        Self { stages: self.stages.clone(), input: PhantomData }
    }
}

impl<In, F: Accepts<In>> Accepts<In> for Nested<In, F> {
    type Out = F::Out;
}

impl<In, F, S> Stage<In, S> for Nested<In, F>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<F::Out, StageError> {
        self.stages.call(input, cx).await
    }
}
