//! Checks that no output, no item and no return value is a `Result` or a future by accident.
//!
//! Rust has no bound "is not a `Result`". Each trait here has one impl for all types, and a second one for those to refuse.
//! Its parameter is inferred from an integer literal: where one impl fits, that decides it; where both fit, nothing does, so
//! rustc falls back to `i32`, for which there is no impl, and reports our message. It does so at the end of the function, when
//! all types are known. The types that rustc itself falls back to, at the same moment, are allowed either way.

use std::future::Future;
use std::marker::PhantomData;

use super::edge::EdgeType;

/// The impls of one of the traits, which refuses what implements `$refused`.
macro_rules! refuse {
    ($check:ident: $refused:path) => {
        #[diagnostic::do_not_recommend]
        impl<T: ?Sized> $check<u8> for T {}

        #[diagnostic::do_not_recommend]
        impl<T: $refused> $check<u16> for T {}

        #[diagnostic::do_not_recommend]
        impl $check<i32> for i32 {}

        #[diagnostic::do_not_recommend]
        impl $check<i32> for f64 {}

        #[diagnostic::do_not_recommend]
        impl $check<i32> for () {}

        #[diagnostic::do_not_recommend]
        impl $check<i32> for Never {}
    };
}

/// Whether a type that is known where the stage is declared is a future.
pub struct IsFuture<T: ?Sized>(PhantomData<T>);

impl<T: Future + ?Sized> IsFuture<T> {
    /// Found before the constant of [`NoFuture`].
    pub const ANSWER: bool = true;
}

/// The answer for all other types.
pub trait NoFuture {
    /// See [`IsFuture`].
    const ANSWER: bool = false;
}

impl<T: ?Sized> NoFuture for IsFuture<T> {}

trait AnyResult {}

impl<T, E> AnyResult for Result<T, E> {}

/// `!`, which has no name yet.
type Never = <fn() -> ! as ReturnType>::Returned;

trait ReturnType {
    type Returned;
}

impl<T> ReturnType for fn() -> T {
    type Returned = T;
}

/// The output of a pipeline is not a `Result`.
#[diagnostic::on_unimplemented(
    message = "this pipeline returns `{Self}`: its failures would count as outputs",
    label = "returns a `Result` as a value",
    note = "write `try |…| …`, and its error fails the item; or write the return type, `|…| -> Result<…> {{ … }}`, and the `Result` is the output"
)]
pub trait NotAResult<Kind> {
    /// Checks the type of an edge.
    #[doc(hidden)]
    fn __check(_: EdgeType<Self>, _: Kind)
    where
        Self: Sized,
    {
    }
}

refuse!(NotAResult: AnyResult);

/// The output of a pipeline is not a future.
#[diagnostic::on_unimplemented(
    message = "this pipeline returns a future, which nobody would poll",
    label = "returns a future",
    note = "end with a step that awaits it: a closure with an async block, `|task| async move {{ task.await }}`, or an `async fn`"
)]
pub trait NotAFuture<Kind> {
    /// Checks the type of an edge.
    #[doc(hidden)]
    fn __check(_: EdgeType<Self>, _: Kind)
    where
        Self: Sized,
    {
    }
}

refuse!(NotAFuture: Future);

/// What `each` takes is not a `Result`.
#[diagnostic::on_unimplemented(
    message = "`each` takes the items out of a collection, and `{Self}` is a `Result`: its failures would vanish",
    label = "would drop each `Err`",
    note = "write `try |…| …` in the step before, and its error fails the item"
)]
pub trait NotAResultOfItems<Kind> {
    /// Checks the type of an edge.
    #[doc(hidden)]
    fn __check(_: EdgeType<Self>, _: Kind)
    where
        Self: Sized,
    {
    }
}

refuse!(NotAResultOfItems: AnyResult);

/// The return type of an infallible stage is not a `Result`.
#[diagnostic::on_unimplemented(
    message = "this stage returns `{Self}` under another name: its failures would count as outputs",
    label = "is a `Result`",
    note = "write `#[stage(fallible)]`, or the return type as `Result<…>`"
)]
pub trait ReturnsNoResult<Kind> {
    /// Checks the type of an edge.
    #[doc(hidden)]
    fn __check(_: EdgeType<Self>, _: Kind)
    where
        Self: Sized,
    {
    }
}

refuse!(ReturnsNoResult: AnyResult);
