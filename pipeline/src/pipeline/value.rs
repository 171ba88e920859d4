//! `Pipeline`: the value that `pipeline!` returns, with its settings and verbs.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::call::catch_panic::{CatchPanic, panic_failure};
use crate::call::observe::Unobserved;
use crate::call::stage_context::StageContext;
use crate::dead_letters::delivery::DeadLetterConfig;
use crate::dead_letters::sink::DeadLetters;
use crate::engine::outputs::Outputs;
use crate::engine::run_many::{RunMany, RunRequest};
use crate::engine::shape::{OneToOne, Shape};
use crate::engine::source::{PollSource, Source};
use crate::engine::{item_result, verbs};
use crate::error::stage_error::StageError;
use crate::graph::model::Graph;
use crate::report::aborted::Aborted;
use crate::report::gathered::Gathered;
use crate::report::run_id::RunId;
use crate::report::summary::Report;
use crate::run::item::Item;
use crate::run::observer::Observer;
use crate::run::settings::{ErrorMode, Settings};
use crate::run::shared::Run;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// A chain of stages with its settings and its state, for inputs of type `In`.
///
/// Created by [`pipeline!`](crate::pipeline!). It is cheap to clone. Clones share their state and the limits of their stages,
/// which apply across all concurrent runs.
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
    pub(super) settings: Arc<Settings<In>>,
    pub(crate) plan: Arc<Plan>,
    /// The index of its first step in the plan of the enclosing pipeline; 0 if it is not nested.
    pub(crate) base: u32,
    pub(super) shape: PhantomData<fn(In) -> M>,
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

/// Settings. Each method returns the pipeline, so calls can be chained.
impl<In, F, S, M> Pipeline<In, F, S, M> {
    /// Binds the state that provides the `#[state]` parameters of the stages. See [`Provide`](crate::Provide).
    ///
    /// The compiler checks at each verb that the state provides everything that the stages require.
    #[must_use]
    pub fn with<T>(self, state: T) -> Pipeline<In, F, T, M> {
        let Self { stages, state: _, settings, plan, base, shape } = self;
        Pipeline { stages, state: Arc::new(state), settings, plan, base, shape }
    }

    /// Sets the maximum number of items in flight per segment, that is, between two boundaries. The default is 64, the maximum
    /// 2^20.
    ///
    /// An item in flight goes from stage to stage without waiting for other items: within a segment, calls of different items
    /// can overtake each other, except at a stage with the option `in_order`. Finished results are buffered until the results before them are finished too, or until they are
    /// read. At most twice `n` items per segment are in flight or buffered.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    #[must_use]
    #[track_caller]
    pub fn concurrency(self, n: usize) -> Self {
        assert!(
            n > 0,
            "a pipeline with `concurrency(0)` would never start an item: use 1 for one item at a time"
        );
        self.set(|settings| settings.run.concurrency = n)
    }

    /// Sets how many items may sleep between two attempts without a place. The default is four times the
    /// [`concurrency`](Self::concurrency); with a concurrency of 1 it is 0, so that there is one item at a time.
    ///
    /// An item that waits for a retry gives its place to another one, so that a few failing items do not hold up the run. It
    /// takes a place again before new items do. With `parked(0)` it keeps its place. In an ordered run the results behind it
    /// wait for its own, so at most twice the concurrency are in flight, parked or buffered.
    #[must_use]
    pub fn parked(self, n: usize) -> Self {
        self.set(|settings| settings.run.parked = Some(n))
    }

    /// Emits outputs as they finish. By default, outputs have the order of the inputs, and so do the items that reach a
    /// boundary. The calls of a stage in between do not, with either, unless the stage has the option `in_order`.
    #[must_use]
    pub fn unordered(self) -> Self {
        self.set(|settings| settings.run.ordered = false)
    }

    /// Sets what a run does when an item fails. The default is [`Strict`](ErrorMode::Strict).
    #[must_use]
    pub fn on_error(self, mode: ErrorMode) -> Self {
        self.set(|settings| settings.run.mode = mode)
    }

    /// Sets how many failures a [report](Report::failures) keeps. The default is 100: a run with millions of failures says how
    /// many more [there were](Report::failures_omitted). In [`Collect`](ErrorMode::Collect) mode it keeps all.
    #[must_use]
    pub fn keep_failures(self, n: usize) -> Self {
        self.set(|settings| settings.run.failures_kept = n)
    }

    /// Attaches an observer. It can be called several times: the observers are notified in the order of the calls.
    #[must_use]
    pub fn observe(self, observer: impl Observer + 'static) -> Self {
        self.set(|settings| settings.run.observers.push(Arc::new(observer)))
    }

