//! The traits that `#[stage]` implements for a function, and the strategies for its calls.

use std::future::Future;
use std::marker::PhantomData;

use super::attribute::Policy;
use super::edge::EdgeType;
use crate::call::stage_context::StageContext;
use crate::error::causes::BoxError;
use crate::error::panic_origin::CallSite;

/// A function with `#[stage]`: a step of [`pipeline!`](crate::pipeline!) that is a path.
///
/// Only `#[stage]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stage",
    label = "no `#[stage]` function of this name is in scope",
    note = "put `#[stage]` on the function, or import the one you mean; a value, such as another pipeline, goes in braces, `{{ value }}`"
)]
pub trait StageFn {
    /// The error of the function.
    type Error: StageFailure;
    /// `Self`. If rustc does not know it, it reports no error that depends on it.
    #[doc(hidden)]
    type __This;
    /// The policy.
    #[doc(hidden)]
    const __POLICY: Policy;

    /// The stage itself.
    #[doc(hidden)]
    fn __this(self) -> Self::__This;
}

/// Asks a closure about an error.
#[inline]
pub fn decide<E, R, F>(error: &E, predicate: F) -> R
where
    F: FnOnce(&E) -> R,
{
    predicate(error)
}

/// What all types have in the place of the function that makes a stage, so that one that is none is reported as such.
pub trait AnyType: Sized {
    /// A policy that no check refuses.
    const __POLICY: Policy = Policy::ANY;

    /// Never called: the value is not a stage, so it does not compile.
    #[must_use]
    fn stage() -> Self {
        unreachable!("what is no stage does not compile")
    }
}

impl<T> AnyType for T {}

/// A function that can be called with an input.
///
/// An argument that the function takes by reference is passed as a value or as a reference: see
/// [`Borrowed`](crate::fork::passing::Borrowed).
pub trait Function<In, S>: StageFn + Send + Sync {
    /// The output on success.
    type Value;

    /// Calls the function.
    fn call_once(
        &self,
        input: In,
        cx: StageContext<'_, S>,
        site: CallSite,
    ) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;

    /// Whether the call can be retried after this error.
    fn retry_if(&self, _: &Self::Error) -> bool {
        true
    }

    /// Whether a batch that failed with this error is worth a split.
    fn split_if(&self, _: &Self::Error) -> bool {
        true
    }

    /// The delay that the server asked for.
    fn retry_after(&self, _: &Self::Error) -> Option<std::time::Duration> {
        None
    }
}

/// A function that can be called more than once with the same input.
pub trait Repeat<In, S>: Function<In, S> {
    /// The arguments that the function takes by reference. They are kept until the last attempt ends.
    type Borrowed: Send + Sync;
    /// The arguments that are moved into the function. Each attempt needs a clone of them, the last one excepted.
    type Moved: Send;

    /// Splits the input into its borrowed and its moved arguments.
    fn split(input: In) -> (Self::Borrowed, Self::Moved);

    /// Calls the function.
    fn call_again(
        &self,
        borrowed: &Self::Borrowed,
        moved: Self::Moved,
        cx: StageContext<'_, S>,
        site: CallSite,
    ) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;
}

/// The strategy in the attribute of a stage: [`Single`], [`Retry`] or [`Split`].
pub trait Attempts<In> {
    /// The strategy.
    type Own;
    /// The strategy without retries.
    type Single;

    /// The value of the strategy.
    fn own() -> Self::Own;

    /// The value of the strategy without retries.
    fn single() -> Self::Single;
}

/// The stage has no policy.
#[derive(Debug, Clone, Copy)]
pub struct Bare;

/// The call has one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Single;

/// The call has retries. The function clones the moved arguments.
pub struct Retry<Moved>(pub fn(&Moved) -> Moved);

impl<Moved> Clone for Retry<Moved> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Moved> Copy for Retry<Moved> {}

/// A batch that still fails after its retries is halved. The function clones the moved arguments.
pub struct Split<Moved>(pub fn(&Moved) -> Moved);

impl<Moved> Clone for Split<Moved> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Moved> Copy for Split<Moved> {}

/// The return type of a stage function that returns a `Result`.
#[diagnostic::on_unimplemented(
    message = "a fallible stage returns `std::result::Result`, and `{Self}` is another type",
    label = "not a `std::result::Result`",
    note = "return `Result<T, E>`, or an alias of it; or, to return this type as a value, remove `fallible`, and give the type another name than `Result`"
)]
pub trait Returns {
    /// The output.
    type Value;
    /// The error.
    type Error;
    /// That it is a `Result`, as a value.
    #[doc(hidden)]
    const CHECKED: usize = 0;
}

impl<T, E> Returns for Result<T, E> {
    type Value = T;
    type Error = E;
}

/// A return type that was checked by the constant `<R as Returns>::CHECKED`: if there is none, this type is an error, which is
/// reported once, and nothing that depends on it is.
pub struct CheckedResult<R, const CHECKED: usize>(PhantomData<R>);

impl<T, E> Returns for CheckedResult<Result<T, E>, 0> {
    type Value = T;
    type Error = E;
}

impl<T, E> CheckedResult<Result<T, E>, 0> {
    /// What the function returned.
    ///
    /// # Errors
    ///
    /// Returns the error of the function.
    #[inline]
    pub fn result(returned: Result<T, E>) -> Result<T, E> {
        returned
    }
}

/// An input that is cloned for each attempt.
///
/// `M` defers the check until the stage is used with retries: rustc checks a bound without parameters immediately.
#[diagnostic::on_unimplemented(
    message = "a stage with retries needs its input for each attempt, and `{Self}` is not `Clone`",
    label = "not `Clone`",
    note = "take it by reference, `&{Self}`: a borrowed input is not cloned; or make it `Clone`"
)]
pub trait RetryInput<M = ()> {
    /// The clone.
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

/// The error of a stage: any type that converts into a `Box<dyn Error + Send + Sync>`.
#[diagnostic::on_unimplemented(
    message = "a stage cannot fail with `{Self}`, which does not convert into `Box<dyn Error + Send + Sync>`",
    label = "not an error that can be handed over",
    note = "implement `std::error::Error` for it, or fail with `Box<dyn Error + Send + Sync>`, `anyhow::Error` or `String`"
)]
pub trait StageFailure {
    /// The error, boxed.
    #[doc(hidden)]
    fn __boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + Send> StageFailure for E {
    fn __boxed(self) -> BoxError {
        self.into()
    }
}

/// A stage that can be overridden with retries: it takes each input by reference, or the input is `Clone`.
pub trait Retryable<In, M = ()> {
    /// See `Repeat`.
    #[doc(hidden)]
    type __Moved;

    /// A clone of the moved arguments.
    #[doc(hidden)]
    fn __copy(moved: &Self::__Moved) -> Self::__Moved;

    /// The strategy with retries: [`Retry`] or [`Split`].
    #[doc(hidden)]
    type __Strategy;

    /// The value of the strategy.
    #[doc(hidden)]
    fn __strategy(_: EdgeType<In>, _: &Self) -> Self::__Strategy;
}
