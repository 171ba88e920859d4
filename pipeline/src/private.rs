//! What the macros call. Not for use by hand: it changes without notice.

use std::marker::PhantomData;

pub use crate::blocking::blocking;
pub use crate::edge::Port;
pub use crate::engine::{Empty, batch};
pub use crate::error::BoxError;
pub use crate::footing::{Named, Place, evaluated};
pub use crate::fork::glue::*;
pub use crate::fork::{
    Args, Both, Branches, Branching, ByValue, Callable, Caller, Company, Handover, Have, Held, Lent, Mode,
    Modes, Moved, OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8, Others, Share, Takes,
    Under, Uses, Value, Wire, both, share,
};
pub use crate::function::{Again, Attempts, Function, Once, Repeat, Split};
pub use crate::overridden::{again, as_before, once, spec};
pub use crate::plan::{Fork as ForkKind, Plan, Slot};
pub use crate::policy::*;
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

use crate::engine::{Cut, Staged, boundary};
use crate::nested::Divided;
use crate::{Closure, Embedded, Inspect, Nested, Parted, Pipeline};

/// The field of a stage's struct: its type parameters, and the limits of this use of it.
pub struct Token<G, L> {
    /// The limits.
    pub limits: L,
    /// The place among the steps of the pipeline.
    pub slot: Slot,
    generics: PhantomData<fn() -> G>,
}

impl<G, L: Default> Default for Token<G, L> {
    fn default() -> Self {
        Self { limits: L::default(), slot: Slot::default(), generics: PhantomData }
    }
}

impl<G, L: Clone> Clone for Token<G, L> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), slot: self.slot, generics: PhantomData }
    }
}

/// The way in.
#[must_use]
pub fn port<T>() -> Port<T> {
    Port::new()
}

/// A closure that says what it takes.
pub fn closure<In, Out, F>(name: &'static str, function: F) -> Closure<In, F>
where
    F: Fn(In) -> Out,
{
    Closure::new(name, function)
}

/// A closure that does not, and learns it from the edge.
pub fn closure_after<In, Out, F>(_: Port<In>, name: &'static str, function: F) -> Closure<In, F>
where
    F: Fn(In) -> Out,
{
    Closure::new(name, function)
}

/// `inspect(closure)`, where the closure says what it looks at.
pub fn inspect<In, F>(name: &'static str, function: F) -> Inspect<In, F>
where
    F: Fn(&In),
{
    Inspect::new(name, function)
}

/// `inspect(closure)`, where the closure learns it from the edge.
pub fn inspect_after<In, F>(_: Port<In>, name: &'static str, function: F) -> Inspect<In, F>
where
    F: Fn(&In),
{
    Inspect::new(name, function)
}

/// The pipeline that a checked chain makes.
pub fn finish<In, F>(_: Port<In>, stages: F, plan: Plan) -> Pipeline<In, F> {
    Pipeline::planned(stages, plan)
}

/// A plan without steps.
#[must_use]
pub fn plan() -> Plan {
    Plan::default()
}

/// A boundary: one value in, its items out.
#[must_use]
pub fn each() -> boundary::each {
    boundary::each::default()
}

/// Stages between two boundaries.
pub fn staged<F>(stages: F) -> Staged<F> {
    Staged::new(stages)
}

/// Two parts, and the boundary between them.
pub fn cut<H, B, R>(head: H, boundary: B, rest: R) -> Cut<H, B, R> {
    Cut::new(head, boundary, rest)
}

/// The pipeline that checked parts make.
pub fn parted<In, H, B, R>(
    _: Port<In>,
    parts: Cut<H, B, R>,
    plan: Plan,
) -> Pipeline<In, Cut<H, B, R>, (), Parted<B>> {
    Pipeline::planned(parts, plan)
}

/// A value on its way into a pipeline, `{ value }`.
pub struct Embed<T>(pub T);

/// A pipeline without a state of its own runs under that of the pipeline around it: only its stages go in.
impl<In, F> Embed<Pipeline<In, F>> {
    /// The stages.
    #[must_use]
    pub fn into_stage(self) -> Nested<In, F> {
        Nested::new(self.0)
    }
}

/// A pipeline with a boundary does not go into another: its edge says so.
impl<In, F, S, B> Embed<Pipeline<In, F, S, Parted<B>>> {
    /// What does not fit.
    #[must_use]
    pub fn into_stage(self) -> Divided<F, B> {
        Divided::new(self.0)
    }
}

/// Any other value goes in as it is. (An inherent method is found first.)
pub trait EmbedAny {
    /// The value.
    type Stage;

    /// The value.
    fn into_stage(self) -> Self::Stage;
}

impl<T> EmbedAny for Embed<T> {
    type Stage = Embedded<T>;

    fn into_stage(self) -> Embedded<T> {
        Embedded::new(self.0)
    }
}
