//! `Overridden`: a stage whose policy is overridden in a pipeline, `fetch.retries(5)`.

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
use crate::stage::contract::{Accepts, Stage};
use crate::stage::edge::EdgeType;
use crate::stage::function::{Attempts, Function, StageFn};
use crate::stage::plan::Plan;

/// A stage function with an overridden policy.
pub struct Overridden<F, A> {
    pub(crate) stage: F,
    pub(crate) attempts: A,
    pub(crate) policy: Policy,
    pub(crate) step: StepId,
    /// Each use of a stage has its own limits.
    pub(crate) limits: Option<Limited>,
}

impl<F, A> Overridden<F, A> {
    fn new(stage: F, attempts: A, policy: Policy, plan: &mut Plan) -> Self {
        Self {
            stage,
            attempts,
            policy,
            step: plan.override_last(policy),
            limits: policy.is_limited().then(Limited::default),
        }
    }
}

/// The policy in the attribute of the stage.
#[must_use]
pub fn own_policy<F: StageFn>(_: &F) -> Policy {
    F::__POLICY
}

/// Overrides that do not change whether the stage has retries.
pub fn same_retries<In, F: Attempts<In>>(
    _: EdgeType<In>,
    stage: F,
    policy: Policy,
    plan: &mut Plan,
) -> Overridden<F, F::Own> {
    Overridden::new(stage, F::own(), policy, plan)
}

/// Overrides that remove the retries.
pub fn without_retries<In, F: Attempts<In>>(
    _: EdgeType<In>,
    stage: F,
    policy: Policy,
    plan: &mut Plan,
) -> Overridden<F, F::Single> {
    Overridden::new(stage, F::single(), policy, plan)
}

/// Overrides that add retries.
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

    fn __can_start(&self) -> bool {
        self.limits.as_ref().is_none_or(|limits| limits.can_start(&self.policy))
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
    fn call<'r>(
        &'r self,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        <Self as Stage<In, S, C>>::__call(self, Unobserved, input, cx)
    }

    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        let stage =
            StageUse { stage: &self.stage, policy: &self.policy, step: &self.step, gate: &self.limits };
        C::call(cx.__handle(), FunctionCall::new(stage, self.attempts, observe, input, cx))
    }
}
