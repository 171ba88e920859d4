//! `StageContext`: the item and the state that a stage is called with.

use std::fmt;
use std::sync::Arc;

use super::mechanism::{Direct, Mechanism};
use crate::error::panic_origin::CallSite;
use crate::error::step_id::StepId;
use crate::run::context::Context;
use crate::run::item::Item;

/// The context of a call of a [`Stage`](crate::Stage): the item, and the state of the pipeline.
///
/// `C` is the mechanism that calls the steps. The default, `Direct`, makes each call.
pub struct StageContext<'a, S = (), C: Mechanism = Direct> {
    plain: PlainContext<'a, S>,
    handle: C::Handle<'a>,
}

/// The context of a call without the mechanism.
pub struct PlainContext<'a, S> {
    state: &'a Arc<S>,
    item: &'a Item<'a>,
    /// The id of the first step of this pipeline in the run.
    base: u32,
}

impl<S, C: Mechanism> Clone for StageContext<'_, S, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, C: Mechanism> Copy for StageContext<'_, S, C> {}

impl<S> Clone for PlainContext<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for PlainContext<'_, S> {}

impl<S, C: Mechanism> fmt::Debug for StageContext<'_, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageContext").field("index", &self.plain.item.index()).finish_non_exhaustive()
    }
}

impl<'a, S> PlainContext<'a, S> {
    #[inline]
    pub(crate) fn item(&self) -> &'a Item<'a> {
        self.item
    }

    /// The id of a step of this pipeline in the run.
    #[inline]
    pub(crate) fn step(&self, step: StepId) -> StepId {
        step.offset(self.base)
    }

    /// The context for a function, which calls no steps.
    #[inline]
    pub(crate) fn stage_context(&self) -> StageContext<'a, S> {
        StageContext { plain: *self, handle: () }
    }
}

impl<'a, S> StageContext<'a, S> {
    #[inline]
    pub(crate) fn new(state: &'a Arc<S>, item: &'a Item<'a>) -> Self {
        Self { plain: PlainContext { state, item, base: 0 }, handle: () }
    }
}

impl<'a, S, C: Mechanism> StageContext<'a, S, C> {
    /// The state of the pipeline, set by `.with(state)`; `()` by default.
    #[must_use]
    #[inline]
    pub fn state(&self) -> &'a S {
        self.plain.state
    }

    /// The context of the item in a stage with this name.
    #[must_use]
    pub fn context(&self, stage: &'static str) -> Context {
        Context::of(self.plain.item, stage, 1)
    }

    /// The context for a nested pipeline whose first step has the id `base`.
    #[inline]
    pub(crate) fn inside(&self, base: u32) -> Self {
        let plain = PlainContext { base: self.plain.base.saturating_add(base), ..self.plain };
        Self { plain, handle: self.handle }
    }

    /// The context for a nested pipeline with a state of its own.
    #[inline]
    pub(crate) fn with_state<'b, T>(self, state: &'b Arc<T>) -> StageContext<'b, T, C>
    where
        'a: 'b,
    {
        let plain = PlainContext { state, item: self.plain.item, base: self.plain.base };
        StageContext { plain, handle: C::shorten(self.handle) }
    }

    /// The same context with a shorter lifetime.
    #[inline]
    pub(crate) fn shortened<'b>(self) -> StageContext<'b, S, C>
    where
        'a: 'b,
    {
        StageContext { plain: self.plain, handle: C::shorten(self.handle) }
    }

    #[inline]
    pub(crate) fn plain(&self) -> &PlainContext<'a, S> {
        &self.plain
    }

    /// The caller of the item.
    #[doc(hidden)]
    #[inline]
    pub fn __handle(&self) -> C::Handle<'a> {
        self.handle
    }

    #[inline]
    pub(crate) fn item(&self) -> &'a Item<'a> {
        self.plain.item
    }

    /// The id of a step of this pipeline in the run.
    #[inline]
    pub(crate) fn step(&self, step: StepId) -> StepId {
        self.plain.step(step)
    }

    /// Counts the item at a mark of the plan.
    #[inline]
    pub(crate) fn passes(&self, mark: StepId) {
        if let Some(metrics) = self.item().run().metrics(self.step(mark)) {
            metrics.passed.inc();
        }
    }

    #[doc(hidden)]
    #[inline]
    pub fn __passes(&self, mark: StepId) {
        self.passes(mark);
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __context(&self, site: CallSite) -> Context {
        Context::of(self.plain.item, site.stage, site.attempt)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __shared_state(&self) -> Arc<S> {
        Arc::clone(self.plain.state)
    }
}
