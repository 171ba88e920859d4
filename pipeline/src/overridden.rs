//! A stage under another policy than its own: `fetch.retries(5)`.

use std::future::Future;

use crate::edge::Port;
use crate::fork::{Args, Arity, Callable, Parameter, Takes, Under};
use crate::function::{Again, Attempts, Once, Repeat, Split};
use crate::plan::{Plan, Slot};
use crate::policy::{self, Attempted, Halves, Limited, Merge, Spec};
use crate::{Accepts, Scope, Stage, StageError, StageFn};

/// A stage function with a policy made for one place in a pipeline.
pub struct Overridden<F, A> {
    stage: F,
    attempts: A,
    spec: Spec,
    slot: Slot,
    /// Its own: the limits of one place are not those of another.
    limits: Option<Limited>,
}

impl<F, A> Overridden<F, A> {
    fn new(stage: F, attempts: A, spec: Spec, plan: &mut Plan) -> Self {
        let limited = spec.concurrency.is_some() || spec.rate.is_some();
        Self { stage, attempts, spec, slot: plan.override_last(spec), limits: limited.then(Limited::default) }
    }
}

/// What the stage's own policy says.
#[must_use]
pub fn spec<F: StageFn>(_: &F) -> Spec {
    F::__SPEC
}

/// Overrides that leave open whether there are retries.
pub fn as_before<In, F: Attempts<In>>(
    _: Port<In>,
    stage: F,
    spec: Spec,
    plan: &mut Plan,
) -> Overridden<F, F::Own> {
    Overridden::new(stage, F::own(), spec, plan)
}

/// Overrides that take the retries away.
pub fn once<In, F: Attempts<In>>(
    _: Port<In>,
    stage: F,
    spec: Spec,
    plan: &mut Plan,
) -> Overridden<F, F::Single> {
    Overridden::new(stage, F::single(), spec, plan)
}

/// Overrides that ask for retries.
pub fn again<F, A>(stage: F, attempts: A, spec: Spec, plan: &mut Plan) -> Overridden<F, A> {
    Overridden::new(stage, attempts, spec, plan)
}

impl<F: Clone, A: Clone> Clone for Overridden<F, A> {
    fn clone(&self) -> Self {
        Self {
            stage: self.stage.clone(),
            attempts: self.attempts.clone(),
            spec: self.spec,
            slot: self.slot,
            limits: self.limits.clone(),
        }
    }
}

impl<In, F: Accepts<In>, A> Accepts<In> for Overridden<F, A> {
    type Out = F::Out;

    fn __mount(&mut self, plan: &mut Plan) {
        self.slot = plan.stage(self.spec);
    }

    fn __label(&self) -> Option<(&'static str, Slot)> {
        Some((self.spec.name, self.slot))
    }
}

impl<L, F: Takes<L>, A> Takes<L> for Overridden<F, A> {
    type Out = F::Out;
    type Modes = F::Modes;

    fn mount(&mut self, plan: &mut Plan) {
        self.slot = plan.stage(self.spec);
    }

    fn label(&self) -> Option<(&'static str, Slot)> {
        Some((self.spec.name, self.slot))
    }
}

impl<L, S, F, A> Callable<L, S> for Overridden<F, A>
where
    S: Send + Sync,
    F: Under<L, S, A>,
    A: Copy + Send + Sync,
{
    #[inline]
    fn call_with<'a>(
        &self,
        args: Args<'a, L, F>,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a,
    {
        self.stage.call_under(self.attempts, &self.spec, self.slot, &self.limits, args, cx)
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

impl<In, S, F> Stage<In, S> for Overridden<F, Once>
where
    In: Send,
    S: Send + Sync,
    F: Accepts<In> + Repeat<In, S, Value = <F as Accepts<In>>::Out>,
{
    #[inline]
    fn call(
        &self,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.attempts.call(&self.stage, &self.spec, self.slot, &self.limits, input, cx)
    }
}

impl<In, S, F, M> Stage<In, S> for Overridden<F, Again<M>>
where
    In: Send,
    S: Send + Sync,
    F: Accepts<In> + Repeat<In, S, Moved = M, Value = <F as Accepts<In>>::Out>,
    M: Send,
{
    #[inline]
    fn call(
        &self,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.attempts.call(&self.stage, &self.spec, self.slot, &self.limits, input, cx)
    }
}

impl<In, S, F, M> Stage<In, S> for Overridden<F, Split<M>>
where
    In: Send,
    S: Send + Sync,
    F: Accepts<In> + Repeat<In, S, Moved = M, Value = <F as Accepts<In>>::Out>,
    F::Out: Merge,
    F::Kept: Halves + Send + Sync,
    M: Send,
{
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Self::Out, StageError> {
        policy::splitting(&self.stage, self.attempts, &self.spec, self.slot, &self.limits, input, cx).await
    }
}
