//! Runs a test on the caller's task and on several workers.

use std::fmt;

use pipeline::Pipeline;
use pipeline::traits::{RunMany, Shape};

/// The number of workers of a pipeline, or the caller's task.
pub(crate) trait WorkerCount<P>: fmt::Display + Copy {
    type Output;

    fn apply(self, pipeline: P) -> Self::Output;
}

/// The default: `workers` is not called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallersTask;

impl fmt::Display for CallersTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no")
    }
}

impl<P> WorkerCount<P> for CallersTask {
    type Output = P;

    fn apply(self, pipeline: P) -> P {
        pipeline
    }
}

impl<In, F, S, M> WorkerCount<Pipeline<In, F, S, M>> for usize
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: RunMany<In, S, M, Out: 'static> + 'static,
    M: Shape,
{
    type Output = Pipeline<In, F, S, M::OnWorkers>;

    fn apply(self, pipeline: Pipeline<In, F, S, M>) -> Self::Output {
        pipeline.workers(self)
    }
}

/// `pipeline.on_workers(workers)`.
pub(crate) trait OnWorkers: Sized {
    fn on_workers<O: WorkerCount<Self>>(self, workers: O) -> O::Output {
        workers.apply(self)
    }
}

impl<In, F, S, M> OnWorkers for Pipeline<In, F, S, M> {}

/// Runs the body without workers, with two and with three.
macro_rules! for_each_worker_count {
    (|$workers:ident| $body:block) => {{
        {
            let $workers = crate::support::worker_counts::CallersTask;
            $body
        }
        {
            let $workers = 2_usize;
            $body
        }
        {
            let $workers = 3_usize;
            $body
        }
    }};
}

pub(crate) use for_each_worker_count;
