//! One test, for a pipeline on its caller's own task and for one over several workers.

use std::fmt;

use pipeline::{Flow, Pipeline};

/// How many tasks a pipeline is spread over: 0 where nothing is said.
pub(crate) trait Over<P>: fmt::Display + Copy {
    type Spread;

    fn over(self, pipeline: P) -> Self::Spread;
}

/// Nothing is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own;

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no")
    }
}

impl<P> Over<P> for Own {
    type Spread = P;

    fn over(self, pipeline: P) -> P {
        pipeline
    }
}

impl<In, F, S, M> Over<Pipeline<In, F, S, M>> for usize
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: Flow<In, S, M, Out: 'static> + 'static,
{
    type Spread = Pipeline<In, F::__Spread, S, M>;

    fn over(self, pipeline: Pipeline<In, F, S, M>) -> Self::Spread {
        pipeline.workers(self)
    }
}

/// `pipeline.spread(over)`.
pub(crate) trait Spread: Sized {
    fn spread<O: Over<Self>>(self, over: O) -> O::Spread {
        over.over(self)
    }
}

impl<In, F, S, M> Spread for Pipeline<In, F, S, M> {}

/// Does the same three times.
macro_rules! however_spread {
    (|$over:ident| $body:block) => {{
        {
            let $over = crate::support::worker_counts::Own;
            $body
        }
        {
            let $over = 2_usize;
            $body
        }
        {
            let $over = 3_usize;
            $body
        }
    }};
}

pub(crate) use however_spread;
