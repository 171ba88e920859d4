//! Calls by a fork of a stage with an overridden policy.

use std::future::Future;

use super::args::{Args, CallArgs, CallWithPolicy, TakesArgs};
use super::checks::{Arity, Parameter};
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::policy::overridden::Overridden;
use crate::policy::stage_use::StageUse;
use crate::stage::plan::Plan;

impl<L, F: TakesArgs<L>, A> TakesArgs<L> for Overridden<F, A> {
    type Out = F::Out;
    type ArgModes = F::ArgModes;

    fn register(&mut self, plan: &mut Plan) {
        self.step = plan.stage(self.policy);
    }
}

impl<L, S, C, F, A> CallArgs<L, S, C> for Overridden<F, A>
where
    S: Send + Sync,
    C: Mechanism,
    F: CallWithPolicy<L, S, C, A>,
    A: Copy + Send + Sync,
{
    #[inline]
    fn call_with<'a, O: Observe>(
        &self,
        observe: O,
        args: Args<'a, L, Self>,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a,
    {
        let stage =
            StageUse { stage: &self.stage, policy: &self.policy, step: &self.step, gate: &self.limits };
        F::call_with_policy(stage, self.attempts, observe, args, cx)
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
