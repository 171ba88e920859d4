//! What the macros call. Not for use by hand: it changes without notice.

use std::marker::PhantomData;

use crate::closure::{Closure, Inspect};
pub use crate::blocking::blocking;
pub use crate::error::BoxError;
pub use crate::function::{Function, Outcome, Repeat, Repeatable, Repeated};
pub use crate::overridden::{
    Again, Once, Overridden, Policied, attempted_again, attempted_once, own_attempts, spec,
};
pub use crate::policy::*;
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
    option::Option,
    path::PathBuf,
    result::Result,
    string::String,
    sync::Arc,
    time::Duration,
    vec::Vec,
};

use crate::{Accepts, Pipeline};

/// The field of a stage's struct: its type parameters, and the limits of this use of it.
pub struct Token<G, L> {
    /// The limits.
    pub limits: L,
    generics: PhantomData<fn() -> G>,
}

impl<G, L: Default> Default for Token<G, L> {
    fn default() -> Self {
        Self { limits: L::default(), generics: PhantomData }
    }
}

impl<G, L: Clone> Clone for Token<G, L> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), generics: PhantomData }
    }
}

/// The type that goes over an edge of a pipeline.
pub struct Port<T>(PhantomData<fn() -> T>);

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Port<T> {}

/// The way in.
#[must_use]
pub fn port<T>() -> Port<T> {
    Port(PhantomData)
}

/// One edge: whether a stage takes what comes to it.
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` cannot take `{In}`, which is what the stage before it returns",
    label = "does not take `{In}`",
    note = "make the two types agree, or put a stage or a closure in between that turns one into the other"
)]
pub trait Fits<In>: Sized {
    /// `Self`. Where a stage does not fit, this is not known, and nothing that depends on it is reported as well.
    type This;
    /// What goes on to the next edge.
    type Out;

    /// Checks the edge.
    fn fits(port: Port<In>, stage: Self) -> (Self::This, Port<Self::Out>);
}

#[diagnostic::do_not_recommend]
impl<In, F: Accepts<In>> Fits<In> for F {
    type This = F;
    type Out = F::Out;

    fn fits(_: Port<In>, stage: F) -> (F, Port<F::Out>) {
        (stage, Port(PhantomData))
    }
}

/// A closure as a stage. It learns the type of its parameter from the edge.
pub fn closure<In, Out, F>(_: Port<In>, name: &'static str, function: F) -> (Closure<F>, Port<Out>)
where
    F: Fn(In) -> Out,
{
    (Closure { name, function }, Port(PhantomData))
}

/// `inspect(closure)` as a stage.
pub fn inspect<In, F>(port: Port<In>, name: &'static str, function: F) -> (Inspect<F>, Port<In>)
where
    F: Fn(&In),
{
    (Inspect { name, function }, port)
}

/// The pipeline that a checked chain makes.
pub fn finish<In, F>(_: Port<In>, stages: F) -> Pipeline<In, F> {
    Pipeline::new(stages)
}

/// A value on its way into a pipeline, `{ value }`.
pub struct Embed<T>(pub T);

/// A pipeline without a state of its own runs under that of the pipeline around it: only its stages go in.
impl<In, F> Embed<Pipeline<In, F>> {
    /// The stages.
    pub fn into_stage(self) -> F {
        self.0.into_stages()
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
    type Stage = T;

    fn into_stage(self) -> T {
        self.0
    }
}
