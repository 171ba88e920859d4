//! `Strategy`: how a stage is called: without a policy, once, with retries, or with a split on failure.

use std::future::Future;

use super::bare::bare;
use super::gate::Gate;
use super::merge::Merge;
use super::retry::retrying;
use super::single::single;
use super::split::{Halves, splitting};
use super::stage_use::StageUse;
use crate::call::stage_context::PlainContext;
use crate::error::stage_error::StageError;
use crate::stage::function::{Bare, Function, Repeat, Retry, Single, Split};

/// How a stage is called: [`Bare`], [`Single`], [`Retry`] or [`Split`].
pub trait Strategy<F: Function<In, S>, In, S>: Copy + Send + Sync {
    /// Calls the stage.
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: &PlainContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send;
}

impl<F, In, S> Strategy<F, In, S> for Bare
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
{
    #[inline]
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: &PlainContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        bare(stage.stage, stage.step, input, cx)
    }
}

impl<F, In, S> Strategy<F, In, S> for Single
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
{
    #[inline]
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: &PlainContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        single(stage, input, cx)
    }
}

impl<F, In, S, M> Strategy<F, In, S> for Retry<M>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S, Moved = M>,
{
    #[inline]
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: &PlainContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        retrying(stage, self, input, cx)
    }
}

impl<F, In, S, M> Strategy<F, In, S> for Split<M>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S, Moved = M, Value: Merge + Send>,
    M: Send + Sync,
    (F::Borrowed, M): Halves,
{
    #[inline]
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: &PlainContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        splitting(stage, self, input, cx)
    }
}
