//! Calls of steps, watched or not: what is the same in a run that somebody observes, written once.

use std::future::Future;

use super::observed::Observed;
use super::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::fork::args::Args;
use crate::fork::args::CallArgs;
use crate::stage::contract::Stage;

/// Calls steps: watched, or not.
pub trait Caller: Copy + Send + Sync {
    /// Calls a step with what is its own.
    fn call<In, S, F>(
        self,
        step: &F,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Stage<In, S>;

    /// Calls a step with what others want, too.
    fn call_with<'a, L, S, F>(
        self,
        step: &F,
        args: Args<'a, L, F>,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send
    where
        L: 'a,
        S: Send + Sync,
        F: CallArgs<L, S>;
}

/// Nobody looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unobserved;

/// Each call of a stage is watched from its beginning; of a pipeline, those of its stages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObservedCaller;

impl Caller for Unobserved {
    #[inline]
    fn call<In, S, F>(
        self,
        step: &F,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Stage<In, S>,
    {
        step.call(input, cx)
    }

    #[inline]
    fn call_with<'a, L, S, F>(
        self,
        step: &F,
        args: Args<'a, L, F>,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send
    where
        L: 'a,
        S: Send + Sync,
        F: CallArgs<L, S>,
    {
        step.call_with(args, cx)
    }
}

impl Caller for ObservedCaller {
    async fn call<In, S, F>(self, step: &F, input: In, cx: &StageContext<'_, S>) -> Result<F::Out, StageError>
    where
        In: Send,
        S: Send + Sync,
        F: Stage<In, S>,
    {
        let call = step.__call_observed(input, cx);
        match step.__label() {
            // A function is called within the call: by then the watch runs.
            Some((name, step)) => Observed::new(name, step, call, cx).await,
            None => call.await,
        }
    }

    async fn call_with<'a, L, S, F>(
        self,
        step: &F,
        args: Args<'a, L, F>,
        cx: &StageContext<'_, S>,
    ) -> Result<F::Out, StageError>
    where
        L: 'a,
        S: Send + Sync,
        F: CallArgs<L, S>,
    {
        let call = step.call_with_observed(args, cx);
        match step.label() {
            Some((name, step)) => Observed::new(name, step, call, cx).await,
            None => call.await,
        }
    }
}
