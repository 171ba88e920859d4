//! The value that `pipeline!` gives, and its verbs.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::boxed::{BoxPipeline, BoxSections, BoxStage};

use crate::call::catch_panic::CatchPanic;
use crate::call::stage_context::StageContext;
use crate::dead_letters::delivery::DeadLetterConfig;
use crate::dead_letters::sink::DeadLetters;
use crate::engine::block_on::block_on;
use crate::engine::outputs::Outputs;
use crate::engine::run_many::{RunMany, RunRequest};
use crate::engine::shape::{AnyBoundary, OneToOne, Shape, WithBoundary, WorkerTasks};
use crate::engine::source::{PollSource, Source};
use crate::engine::{item_result, verbs};
use crate::error::stage_error::StageError;
use crate::graph::model::Graph;
use crate::report::aborted::Aborted;
use crate::report::summary::Report;
use crate::run::item::Item;
use crate::run::observer::Observer;
use crate::run::settings::{ErrorMode, Settings};
use crate::run::shared::Run;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// Stages, their settings and the state they are bound to: takes an `In` from end to end.
///
/// [`pipeline!`](crate::pipeline!) makes one. It is cheap to clone; clones share their state and their limits, which
/// hold over all runs that go on at once.
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
pub struct Pipeline<In, F, S = (), M = OneToOne> {
    pub(crate) stages: Arc<F>,
    pub(crate) state: Arc<S>,
    settings: Arc<Settings<In>>,
    pub(crate) plan: Arc<Plan>,
    /// Where its steps begin among those of the pipeline around it.
    pub(crate) base: u32,
    shape: PhantomData<fn(In) -> M>,
}

impl<In, F, M> Pipeline<In, F, (), M> {
    pub(crate) fn planned(stages: F, plan: Plan) -> Self {
        Self {
            stages: Arc::new(stages),
            state: Arc::new(()),
            settings: Arc::default(),
            plan: Arc::new(plan),
            base: 0,
            shape: PhantomData,
        }
    }
}

/// The settings. Each gives the pipeline back, so that they follow one another.
impl<In, F, S, M> Pipeline<In, F, S, M> {
    /// Binds the state that stages ask for with `#[state]`: see [`Provide`](crate::Provide).
    ///
    /// Whether it has all that the stages ask for is checked where the pipeline runs.
    #[must_use]
    pub fn with<T>(self, state: T) -> Pipeline<In, F, T, M> {
        let Self { stages, state: _, settings, plan, base, shape } = self;
        Pipeline { stages, state: Arc::new(state), settings, plan, base, shape }
    }

    /// How many items may be on their way at once between two boundaries; 64 if nothing is said.
    ///
    /// As many results again may wait for what is before them, or for whoever reads them. (More than a million at once
    /// there never are.)
    ///
    /// # Panics
    ///
    /// If `n` is 0: nothing would ever run.
    #[must_use]
    #[track_caller]
    pub fn concurrency(self, n: usize) -> Self {
        assert!(
            n > 0,
            "a pipeline with `concurrency(0)` would never take an item: 1 runs one item at a time"
        );
        self.set(|settings| settings.run.concurrency = n)
    }

    /// Gives outputs as they finish. The default keeps the order of the inputs, across `each` and `batch` too.
    #[must_use]
    pub fn unordered(self) -> Self {
        self.set(|settings| settings.run.ordered = false)
    }

    /// What becomes of a run when an item fails: [`Strict`](ErrorMode::Strict) if nothing is said.
    #[must_use]
    pub fn on_error(self, mode: ErrorMode) -> Self {
        self.set(|settings| settings.run.mode = mode)
    }

    /// Tells an observer what happens. It may be called more than once: all are told, in that order.
    #[must_use]
    pub fn observe(self, observer: impl Observer + 'static) -> Self {
        self.set(|settings| settings.run.observers.push(Arc::new(observer)))
    }

