//! Items for the code of the macros. Not public API: they change without notice.

use std::marker::PhantomData;
pub use std::primitive::{bool, str};
pub use std::{
    clone::Clone,
    concat,
    convert::{From, Infallible, Into},
    default::Default,
    file,
    future::Future,
    line,
    marker::{Send, Sized, Sync},
    mem::drop,
    num::NonZeroU32,
    ops::Fn,
    option::Option,
    path::PathBuf,
    result::Result,
    string::String,
    sync::Arc,
    time::Duration,
    vec::Vec,
};

pub use crate::call::mechanism::{Caller, Mechanism};
pub use crate::call::observe::{Observe, Unobserved};
pub use crate::call::stage_context::StageContext;
pub use crate::call::user_code::{CodeSite, guard_user_code};
pub use crate::call::watch::Watch;
pub use crate::chain::Chain;
pub use crate::engine::boundary::batch::settings as batch;
pub use crate::engine::section::PassThrough;
pub use crate::error::causes::BoxError;
pub use crate::error::panic_origin::CallSite;
pub use crate::error::stage_error::StageError;
pub use crate::error::step_id::StepId;
pub use crate::fork::args::{ArgModes, Args, CallArgs, CallWithPolicy, TakesArgs};
pub use crate::fork::branch::ByValue;
pub use crate::fork::cells::{MoveCell, SharedCell, share};
pub use crate::fork::checks::{
    Arity, CalledInClosure, CalledInExpression, CloneToShare, CloneWhileBorrowed, ConcurrentUses,
    Destructure, EndsAs, GraphInput, Parameter, PlainFunction, Text,
};
pub use crate::fork::glue::*;
pub use crate::fork::passing::{
    Borrow, Borrowed, Consumers, Input, JointMode, Move, PassMode, SharedInput, ValueCell,
};
pub use crate::fork::route::{OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8};
pub use crate::fork::step::{Branches, Branching};
pub use crate::fork::try_join::try_join2;
pub use crate::policy::bare::call_now;
pub use crate::policy::blocking::blocking;
pub use crate::policy::editor::Overrides;
pub use crate::policy::function_call::FunctionCall;
pub use crate::policy::gate::{Gate, Limited, Unlimited};
pub use crate::policy::merge::Merge;
pub use crate::policy::overridden::{own_policy, same_retries, with_retries, without_retries};
pub use crate::policy::split::{Halves, Rows};
pub use crate::policy::stage_use::StageUse;
pub use crate::policy::strategy::Strategy;
pub use crate::stage::attribute::{Backoff, Growth, Policy, Rate};
pub use crate::stage::closure::{Tried, TriedAny};
pub use crate::stage::contract::{Accepts, Stage};
pub use crate::stage::edge::EdgeType;
pub use crate::stage::function::{
    AnyType, Attempts, Bare, CheckedResult, Function, Repeat, Retry, RetryInput, Retryable, Returns, Single,
    Split, StageFn, decide,
};
pub use crate::stage::never_fails::NeverFails;
pub use crate::stage::now::Now;
pub use crate::stage::output_checks::{
    IsFuture, NoFuture, NotAFuture, NotAResult, NotAResultOfItems, ReturnsNoResult,
};
pub use crate::stage::plan::{ForkKind, Plan};
pub use crate::stage::state::Provide;

use crate::engine::boundary::each::each;
use crate::engine::section::{Bounded, StageSection};
use crate::engine::shape::{OneToOne, WithBoundary};
use crate::pipeline::nested::{Nested, NotNestable};
use crate::pipeline::value::Pipeline;
use crate::stage::closure::{AsyncClosure, Closure, Inspect, TryClosure};
use crate::stage::embedded::Embedded;

/// The field of the struct of a stage: the limits and the step of this use, and the type parameters.
pub struct Token<G, L> {
    /// The limits of this use.
    pub limits: L,
    /// The step in the plan of the pipeline.
    pub step: StepId,
    generics: PhantomData<fn() -> G>,
}

impl<G, L: Default> Default for Token<G, L> {
    fn default() -> Self {
        Self { limits: L::default(), step: StepId::default(), generics: PhantomData }
    }
}

impl<G, L: Clone> Clone for Token<G, L> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), step: self.step, generics: PhantomData }
    }
}

/// The edge into a pipeline.
#[must_use]
pub fn edge<T>() -> EdgeType<T> {
    EdgeType::new()
}

