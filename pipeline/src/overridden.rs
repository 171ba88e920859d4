//! A stage under another policy than its own: `fetch.retries(5)`.

use crate::edge::Port;
use crate::function::{Again, Attempts, Function, Once, Repeat, Split};
use crate::plan::{Plan, Slot};
use crate::policy::{self, Limited, Merge, Rows, Spec};
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

impl<In: Send, S: Send + Sync, F: Function<In, S>> Stage<In, S> for Overridden<F, Once> {
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Self::Out, StageError> {
        policy::single(&self.stage, &self.spec, self.slot, &self.limits, input, cx).await
    }
}

impl<In, S, F, K, M> Stage<In, S> for Overridden<F, Again<K, M>>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S, Kept = K, Moved = M>,
    K: Send,
    M: Send,
{
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Self::Out, StageError> {
        policy::retrying(&self.stage, self.attempts, &self.spec, self.slot, &self.limits, input, cx).await
    }
}

impl<In, S, F, K, M> Stage<In, S> for Overridden<F, Split<K, M>>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S, Kept = K, Moved = M>,
    F::Out: Merge,
    K: Rows + Send + Sync,
    M: Send,
{
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Self::Out, StageError> {
        policy::splitting(&self.stage, self.attempts, &self.spec, self.slot, &self.limits, input, cx).await
    }
}
