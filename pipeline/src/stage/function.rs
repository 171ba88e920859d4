//! What `#[stage]` says of a function: how to call it once, and how to call it again.

use std::future::Future;

use super::attribute::Policy;
use super::edge::EdgeType;
use crate::call::stage_context::StageContext;
use crate::error::causes::BoxError;
use crate::error::panic_origin::CallSite;

/// A function with `#[stage]`, which is what a path in [`pipeline!`](crate::pipeline!) names.
///
/// Only the attribute implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stage",
    label = "no `#[stage]` function of this name is in scope",
    note = "put `#[stage]` on the function, or import the one you mean; a value, such as another pipeline, goes in braces, `{{ value }}`"
)]
pub trait StageFn {
    /// What the function fails with.
    type Error: StageFailure;
    /// `Self`. Where this is not known, nothing that depends on it is reported as well.
    #[doc(hidden)]
    type __This;
    /// The policy.
    #[doc(hidden)]
    const __POLICY: Policy;

    /// The stage itself.
    #[doc(hidden)]
    fn __this(self) -> Self::__This;
}

/// A function that can be called with an input that is its own.
///
/// What it takes by reference is its own, or is lent to it in turn: see [`Held`](crate::fork::Held).
pub trait Function<In, S>: StageFn + Send + Sync {
    /// What it gives when all goes well.
    type Value;

    /// Calls it.
    fn call_once(
        &self,
        input: In,
        cx: StageContext<'_, S>,
        site: CallSite,
    ) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;

    /// Whether it makes sense to call it again after this error.
    fn retry_if(&self, _: &Self::Error) -> bool {
        true
    }

    /// How long whoever answered wants to be left alone.
    fn retry_after(&self, _: &Self::Error) -> Option<std::time::Duration> {
        None
    }
}

/// A function that can be called more than once with the same input.
pub trait Repeat<In, S>: Function<In, S> {
    /// The form in which the input is kept between attempts.
    type Kept: Send;
    /// The part of it that moves into the function, and that each attempt needs a copy of.
    type Moved: Send;

    /// Puts the input away.
    fn keep(input: In) -> Self::Kept;

    /// The part of what was kept that moves.
    fn moved(kept: &Self::Kept) -> &Self::Moved;

    /// Calls the function with what was kept, which stays as it is, and a copy of what moves.
    fn call_again(
        &self,
        kept: &Self::Kept,
        moved: Self::Moved,
        cx: StageContext<'_, S>,
        site: CallSite,
    ) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;

    /// Calls it for the last time.
    fn call_last(
        &self,
        kept: Self::Kept,
        cx: StageContext<'_, S>,
        site: CallSite,
    ) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;
}

/// What a stage's own attribute says of attempts: [`Single`], [`Retry`] or [`Split`].
pub trait Attempts<In> {
    /// Which of them.
    type Own;
    /// What is left of it without retries.
    type Single;

    /// The value of it.
    fn own() -> Self::Own;

    /// The value without retries.
    fn single() -> Self::Single;
}

/// Called as it is: there is no policy.
#[derive(Debug, Clone, Copy)]
pub struct Bare;

/// Attempted once.
#[derive(Debug, Clone, Copy)]
pub struct Single;

/// Attempted again when it fails, with copies made by this function of what moves.
pub struct Retry<Moved>(pub fn(&Moved) -> Moved);

impl<Moved> Clone for Retry<Moved> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Moved> Copy for Retry<Moved> {}

/// Attempted again in parts when it fails for good, with copies made by this function of what moves.
pub struct Split<Moved>(pub fn(&Moved) -> Moved);

impl<Moved> Clone for Split<Moved> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Moved> Copy for Split<Moved> {}

/// What a stage function returns where that is a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Result`, and it is not `std::result::Result`",
    label = "not a `Result` that a pipeline can look into",
    note = "return `Result<T, E>`, or an alias of it; or call the type by another name, and it is a value like any other"
)]
pub trait Returns {
    /// What comes out.
    type Value;
    /// What went wrong.
    type Error;
}

impl<T, E> Returns for Result<T, E> {
    type Value = T;
    type Error = E;
}

/// An input that each attempt of a stage gets a copy of: any that is `Clone`.
///
/// (`M` puts the question off until somebody retries: rustc takes a bound that mentions no parameter at its word.)
#[diagnostic::on_unimplemented(
    message = "a stage with retries needs its input for each attempt, and `{Self}` is not `Clone`",
    label = "not `Clone`",
    note = "take it by reference, `&{Self}`: what is lent needs no copies; or make it `Clone`"
)]
pub trait RetryInput<M = ()> {
    /// The copy.
    #[doc(hidden)]
    #[must_use]
    fn __clone_input(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone, M> RetryInput<M> for T {
    fn __clone_input(&self) -> Self {
        self.clone()
    }
}

/// What a stage can fail with: anything that turns into a `Box<dyn Error + Send + Sync>`.
#[diagnostic::on_unimplemented(
    message = "a stage cannot fail with `{Self}`, which does not turn into a `Box<dyn Error + Send + Sync>`",
    label = "not an error that can be handed over",
    note = "implement `std::error::Error` for it, or fail with `Box<dyn Error + Send + Sync>`, `anyhow::Error` or `String`"
)]
pub trait StageFailure {
    /// The error, whatever it was.
    #[doc(hidden)]
    fn __boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + Send> StageFailure for E {
    fn __boxed(self) -> BoxError {
        self.into()
    }
}

/// A stage that can be given retries where it is used: its inputs are lent to it, or are `Clone`.
pub trait Retryable<In, M = ()> {
    /// See `Repeat`.
    #[doc(hidden)]
    type __Moved;

    /// A copy of what moves.
    #[doc(hidden)]
    fn __copy(moved: &Self::__Moved) -> Self::__Moved;

    /// How the stage is attempted then: [`Retry`] or [`Split`].
    #[doc(hidden)]
    type __Strategy;

    /// The value of it.
    #[doc(hidden)]
    fn __strategy(_: EdgeType<In>, _: &Self) -> Self::__Strategy;
}