/// A closure with a declared parameter type.
pub fn closure<In, Out, F>(name: &'static str, function: F) -> Closure<In, F>
where
    F: Fn(In) -> Out,
{
    Closure::new(name, function)
}

/// A closure whose parameter type is inferred from the edge.
pub fn closure_after<In, Out, F>(_: EdgeType<In>, name: &'static str, function: F) -> Closure<In, F>
where
    F: Fn(In) -> Out,
{
    Closure::new(name, function)
}

/// A `try` closure with a declared parameter type.
pub fn try_closure<In, Out, F>(name: &'static str, function: F) -> TryClosure<In, F>
where
    F: Fn(In) -> Result<Out, BoxError>,
{
    TryClosure::new(name, function)
}

/// A `try` closure whose parameter type is inferred from the edge.
pub fn try_closure_after<In, Out, F>(_: EdgeType<In>, name: &'static str, function: F) -> TryClosure<In, F>
where
    F: Fn(In) -> Result<Out, BoxError>,
{
    TryClosure::new(name, function)
}

/// A closure with an async block, and with a declared parameter type.
pub fn async_closure<In, Out, E, Fut, F>(name: &'static str, function: F) -> AsyncClosure<In, F>
where
    Fut: Future<Output = Result<Out, E>>,
    F: Fn(In) -> Fut,
{
    AsyncClosure::new(name, function)
}

/// A closure with an async block, whose parameter type is inferred from the edge.
pub fn async_closure_after<In, Out, E, Fut, F>(
    _: EdgeType<In>,
    name: &'static str,
    function: F,
) -> AsyncClosure<In, F>
where
    Fut: Future<Output = Result<Out, E>>,
    F: Fn(In) -> Fut,
{
    AsyncClosure::new(name, function)
}

/// `inspect(closure)` with a declared parameter type.
pub fn inspect<In, F>(name: &'static str, function: F) -> Inspect<In, F>
where
    F: Fn(&In),
{
    Inspect::new(name, function)
}

/// `inspect(closure)` whose parameter type is inferred from the edge.
pub fn inspect_after<In, F>(_: EdgeType<In>, name: &'static str, function: F) -> Inspect<In, F>
where
    F: Fn(&In),
{
    Inspect::new(name, function)
}

/// The pipeline of a checked chain.
pub fn finish<In, F>(_: EdgeType<In>, stages: F, plan: Plan) -> Pipeline<In, F> {
    Pipeline::planned(stages, plan)
}

/// A plan without steps.
#[must_use]
pub fn plan() -> Plan {
    Plan::default()
}

/// The boundary `each`: one value in, its items out.
#[must_use]
pub fn each() -> each {
    each::default()
}

/// Stages between two boundaries.
pub fn stage_section<F>(stages: F) -> StageSection<F> {
    StageSection::new(stages)
}

/// Two sections and the boundary between them.
pub fn bounded<H, B, R>(head: H, boundary: B, rest: R) -> Bounded<H, B, R> {
    Bounded::new(head, boundary, rest)
}

/// The pipeline of checked sections.
pub fn finish_bounded<In, H, B, R>(
    _: EdgeType<In>,
    parts: Bounded<H, B, R>,
    plan: Plan,
) -> Pipeline<In, Bounded<H, B, R>, (), WithBoundary<B>> {
    Pipeline::planned(parts, plan)
}

/// A value in a pipeline, `{ value }`.
pub struct Embed<T>(pub T);

/// A pipeline without a state of its own uses the state of the enclosing pipeline, so only its stages are embedded.
impl<In, F, X> Embed<Pipeline<In, F, (), OneToOne<X>>> {
    /// The stages.
    #[must_use]
    pub fn __into_stage(self) -> Nested<In, F> {
        Nested::new(self.0)
    }
}

/// A pipeline with a boundary cannot be nested; the check of its edge reports this.
impl<In, F, S, B, X> Embed<Pipeline<In, F, S, WithBoundary<B, X>>> {
    /// A value that fails the check.
    #[must_use]
    pub fn __into_stage(self) -> NotNestable<F, B> {
        NotNestable::new(self.0)
    }
}

/// Any other value is one step. Method resolution prefers the inherent `__into_stage` above.
pub trait EmbedAny {
    /// The step.
    type Stage;

    /// The value as a step.
    fn __into_stage(self) -> Self::Stage;
}

impl<T> EmbedAny for Embed<T> {
    type Stage = Embedded<T>;

    fn __into_stage(self) -> Embedded<T> {
        Embedded::new(self.0)
    }
}
