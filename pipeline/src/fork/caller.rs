//! Calls of steps, watched or not: what is the same in a run that somebody observes, written once.

use std::future::Future;

use super::takes::{Args, Callable};
use crate::watch::Watched;
use crate::{Scope, Stage, StageError};

/// Calls steps: watched, or not.
pub trait Caller: Copy + Send + Sync {
    /// Calls a step with what is its own.
    fn call<In, S, F>(
        self,
        step: &F,
        input: In,
        cx: &Scope<'_, S>,
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
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send
    where
        L: 'a,
        S: Send + Sync,
        F: Callable<L, S>;
}

/// Nobody looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plainly;

/// Each call of a stage is watched from its beginning; of a pipeline, those of its stages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watching;

impl Caller for Plainly {
    #[inline]
    fn call<In, S, F>(
        self,
        step: &F,
        input: In,
        cx: &Scope<'_, S>,
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
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send
    where
        L: 'a,
        S: Send + Sync,
        F: Callable<L, S>,
    {
        step.call_with(args, cx)
    }
}

impl Caller for Watching {
    async fn call<In, S, F>(self, step: &F, input: In, cx: &Scope<'_, S>) -> Result<F::Out, StageError>
    where
        In: Send,
        S: Send + Sync,
        F: Stage<In, S>,
    {
        let call = step.__call_watched(input, cx);
        match step.__label() {
            // A function is called within the call: by then the watch runs.
            Some((name, slot)) => Watched::new(name, slot, call, cx).await,
            None => call.await,
        }
    }

    async fn call_with<'a, L, S, F>(
        self,
        step: &F,
        args: Args<'a, L, F>,
        cx: &Scope<'_, S>,
    ) -> Result<F::Out, StageError>
    where
        L: 'a,
        S: Send + Sync,
        F: Callable<L, S>,
    {
        let call = step.call_with_watched(args, cx);
        match step.label() {
            Some((name, slot)) => Watched::new(name, slot, call, cx).await,
            None => call.await,
        }
    }
}
