//! How a stage is called: as it is, once, with retries, or in halves.

use std::future::Future;

use super::bare::bare;
use super::gate::Gate;
use super::merge::Merge;
use super::retry::retrying;
use super::single::single;
use super::split::{Halves, splitting};
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::attribute::Policy;
use crate::stage::function::{Bare, Function, Repeat, Retry, Single, Split};

/// A stage where it is used: with its policy, its place in the plan and its limits.
#[derive(Debug)]
pub struct StageUse<'c, F, G> {
    /// The stage.
    pub stage: &'c F,
    /// What its attribute and its overrides say.
    pub policy: &'c Policy,
    /// Its place in the plan of its pipeline.
    pub step: StepId,
    /// Its limits.
    pub gate: &'c G,
}

impl<F, G> Clone for StageUse<'_, F, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, G> Copy for StageUse<'_, F, G> {}

/// How a stage is called: [`Bare`], [`Single`], [`Retry`] or [`Split`].
pub trait Strategy<F: Function<In, S>, In, S>: Copy + Send + Sync {
    /// Calls the stage.
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: StageContext<'_, S>,
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
        cx: StageContext<'_, S>,
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
        cx: StageContext<'_, S>,
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
        cx: StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        retrying(stage, self, input, cx)
    }
}

impl<F, In, S, M> Strategy<F, In, S> for Split<M>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S, Moved = M, Kept: Halves + Sync, Value: Merge + Send>,
{
    #[inline]
    fn call<G: Gate>(
        self,
        stage: StageUse<'_, F, G>,
        input: In,
        cx: StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        splitting(stage, self, input, cx)
    }
}
