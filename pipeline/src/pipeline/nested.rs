//! Pipelines as steps of other pipelines, and the compile errors for what a pipeline with boundaries cannot do.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::value::Pipeline;
use crate::call::mechanism::Mechanism;
use crate::call::observe::{Observe, Unobserved};
use crate::call::stage_context::StageContext;
use crate::call::watch::Watch;
use crate::engine::shape::{OneToOne, WithBoundary};
use crate::error::stage_error::StageError;
use crate::stage::contract::{Accepts, Stage};
use crate::stage::now::Now;
use crate::stage::plan::Plan;

impl<In, F: Accepts<In>, S, M> Accepts<In> for Pipeline<In, F, S, M> {
    type Out = F::Out;

    fn __register(&mut self, plan: &mut Plan) {
        self.base = plan.append(&self.plan);
    }
}

/// A pipeline as a step of another one, with its own state.
impl<In, F, S, X, Outer, C> Stage<In, Outer, C> for Pipeline<In, F, S, OneToOne<X>>
where
    In: Send,
    S: Send + Sync,
    Outer: Send + Sync,
    C: Mechanism,
    F: Stage<In, S, C>,
{
    const __NOW: Now = F::__NOW;

    fn call<'r>(
        &'r self,
        input: In,
        cx: &'r StageContext<'_, Outer, C>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        <Self as Stage<In, Outer, C>>::__call(self, Unobserved, input, cx)
    }

    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, Outer, C>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        self.stages.__call_nested(observe, input, cx.inside(self.base).with_state(&self.state))
    }

    #[inline]
    fn __call_nested<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: StageContext<'r, Outer, C>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        self.stages.__call_nested(observe, input, cx.inside(self.base).with_state(&self.state))
    }

    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, Outer, C>,
    ) -> Result<F::Out, StageError> {
        self.stages.__call_now(watch, input, &cx.inside(self.base).with_state(&self.state))
    }
}

/// A pipeline as a step of another one, with the state of the enclosing one.
pub struct Nested<In, F> {
    stages: Arc<F>,
    plan: Arc<Plan>,
    base: u32,
    input: PhantomData<fn(In)>,
}

impl<In, F> Nested<In, F> {
    pub(crate) fn new<X>(pipeline: Pipeline<In, F, (), OneToOne<X>>) -> Self {
        let Pipeline { stages, plan, base, .. } = pipeline;
        Self { stages, plan, base, input: PhantomData }
    }
}

impl<In, F> Clone for Nested<In, F> {
    fn clone(&self) -> Self {
        Self {
            stages: Arc::clone(&self.stages),
            plan: Arc::clone(&self.plan),
            base: self.base,
            input: PhantomData,
        }
    }
}

impl<In, F: Accepts<In>> Accepts<In> for Nested<In, F> {
    type Out = F::Out;

    fn __register(&mut self, plan: &mut Plan) {
        self.base = plan.append(&self.plan);
    }
}

impl<In, F, S, C> Stage<In, S, C> for Nested<In, F>
where
    In: Send,
    S: Send + Sync,
    C: Mechanism,
    F: Stage<In, S, C>,
{
    const __NOW: Now = F::__NOW;

    fn call<'r>(
        &'r self,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        <Self as Stage<In, S, C>>::__call(self, Unobserved, input, cx)
    }

    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        self.stages.__call_nested(observe, input, cx.inside(self.base).shortened())
    }

    #[inline]
    fn __call_nested<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: StageContext<'r, S, C>,
    ) -> impl Future<Output = Result<F::Out, StageError>> + Send {
        self.stages.__call_nested(observe, input, cx.inside(self.base))
    }

    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> Result<F::Out, StageError> {
        self.stages.__call_now(watch, input, &cx.inside(self.base))
    }
}

/// A boundary that a nested pipeline may have. There is none: this trait has no implementations.
#[diagnostic::on_unimplemented(
    message = "a pipeline with the boundary `{Self}` cannot be a step of another pipeline, because a step returns one output per input",
    label = "this pipeline has the boundary `{Self}`",
    note = "write its steps here, or run it in a stage that calls `.collect(…)`"
)]
pub trait Nestable {
    /// The output type. There are no implementations.
    #[doc(hidden)]
    type __Out: Send;
}

/// A pipeline with a boundary, used as a step. It does not compile, because no boundary is
/// [`Nestable`].
pub struct NotNestable<F, B>(PhantomData<(F, B)>);

impl<F, B> NotNestable<F, B> {
    pub(crate) fn new<In, S, X>(_: Pipeline<In, F, S, WithBoundary<B, X>>) -> Self {
        Self(PhantomData)
    }
}

impl<In, F, B: Nestable> Accepts<In> for NotNestable<F, B> {
    type Out = B::__Out;
}

/// An item that can run alone through a pipeline with the boundary `B`. There is none: this trait has no implementations.
#[diagnostic::on_unimplemented(
    message = "`run` and `settle` return one output per input, but this pipeline has a boundary, `each` or `batch`, which changes the number of items",
    label = "this pipeline has a boundary",
    note = "use `.collect(inputs)`, `.drain(inputs)` or `.stream(inputs)`; a single input is `[input]`"
)]
pub trait OneToOneRun<B> {
    /// The output type. There are no implementations.
    #[doc(hidden)]
    type Output;
}

/// The verbs that a pipeline with a boundary does not have. They exist only for their compile errors.
#[allow(clippy::must_use_candidate)] // They cannot be called.
impl<In, F, S, B, X> Pipeline<In, F, S, WithBoundary<B, X>> {
    /// Only for pipelines without boundaries.
    #[doc(hidden)]
    pub fn run<I: OneToOneRun<B>>(&self, _: I) -> I::Output {
        unreachable!("`OneToOneRun` has no implementations")
    }

    /// Only for pipelines without boundaries.
    #[doc(hidden)]
    pub fn run_blocking<I: OneToOneRun<B>>(&self, _: I) -> I::Output {
        unreachable!("`OneToOneRun` has no implementations")
    }

    /// Only for pipelines without boundaries.
    #[doc(hidden)]
    pub fn settle<I: OneToOneRun<B>>(&self, _: I) -> I::Output {
        unreachable!("`OneToOneRun` has no implementations")
    }

    /// Only for pipelines without boundaries.
    #[doc(hidden)]
    pub fn settle_blocking<I: OneToOneRun<B>>(&self, _: I) -> I::Output {
        unreachable!("`OneToOneRun` has no implementations")
    }
}
