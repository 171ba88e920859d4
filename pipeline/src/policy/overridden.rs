//! A stage under another policy than its own: `fetch.retries(5)`.

use std::future::Future;

use super::function_call::FunctionCall;
use super::gate::Limited;
use super::stage_use::StageUse;
use super::strategy::Strategy;
use crate::call::mechanism::Caller;
use crate::call::observe::{Observe, Unobserved};
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::attribute::Policy;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;
use crate::stage::edge::EdgeType;
use crate::stage::function::Attempts;
use crate::stage::function::Function;
use crate::stage::function::StageFn;
use crate::stage::plan::Plan;

/// A stage function with a policy made for one place in a pipeline.
pub struct Overridden<F, A> {
    pub(crate) stage: F,
    pub(crate) attempts: A,
    pub(crate) policy: Policy,
    pub(crate) step: StepId,
    /// Its own: the limits of one place are not those of another.
    pub(crate) limits: Option<Limited>,
}

impl<F, A> Overridden<F, A> {
    fn new(stage: F, attempts: A, policy: Policy, plan: &mut Plan) -> Self {
        let limited = policy.concurrency.is_some() || policy.rate.is_some();
        Self {
            stage,
            attempts,
            policy,
            step: plan.override_last(policy),
            limits: limited.then(Limited::default),
        }
    }
}

/// What the stage's own policy says.
#[must_use]
pub fn own_policy<F: StageFn>(_: &F) -> Policy {
    F::__POLICY
}

/// Overrides that leave open whether there are retries.
pub fn same_retries<In, F: Attempts<In>>(
    _: EdgeType<In>,
    stage: F,
    policy: Policy,
    plan: &mut Plan,
) -> Overridden<F, F::Own> {
    Overridden::new(stage, F::own(), policy, plan)
}

/// Overrides that take the retries away.
pub fn without_retries<In, F: Attempts<In>>(
    _: EdgeType<In>,
    stage: F,
    policy: Policy,
    plan: &mut Plan,
) -> Overridden<F, F::Single> {
    Overridden::new(stage, F::single(), policy, plan)
}

/// Overrides that ask for retries.
pub fn with_retries<F, A>(stage: F, attempts: A, policy: Policy, plan: &mut Plan) -> Overridden<F, A> {
    Overridden::new(stage, attempts, policy, plan)
}

impl<F: Clone, A: Clone> Clone for Overridden<F, A> {
    fn clone(&self) -> Self {
        Self {
            stage: self.stage.clone(),
            attempts: self.attempts.clone(),
            policy: self.policy,
            step: self.step,
            limits: self.limits.clone(),
        }
    }
}

impl<In, F: Accepts<In>, A> Accepts<In> for Overridden<F, A> {
    type Out = F::Out;

    fn __register(&mut self, plan: &mut Plan) {
        self.step = plan.stage(self.policy);
    }
}

impl<In, S, C, F, A> Stage<In, S, C> for Overridden<F, A>
where
    In: Send,
    S: Send + Sync,
    C: Caller<F, In, <F as Accepts<In>>::Out>,
    F: Accepts<In> + Function<In, S, Value = <F as Accepts<In>>::Out>,
    A: Strategy<F, In, S>,
{
    #[inline]
    fn call(
        &self,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        <Self as Stage<In, S, C>>::__call(self, Unobserved, input, cx)
    }

    #[inline]
    fn __call<O: Observe>(
        &self,
        observe: O,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        let stage =
            StageUse { stage: &self.stage, policy: &self.policy, step: self.step, gate: &self.limits };
        C::call(cx.__handle(), FunctionCall::new(stage, self.attempts, observe, input, cx))
    }
}