    /// Lets the token ask a run to stop: nothing more is taken from the source, what is under way is finished, and the
    /// verb returns. Stages see it in their [`Context`](crate::Context).
    ///
    /// It may be called more than once. The first of the tokens to be cancelled does the above; the second drops what is
    /// under way, and what waits for its turn behind it, and the run is over at once.
    #[must_use]
    pub fn cancel_on(self, token: CancellationToken) -> Self {
        self.set(|settings| {
            let tokens = settings.run.cancel.iter().cloned();
            settings.run.cancel = tokens.chain([token]).collect();
        })
    }

    /// Sends each item that fails, as it came in, with its error. See [`DeadLetters`] for sinks.
    ///
    /// Each item is copied when it is taken. One item is one letter: where several of its parts fail, the letter has the
    /// first failure.
    #[must_use]
    pub fn dead_letters(self, sink: impl DeadLetters<In> + 'static) -> Self
    where
        In: Clone,
    {
        self.set(|settings| {
            settings.dead_letters = Some(DeadLetterConfig { sink: Arc::new(sink), copy: In::clone })
        })
    }

    /// Makes what is random in a run, the jitter, the same each time: for tests.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.set(|settings| settings.run.seed = Some(seed))
    }

    fn set(mut self, change: impl FnOnce(&mut Settings<In>)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    pub(crate) fn request(&self) -> RunRequest<'_, In, F, S> {
        RunRequest { stages: &self.stages, state: &self.state, settings: &self.settings, plan: &self.plan }
    }
}

impl<In, F, S, M> Pipeline<In, F, S, M> {
    /// The picture of the pipeline: its steps, their types and policies, and where it forks.
    ///
    /// ```
    /// use pipeline::pipeline;
    ///
    /// let lengths = pipeline![String: |text| text.len()];
    /// println!("{}", lengths.graph());
    /// ```
    #[must_use]
    pub fn graph(&self) -> Graph {
        Graph::new(&self.plan, type_name::<In>(), None)
    }
}

impl<In, F, S, M> Pipeline<In, F, S, M>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: RunMany<In, S, M, Out: 'static> + 'static,
    M: Shape,
{
    /// Spreads the work over so many tokio tasks, for stages that compute; 1 if nothing is said: on the caller's own
    /// task, and nothing is spawned.
    ///
    /// The tasks share the items that are on their way at once: [`concurrency`](Self::concurrency) is that of all of
    /// them together. Each item costs a hop to a task and back, which stages that only wait do not earn back.
    ///
    /// # Panics
    ///
    /// If `n` is 0. A run panics outside of a tokio runtime; on a `current_thread` runtime the tasks take turns.
    #[must_use]
    #[track_caller]
    pub fn workers(self, n: usize) -> Pipeline<In, F, S, M::OnWorkers> {
        assert!(n > 0, "a pipeline with `workers(0)` would never run: 1 runs on the caller's own task");
        let Self { stages, state, settings, plan, base, shape: _ } =
            self.set(|settings| settings.run.workers = n);
        Pipeline { stages, state, settings, plan, base, shape: PhantomData }
    }
}

/// The verbs for one item, or for each item by itself. (The bounds are on the block and not on each method: what a
/// pipeline lacks is then told once.)
impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    /// Takes one item through the pipeline.
    ///
    /// # Errors
    ///
    /// The [`StageError`] of the stage that failed on it; of a batch that was split, that of the first row.
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
            if !self.settings.is_plain() {
                return Box::pin(verbs::one(self.request(), input)).await;
            }
            let run = Run::single(&self.settings.run);
            let item = Item::new(&run, 0, false);
            let cx = StageContext::new(&self.state, &item);
            let call = self.stages.call(input, &cx);
            match (CatchPanic { call }).await {
                Ok(Ok(output)) if !item.has_extra() => Ok(output),
                other => item_result::single_result(other, &item),
            }
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
        block_on(self.run(input))
    }

    /// Hides the stages and the state behind one nameable type: [`BoxPipeline`].
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

impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, OneToOne<X>>,
{
    /// Takes many items through, as many at once as [`concurrency`](Self::concurrency) says. A failure fails its own
    /// item only, whatever the mode: result i belongs to input i.
    ///
    /// An item that the run was stopped in front of, or on the way of, has an error of kind
    /// [`Cancelled`](crate::ErrorKind::Cancelled). (Of a stream these are the items that it has at hand then.)
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn settle(
        &self,
        inputs: impl Source<In>,
    ) -> impl Future<Output = Vec<Result<F::Out, StageError>>> + Send {
        verbs::settle(self.request(), inputs.__poller())
    }
}

