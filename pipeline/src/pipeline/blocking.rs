//! The verbs for code that is not async.

use std::fmt;

use super::value::Pipeline;
use crate::engine::block_on::{Background, BlockingVerb};
use crate::engine::outputs::Outputs;
use crate::engine::run_many::RunMany;
use crate::engine::shape::OneToOne;
use crate::engine::source::Source;
use crate::error::stage_error::StageError;
use crate::report::aborted::Aborted;
use crate::report::failure::Failure;
use crate::report::gathered::Gathered;
use crate::report::summary::Report;
use crate::stage::contract::Stage;

/// Verbs for code that is not async: each blocks the current thread until the run is over.
///
/// Without a runtime, each creates one for the call. On a blocking thread of a multi-thread runtime, it uses that runtime. In async
/// code they panic, and say what to call there.
impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    /// Like [`run`](Self::run), but blocks the current thread until the item is finished.
    ///
    /// It creates a tokio runtime for the call. On a blocking thread of a multi-thread runtime, it uses that runtime.
    ///
    /// # Errors
    ///
    /// See [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// In async code, where it would block a thread of the runtime: use `run(input).await` there. Also if the runtime cannot be
    /// created.
    #[track_caller]
    pub fn run_blocking(&self, input: In) -> Result<F::Out, StageError> {
        BlockingVerb { name: "run_blocking", instead: ".run(input).await" }.block_on(self.run(input))
    }
}

impl<In, F, S, X> Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, OneToOne<X>>,
{
    /// Like [`settle`](Self::settle), but blocks the current thread until all items are finished.
    ///
    /// ```
    /// use pipeline::pipeline;
    ///
    /// let parse = pipeline![String: try |text| text.parse::<u32>()];
    /// let results = parse.settle_blocking(["1", "two"].map(String::from));
    /// assert!(results[0].is_ok() && results[1].is_err());
    /// ```
    ///
    /// # Panics
    ///
    /// In async code: use `settle(inputs).await` there. Also if the runtime cannot be created.
    #[track_caller]
    pub fn settle_blocking(&self, inputs: impl Source<In>) -> Vec<Result<F::Out, StageError>> {
        BlockingVerb { name: "settle_blocking", instead: ".settle(inputs).await" }
            .block_on(self.settle(inputs))
    }
}

impl<In, F, S, M> Pipeline<In, F, S, M>
where
    In: Send,
    S: Send + Sync,
    F: RunMany<In, S, M>,
{
    /// Like [`collect`](Self::collect), but blocks the current thread until the run is over.
    ///
    /// ```
    /// use pipeline::{pipeline, stage};
    ///
    /// #[stage]
    /// async fn double(x: u32) -> u32 {
    ///     x * 2
    /// }
    ///
    /// # fn main() -> Result<(), pipeline::Aborted> {
    /// assert_eq!(pipeline![double].collect_blocking([1, 2, 3])?, [2, 4, 6]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`collect`](Self::collect).
    ///
    /// # Panics
    ///
    /// In async code: use `collect(inputs).await` there. Also if the runtime cannot be created.
    #[track_caller]
    #[allow(clippy::result_large_err)] // Once per run.
    pub fn collect_blocking(&self, inputs: impl Source<In>) -> Result<Vec<F::Out>, Aborted> {
        BlockingVerb { name: "collect_blocking", instead: ".collect(inputs).await" }
            .block_on(self.collect(inputs))
    }

    /// Like [`gather`](Self::gather), but blocks the current thread until the run is over.
    ///
    /// # Panics
    ///
    /// In async code: use `gather(inputs).await` there. Also if the runtime cannot be created.
    #[track_caller]
    pub fn gather_blocking(&self, inputs: impl Source<In>) -> Gathered<F::Out> {
        BlockingVerb { name: "gather_blocking", instead: ".gather(inputs).await" }
            .block_on(self.gather(inputs))
    }

    /// Like [`drain`](Self::drain), but blocks the current thread until the run is over.
    ///
    /// # Errors
    ///
    /// See [`drain`](Self::drain).
    ///
    /// # Panics
    ///
    /// In async code: use `drain(inputs).await` there. Also if the runtime cannot be created.
    #[track_caller]
    #[allow(clippy::result_large_err)] // Once per run.
    pub fn drain_blocking(&self, inputs: impl Source<In>) -> Result<Report, Aborted> {
        BlockingVerb { name: "drain_blocking", instead: ".drain(inputs).await" }.block_on(self.drain(inputs))
    }

    /// Like [`stream`](Self::stream), as an iterator that blocks the current thread for each result.
    ///
    /// The run goes on on a thread of its own, and stops starting calls while nobody reads: see [`Outputs`].
    ///
    /// ```
    /// use pipeline::{pipeline, stage};
    ///
    /// #[stage]
    /// async fn double(x: u64) -> u64 {
    ///     x * 2
    /// }
    ///
    /// let doubled = pipeline![double];
    /// let first: Result<Vec<u64>, _> = doubled.iter(0..).take(3).collect(); // an endless source
    /// assert_eq!(first.ok(), Some(vec![0, 2, 4]));
    /// ```
    ///
    /// # Panics
    ///
    /// In async code: use `stream(inputs)` there. Also if the runtime cannot be created.
    #[track_caller]
    pub fn iter(&self, inputs: impl Source<In, Poller: 'static>) -> OutputsIter<F::Out>
    where
        In: 'static,
        F: 'static,
        S: 'static,
        M: 'static,
        F::Out: 'static,
    {
        let background = BlockingVerb { name: "iter", instead: ".stream(inputs)" }.background();
        let entered = background.runtime.enter();
        let outputs = self.stream(inputs);
        drop(entered);
        OutputsIter { outputs, background }
    }
}

/// The results of a run as an iterator that blocks. Created by [`Pipeline::iter`].
///
/// It yields what [`Outputs`] yields. Dropping it cancels the run.
#[must_use = "an iterator that is dropped cancels its run"]
pub struct OutputsIter<Out> {
    outputs: Outputs<Out>,
    background: Background,
}

impl<Out> OutputsIter<Out> {
    /// Discards the remaining results, and returns the report of the run.
    #[must_use]
    pub fn report(self) -> Report {
        let Self { outputs, background } = self;
        background.runtime.block_on(outputs.report())
    }
}

impl<Out> Iterator for OutputsIter<Out> {
    type Item = Result<Out, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.background.runtime.block_on(self.outputs.next())
    }
}

impl<Out> fmt::Debug for OutputsIter<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputsIter").field("outputs", &self.outputs).finish_non_exhaustive()
    }
}
