//! How a stage is attempted: once, or again.

use std::future::Future;

use super::gate::Gate;
use super::retry::retrying;
use super::single::single;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::attribute::Policy;
use crate::stage::function::Repeat;
use crate::stage::function::Retry;
use crate::stage::function::Single;

/// [`Single`] or [`Retry`], with copies of what `Moved`.
pub trait Strategy<Moved>: Copy + Send + Sync {
    /// Calls a stage in this way.
    #[allow(clippy::too_many_arguments)] // What a call knows, once.
    fn call<F, In, S, L>(
        self,
        stage: &F,
        policy: &Policy,
        step: StepId,
        gate: &L,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Repeat<In, S, Moved = Moved>,
        L: Gate;
}

impl<M> Strategy<M> for Single {
    #[inline]
    fn call<F, In, S, L>(
        self,
        stage: &F,
        policy: &Policy,
        step: StepId,
        gate: &L,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Repeat<In, S, Moved = M>,
        L: Gate,
    {
        single(stage, policy, step, gate, input, cx)
    }
}

impl<M: Send> Strategy<M> for Retry<M> {
    #[inline]
    fn call<F, In, S, L>(
        self,
        stage: &F,
        policy: &Policy,
        step: StepId,
        gate: &L,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Repeat<In, S, Moved = M>,
        L: Gate,
    {
        retrying(stage, self, policy, step, gate, input, cx)
    }
}
