//! A stage with overridden policy, called by a fork.

use std::future::Future;

use super::args::Args;
use super::args::CallArgs;
use super::args::CallWithPolicy;
use super::args::TakesArgs;
use super::checks::Arity;
use super::checks::Parameter;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::policy::overridden::Overridden;
use crate::stage::plan::Plan;

impl<L, F: TakesArgs<L>, A> TakesArgs<L> for Overridden<F, A> {
    type Out = F::Out;
    type ArgModes = F::ArgModes;

    fn register(&mut self, plan: &mut Plan) {
        self.step = plan.stage(self.policy);
    }

    fn label(&self) -> Option<(&'static str, StepId)> {
        Some((self.policy.name, self.step))
    }
}

impl<L, S, F, A> CallArgs<L, S> for Overridden<F, A>
where
    S: Send + Sync,
    F: CallWithPolicy<L, S, A>,
    A: Copy + Send + Sync,
{
    #[inline]
    fn call_with<'a>(
        &self,
        args: Args<'a, L, F>,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a,
    {
        self.stage.call_with_policy(self.attempts, &self.policy, self.step, &self.limits, args, cx)
    }
}

impl<F: Arity<N>, A, const N: usize> Arity<N> for Overridden<F, A> {
    type __This = Self;

    fn __arity(self) -> Self {
        self
    }
}

impl<F: Parameter<K, T>, A, T, const K: usize> Parameter<K, T> for Overridden<F, A> {
    type __Same = T;
}