/// The verbs for many items.
impl<In, F, S, M> Pipeline<In, F, S, M>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    /// Takes many items through and gives all their outputs, in the order of the inputs.
    ///
    /// # Errors
    ///
    /// [`Aborted`]: at the first failure in [`Strict`](ErrorMode::Strict) mode, when what is under way is dropped; in the
    /// other modes at the end, with the first failure and a report of all. And if the run was asked to stop, with an
    /// error of kind [`Cancelled`](crate::ErrorKind::Cancelled) at the first item that was not taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn collect(
        &self,
        inputs: impl Source<In>,
    ) -> impl Future<Output = Result<Vec<F::Out>, Aborted>> + Send {
        verbs::collect(self.request(), inputs.__poller())
    }

    /// Takes many items through, drops their outputs, and gives the report.
    ///
    /// # Errors
    ///
    /// [`Aborted`] at the first failure, in [`Strict`](ErrorMode::Strict) mode.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what is under way.
    pub fn drain(&self, inputs: impl Source<In>) -> impl Future<Output = Result<Report, Aborted>> + Send {
        verbs::drain(self.request(), inputs.__poller())
    }

    /// Takes many items through in a task of its own, and gives their outputs as a stream, in the order of the inputs.
    ///
    /// A failure is an `Err` in the place of its item; in [`Strict`](ErrorMode::Strict) mode the stream ends after the
    /// first. Items that are under way go on while nobody reads.
    ///
    /// ```
    /// use pipeline::{pipeline, stage};
    ///
    /// #[stage]
    /// async fn double(x: u64) -> u64 {
    ///     x * 2
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Failure> {
    /// let mut outputs = pipeline![double].stream(0..); // endless: it is read as far as it is asked for
    /// assert_eq!(outputs.next().await.transpose()?, Some(0));
    /// assert_eq!(outputs.next().await.transpose()?, Some(2));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn stream(&self, inputs: impl Source<In, Poller: 'static>) -> Outputs<F::Out>
    where
        In: 'static,
        F: 'static,
        S: 'static,
        M: 'static,
        F::Out: 'static,
    {
        self.stream_from(inputs.__poller())
    }

    #[track_caller]
    pub(crate) fn stream_from(&self, pull: impl PollSource<In> + 'static) -> Outputs<F::Out>
    where
        In: 'static,
        F: 'static,
        S: 'static,
        M: 'static,
        F::Out: 'static,
    {
        let pipeline = self.clone();
        Outputs::new(self.settings.run.concurrency, |shelf| async move {
            verbs::stream(pipeline.request(), pull, shelf).await
        })
    }
}

impl<In, F, S, B, X> Pipeline<In, F, S, WithBoundary<B, X>>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: RunMany<In, S, WithBoundary<B, WorkerTasks>, Out: 'static> + 'static,
    B: 'static,
{
    /// Hides the stages, the boundaries and the state behind one nameable type: [`BoxPipeline`].
    #[must_use]
    pub fn boxed(self) -> BoxPipeline<In, F::Out, WithBoundary<AnyBoundary, X>> {
        let Self { stages, state, settings, plan, base, shape: _ } = self;
        let stages = Arc::new(BoxSections::new::<F, S, B>(stages, state));
        Pipeline { stages, state: Arc::new(()), settings, plan, base, shape: PhantomData }
    }
}

impl<In, F, S, M> Clone for Pipeline<In, F, S, M> {
    fn clone(&self) -> Self {
        Self {
            stages: Arc::clone(&self.stages),
            state: Arc::clone(&self.state),
            settings: Arc::clone(&self.settings),
            plan: Arc::clone(&self.plan),
            base: self.base,
            shape: PhantomData,
        }
    }
}

impl<In, F, S, M> fmt::Debug for Pipeline<In, F, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.plan.reported().map(|step| &step.name).collect();
        f.debug_struct("Pipeline")
            .field("steps", &steps)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
