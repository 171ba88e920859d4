//! A stage under another policy than its own: `fetch.retries(5)`.

use std::marker::PhantomData;

use crate::function::{Function, Repeat};
use crate::policy::{self, Limited, Spec};
use crate::stage::StageFn;
use crate::{Accepts, Scope, Stage, StageError};

/// Attempted once.
#[derive(Debug, Clone, Copy)]
pub struct Once;

/// Attempted again when it fails.
#[derive(Debug, Clone, Copy)]
pub struct Again;

/// A stage function with a policy made for one place in a pipeline.
#[derive(Debug)]
pub struct Overridden<F, A> {
    stage: F,
    spec: Spec,
    /// Its own: the limits of one place are not those of another.
    limits: Option<Limited>,
    attempts: PhantomData<fn() -> A>,
}

impl<F, A> Overridden<F, A> {
    fn new(stage: F, spec: Spec) -> Self {
        let limited = spec.concurrency.is_some() || spec.rate.is_some();
        Self { stage, spec, limits: limited.then(Limited::default), attempts: PhantomData }
    }
}

/// What the stage's own policy says.
pub fn spec<F: StageFn>(_: &F) -> Spec {
    F::__SPEC
}

/// Overrides that leave open whether there are retries.
pub fn own_attempts<F: StageFn>(stage: F, spec: Spec) -> Overridden<F, F::__Attempts> {
    Overridden::new(stage, spec)
}

/// Overrides that take the retries away.
pub fn attempted_once<F>(stage: F, spec: Spec) -> Overridden<F, Once> {
    Overridden::new(stage, spec)
}

/// Overrides that ask for retries.
pub fn attempted_again<F>(stage: F, spec: Spec) -> Overridden<F, Again> {
    Overridden::new(stage, spec)
}

impl<F: Clone, A> Clone for Overridden<F, A> {
    fn clone(&self) -> Self {
        Self {
            stage: self.stage.clone(),
            spec: self.spec,
            limits: self.limits.clone(),
            attempts: PhantomData,
        }
    }
}

impl<In, F: Accepts<In>, A> Accepts<In> for Overridden<F, A> {
    type Out = F::Out;
}

impl<In: Send, S: Send + Sync, F: Function<In, S>> Stage<In, S> for Overridden<F, Once> {
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Self::Out, StageError> {
        policy::single(&self.stage, &self.spec, &self.limits, input, cx).await
    }
}

impl<In: Send, S: Send + Sync, F: Repeat<In, S>> Stage<In, S> for Overridden<F, Again> {
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Self::Out, StageError> {
        policy::retrying(&self.stage, &self.spec, &self.limits, input, cx).await
    }
}