    /// Stops a run when the token is cancelled: the source is not read any more, the items in flight finish, and the verb
    /// returns. No further attempt begins: an item that waits for a retry fails at once, with the error of its last attempt.
    /// Stages can check for cancellation through their [`Context`](crate::Context).
    ///
    /// It can be called several times. The first token to be cancelled has the effect above. The second one, or the end of the
    /// [grace period](Self::grace), aborts the run: the items in flight and the buffered results are dropped.
    #[must_use]
    pub fn cancel_on(self, token: CancellationToken) -> Self {
        self.set(|settings| {
            let tokens = settings.run.cancel.iter().cloned();
            settings.run.cancel = tokens.chain([token]).collect();
        })
    }

    /// Sets how long the items in flight may take to finish after the first cancelled token of [`cancel_on`](Self::cancel_on).
    /// After this time the run is aborted. The default is 30 seconds.
    #[must_use]
    pub fn grace(self, time: Duration) -> Self {
        self.set(|settings| settings.run.grace = time)
    }

    /// Sends each failed item to a sink, as it came from the source, with its error. See [`DeadLetters`] for sinks.
    ///
    /// Each item is cloned when it is read from the source. A source item has at most one dead letter: if several of its parts
    /// fail, the letter has the first failure.
    #[must_use]
    pub fn dead_letters(self, sink: impl DeadLetters<In> + 'static) -> Self
    where
        In: Clone,
    {
        self.set(|settings| {
            settings.dead_letters = Some(DeadLetterConfig { sink: Arc::new(sink), copy: In::clone });
        })
    }

    /// Sends the items that are cancelled to the sink of [`dead_letters`](Self::dead_letters) too: those that an aborted run
    /// drops, in flight or queued between two stages. Their errors are of kind [`Cancelled`](crate::ErrorKind::Cancelled).
    ///
    /// A run that is aborted by a second token then waits until these letters are delivered, at most for another
    /// [grace period](Self::grace).
    #[must_use]
    pub fn dead_letters_of_cancelled(self) -> Self {
        self.set(|settings| settings.run.cancelled_letters = true)
    }

    /// Seeds the jitter of retries, so that tests are reproducible.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.set(|settings| settings.run.seed = Some(seed))
    }

    /// Sets the id of the runs, such as the one that an orchestrator has given to this. By default each run has one of its own.
    #[must_use]
    pub fn run_id(self, id: RunId) -> Self {
        self.set(|settings| settings.run.run_id = Some(id))
    }

    fn set(mut self, change: impl FnOnce(&mut Settings<In>)) -> Self {
        let settings = Arc::make_mut(&mut self.settings);
        change(settings);
        settings.update();
        self
    }

    pub(crate) fn request(&self) -> RunRequest<'_, In, F, S> {
        RunRequest { stages: &self.stages, state: &self.state, settings: &self.settings, plan: &self.plan }
    }
}

impl<In, F, S, M> Pipeline<In, F, S, M> {
    /// Returns the graph of the pipeline: its steps with their types and policies, and its forks.
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
    /// Runs the calls on `n` tokio tasks, for stages that compute. The default is 1: all calls run on the task of the caller.
    ///
    /// The tasks divide the [`concurrency`](Self::concurrency) among them. Each item is sent to a task and back, which does not
    /// pay off for stages that only wait.
    ///
    /// On a `current_thread` runtime the tasks share one thread.
    ///
    /// # Panics
    ///
    /// If `n` is 0. With more than one task, a run panics outside of a tokio runtime.
    #[must_use]
    #[track_caller]
    pub fn workers(self, n: usize) -> Pipeline<In, F, S, M::OnWorkers> {
        assert!(n > 0, "a pipeline with `workers(0)` would never run: use 1 for the task of the caller");
        let Self { stages, state, settings, plan, base, shape: _ } =
            self.set(|settings| settings.run.workers = n);
        Pipeline { stages, state, settings, plan, base, shape: PhantomData }
    }
}

/// Verbs for a single item. (The bounds are on the block, not on each method, so that the compiler reports a missing one only
/// once.)
impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    /// Runs one item through the pipeline.
    ///
    /// # Errors
    ///
    /// The [`StageError`] of the stage that failed. If a batch was split on failure, the error of its first failed row.
    ///
    /// # Panics
    ///
    /// Never. A panic in a stage becomes an error of kind [`Panicked`](crate::ErrorKind::Panicked). So does a wait (a timeout, a
    /// retry, a rate limit) outside of a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the item and the call in flight, and releases its permits.
    #[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it starts.
    pub fn run(&self, input: In) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        async move {
            if !self.settings.is_plain() {
                return Box::pin(verbs::one(self.request(), input)).await;
            }
            let run = Run::single(&self.settings.run);
            if const { F::__NOW.is_possible() } {
                return self.run_now(input, &run);
            }
            let mut item = Item::new(&run, 0, false);
            let cx = StageContext::new(&self.state, &item);
            let call = self.stages.__call(Unobserved, input, &cx);
            match (CatchPanic { call }).await {
                Ok(Ok(output)) if !item.has_extra() => Ok(output),
                other => item_result::single_result(other, &item),
            }
        }
    }

    /// Runs one item through stages that can be called without a future.
    fn run_now(&self, input: In, run: &Run<'_>) -> Result<F::Out, StageError> {
        let item = Item::new(run, 0, false);
        let cx = StageContext::new(&self.state, &item);
        // After a panic only the stages and the state are used again, as after a panic in a future.
        catch_unwind(AssertUnwindSafe(|| self.stages.__call_now(Unobserved, input, &cx)))
            .unwrap_or_else(|payload| Err(panic_failure(run, payload)))
    }
}

impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, OneToOne<X>>,
{
    /// Runs many items, up to [`concurrency`](Self::concurrency) at a time, and returns one result per input, in the order of the
    /// inputs. A failure affects only its own item, in every [error mode](Self::on_error).
    ///
    /// If the run is [cancelled](Self::cancel_on), the items that were not started or not finished have an error of kind
    /// [`Cancelled`](crate::ErrorKind::Cancelled). A cancelled run reads no further, so items that were not read are among them
    /// only if the source is an iterator that knows their number, such as that of a `Vec` (and up to 16 million of them).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the items in flight.
    pub fn settle<'a>(
        &'a self,
        inputs: impl Source<In> + 'a,
    ) -> BoxFuture<'a, Vec<Result<F::Out, StageError>>> {
        Box::pin(verbs::settle(self.request(), inputs.__poller()))
    }
}

/// Verbs for many items. (Their futures are boxed, since a named one does not repeat the bound on the source: where that is not
/// met, the compiler would report it again for the future, and for its `await`.)
impl<In, F, S, M> Pipeline<In, F, S, M>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    /// Runs many items, and returns all their outputs, in the order of the inputs unless [`unordered`](Self::unordered).
    ///
    /// # Errors
    ///
    /// [`Aborted`], if an item failed. In [`Strict`](ErrorMode::Strict) mode the run ends at the first failure, and drops the
    /// items in flight. In the other modes it returns the first failure at the end of the run.
    ///
    /// Also [`Aborted`], if the run was [cancelled](Self::cancel_on) before the end of the source, or aborted by a second token.
    /// Unless an item failed, the error is of kind [`Cancelled`](crate::ErrorKind::Cancelled), at the index of the first item
    /// that was not read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the items in flight.
    pub fn collect<'a>(
        &'a self,
        inputs: impl Source<In> + 'a,
    ) -> BoxFuture<'a, Result<Vec<F::Out>, Aborted>> {
        Box::pin(verbs::collect(self.request(), inputs.__poller()))
    }

    /// Runs many items, and returns the outputs of those that succeeded, in the order of the inputs unless
    /// [`unordered`](Self::unordered), with the report. It is never an error: what failed is in
    /// [`Report::failures`], and what else ended the run in [`Report::stopped`].
    ///
    /// In [`Strict`](ErrorMode::Strict) mode the run ends at the first failure, and drops the items in flight.
    ///
    /// ```
    /// use pipeline::{ErrorMode, pipeline};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let parse = pipeline![String: try |text| text.parse::<u32>()].on_error(ErrorMode::Lenient);
    /// let gathered = parse.gather(["1", "two", "3"].map(String::from)).await;
    /// assert_eq!(gathered.outputs, [1, 3]);
    /// assert_eq!(gathered.report.failures()[0].index, 1);
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the outputs, and the items in flight.
    pub fn gather<'a>(&'a self, inputs: impl Source<In> + 'a) -> BoxFuture<'a, Gathered<F::Out>> {
        Box::pin(verbs::gather(self.request(), inputs.__poller()))
    }

    /// Runs many items, discards their outputs, and returns the report.
    ///
    /// # Errors
    ///
    /// [`Aborted`] at the first failure, in [`Strict`](ErrorMode::Strict) mode.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the items in flight.
    pub fn drain<'a>(&'a self, inputs: impl Source<In> + 'a) -> BoxFuture<'a, Result<Report, Aborted>> {
        Box::pin(verbs::drain(self.request(), inputs.__poller()))
    }

    /// Runs many items in a spawned task, and returns their outputs as a stream, in the order of the inputs unless
    /// [`unordered`](Self::unordered).
    ///
    /// A failure is an `Err` in the place of its item. In [`Strict`](ErrorMode::Strict) mode the stream ends after the first.
    /// Items in flight continue while nobody reads.
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
    /// let mut outputs = pipeline![double].stream(0..); // an endless source is read on demand
    /// assert_eq!(outputs.next().await.transpose()?, Some(0));
    /// assert_eq!(outputs.next().await.transpose()?, Some(2));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If it is called outside of a tokio runtime.
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
    pub(crate) fn stream_from(&self, source: impl PollSource<In> + 'static) -> Outputs<F::Out>
    where
        In: 'static,
        F: 'static,
        S: 'static,
        M: 'static,
        F::Out: 'static,
    {
        let pipeline = self.clone();
        Outputs::new(self.settings.run.concurrency, |queue| async move {
            verbs::stream(pipeline.request(), source, queue).await
        })
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
