//! The compile-time checks of a fork, one trait per check, so that rustc reports each mistake once and at its location.
//!
//! The return type of a check is a projection of the checked trait. If the check fails, rustc does not know the type, and
//! reports no error that depends on it.

use std::path::PathBuf;

use super::passing::{Borrow, Move};
use crate::stage::edge::{EdgeType, Keep, Kept};

/// A stage that takes `N` arguments.
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` does not take {N} arguments",
    label = "is called with {N} here",
    note = "a call in a graph has one argument for each input of the stage; what comes from the state or the context is not written"
)]
pub trait Arity<const N: usize> {
    /// `Self`.
    #[doc(hidden)]
    type __This;

    /// The stage itself.
    #[doc(hidden)]
    fn __arity(self) -> Self::__This;
}

/// A stage whose argument `K`, counted from 0, is a `T`.
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` does not take `{T}` here",
    label = "is `{T}`",
    note = "make the two types agree, or put a stage in between that turns one into the other; for a stage that takes `&str` pass a `String`, for `&[T]` a `Vec<T>`; bind the output of a stage first, `let user = fetch_user(id);`"
)]
pub trait Parameter<const K: usize, T> {
    /// `T`.
    #[doc(hidden)]
    type __Same;

    /// The stage and the edge. The edge is the first parameter: otherwise rustc would infer its type from the only impl for the
    /// stage, and report the mismatch at the edge.
    #[doc(hidden)]
    fn __takes(_: EdgeType<T>, stage: Self) -> (Kept<Self::__Same, Self>, EdgeType<Self::__Same>)
    where
        Self: Sized,
    {
        (<Self::__Same as Keep<Self>>::keep(stage), EdgeType::new())
    }
}

/// The declared input type of a graph.
#[diagnostic::on_unimplemented(
    message = "this graph takes `{Self}`, but its input is `{In}`",
    label = "does not take `{In}`",
    note = "make the two types agree, or put a stage or a closure in between that turns one into the other"
)]
pub trait GraphInput<In>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The same edge. The type of the graph is the second parameter: otherwise rustc would infer the type of the edge from it,
    /// and report the mismatch at the edge.
    #[doc(hidden)]
    fn __accept(_: EdgeType<In>, _: EdgeType<Self>) -> Self::__Kept<EdgeType<Self>>;

    /// The graph itself.
    #[doc(hidden)]
    fn __kept<B>(_: EdgeType<In>, _: EdgeType<Self>, graph: B) -> Self::__Kept<B>;
}

#[diagnostic::do_not_recommend]
impl<In> GraphInput<In> for In {
    type __Kept<B> = B;

    fn __accept(edge: EdgeType<In>, _: EdgeType<In>) -> EdgeType<In> {
        edge
    }

    fn __kept<B>(_: EdgeType<In>, _: EdgeType<In>, graph: B) -> B {
        graph
    }
}

/// The output of a branch, which must have the type `T` of the first branch.
#[diagnostic::on_unimplemented(
    message = "this branch returns `{Self}`, but the first one returns `{T}`",
    label = "returns `{Self}`, not `{T}`",
    note = "an item takes one of the branches, so all of them end in one type: turn this into `{T}`, or make an enum of what can come out"
)]
pub trait EndsAs<T>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The branch itself, and the edge that the next branch is checked against.
    #[doc(hidden)]
    fn __ends_as<B>(
        first: EdgeType<T>,
        _: EdgeType<Self>,
        branch: B,
    ) -> (Self::__Kept<B>, Self::__Kept<EdgeType<T>>);
}

#[diagnostic::do_not_recommend]
impl<T> EndsAs<T> for T {
    type __Kept<B> = B;

    fn __ends_as<B>(first: EdgeType<T>, _: EdgeType<T>, branch: B) -> (B, EdgeType<T>) {
        (branch, first)
    }
}

/// A value that is cloned for a call, because other calls use it too.
///
/// Implemented for `(T,)` and not for `T`; otherwise rustc would suggest to borrow the value, because references are `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{T}` has several consumers here, so each but the last needs a clone, and it is not `Clone`",
    label = "takes a copy of the `{T}`",
    note = "take it by reference in the stage: a borrowed value is not cloned; or make it `Clone`"
)]
pub trait CloneToShare<T>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The checked value, and the edge for the next call.
    #[doc(hidden)]
    fn __share<V, B>(
        _: EdgeType<T>,
        _: EdgeType<Self>,
        value: EdgeType<V>,
        checked: B,
    ) -> (Self::__Kept<B>, Self::__Kept<EdgeType<V>>);
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneToShare<T> for (T,) {
    type __Kept<B> = B;

    fn __share<V, B>(_: EdgeType<T>, _: EdgeType<Self>, value: EdgeType<V>, checked: B) -> (B, EdgeType<V>) {
        (checked, value)
    }
}

// With a second candidate impl, rustc checks `Clone` before it selects the first. Without `Clone`, it then does not know the
// associated type, and reports no error that depends on it.
#[diagnostic::do_not_recommend]
impl<T> CloneToShare<T> for (T,)
where
    (T,): Unsatisfiable,
{
    type __Kept<B> = B;

    fn __share<V, B>(_: EdgeType<T>, _: EdgeType<Self>, value: EdgeType<V>, checked: B) -> (B, EdgeType<V>) {
        (checked, value)
    }
}

/// A value that is cloned for its last consumer, because other calls borrow it concurrently.
#[diagnostic::on_unimplemented(
    message = "`{T}` is borrowed by a concurrent call, so this one needs a clone, and it is not `Clone`",
    label = "takes a copy of the `{T}`",
    note = "take it by reference here too; or make it `Clone`; or use the output of the other call here, so that this one runs after it"
)]
pub trait CloneWhileBorrowed<T>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The checked value.
    #[doc(hidden)]
    fn __take<B>(_: EdgeType<T>, _: EdgeType<Self>, checked: B) -> Self::__Kept<B>;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneWhileBorrowed<T> for (T,) {
    type __Kept<B> = B;

    fn __take<B>(_: EdgeType<T>, _: EdgeType<Self>, checked: B) -> B {
        checked
    }
}

// With a second candidate impl, rustc checks `Clone` before it selects the first. Without `Clone`, it then does not know the
// associated type, and reports no error that depends on it.
#[diagnostic::do_not_recommend]
impl<T> CloneWhileBorrowed<T> for (T,)
where
    (T,): Unsatisfiable,
{
    type __Kept<B> = B;

    fn __take<B>(_: EdgeType<T>, _: EdgeType<Self>, checked: B) -> B {
        checked
    }
}

/// A trait without impls.
pub trait Unsatisfiable {}

/// How a call receives a value that other calls use too.
pub trait CopiedAs {
    /// The type that must be cloned: `T` or `()`.
    type Copied<T>;
}

impl CopiedAs for Borrow {
    type Copied<T> = ();
}

impl CopiedAs for Move {
    type Copied<T> = T;
}

/// How concurrent calls receive the value: `(EdgeType<Borrow>, (EdgeType<Move>, ()))`.
pub trait ConcurrentUses {
    /// The type that they borrow: `T` or `()`.
    type Borrowed<T>;
}

impl ConcurrentUses for () {
    type Borrowed<T> = ();
}

impl<R: ConcurrentUses> ConcurrentUses for (EdgeType<Borrow>, R) {
    type Borrowed<T> = T;
}

impl<R: ConcurrentUses> ConcurrentUses for (EdgeType<Move>, R) {
    type Borrowed<T> = R::Borrowed<T>;
}

impl<T> EdgeType<T> {
    /// The type that must be cloned for a call that receives the value as `M`.
    #[must_use]
    pub fn copied<M: CopiedAs>(self, _: EdgeType<M>) -> EdgeType<M::Copied<T>> {
        EdgeType::new()
    }

    /// The type that concurrent calls borrow.
    #[must_use]
    pub fn borrowed<O: ConcurrentUses>(self, _: O) -> EdgeType<O::Borrowed<T>> {
        EdgeType::new()
    }
}

/// A tuple that a pattern of `N` names destructures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of {N}, and the pattern has {N} names",
    label = "takes a tuple of {N} apart",
    note = "write a name for each part, or one name for the whole"
)]
pub trait Destructure<const N: usize>: Sized {
    /// The types of the elements.
    #[doc(hidden)]
    type __Parts;
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The checked value, and the elements.
    #[doc(hidden)]
    fn __destructure<B>(_: EdgeType<Self>, checked: B) -> (Self::__Kept<B>, Self::__Parts);
}

macro_rules! destructure {
    ($count:literal: $($part:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($part),*> Destructure<$count> for ($($part,)*) {
            type __Parts = ($(EdgeType<$part>,)*);
            type __Kept<Checked> = Checked;

            fn __destructure<Checked>(_: EdgeType<Self>, checked: Checked) -> (Checked, Self::__Parts) {
                (checked, ($(EdgeType::<$part>::new(),)*))
            }
        }
    };
}

destructure!(0:);

destructure!(1: A);

destructure!(2: A B);

destructure!(3: A B C);

destructure!(4: A B C D);

destructure!(5: A B C D E);

destructure!(6: A B C D E F);

destructure!(7: A B C D E F G);

destructure!(8: A B C D E F G H);

/// An argument type for a string literal. For a stage that takes `&str`, the argument is a `String`.
#[diagnostic::on_unimplemented(
    message = "a string literal is not a `{Self}`",
    label = "is a text",
    note = "write an expression that gives what the stage takes"
)]
pub trait Text: Sized {
    /// Converts the literal.
    #[doc(hidden)]
    fn __text(text: &'static str) -> Self;
}

macro_rules! text {
    ($($ty:ty)*) => {$(
        impl Text for $ty {
            fn __text(text: &'static str) -> Self {
                text.into()
            }
        }
    )*};
}

text!(String &'static str PathBuf Box<str> std::sync::Arc<str> std::borrow::Cow<'static, str>);

/// A function that an expression in a graph may call: any that is not a stage.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a stage, and within an expression it would be called as a plain function, without its policy",
    label = "called within an expression",
    note = "bind its output first, `let user = fetch_user(id);`: that calls the stage"
)]
pub trait CalledInExpression: Sized {
    /// Does nothing.
    #[doc(hidden)]
    fn __plain(self) {}
}

/// A function that a closure with a block of `let`s may call: any that is not a stage.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a stage, and within a closure it would be called as a plain function, without its policy",
    label = "called within a closure",
    note = "a graph says what it takes, and in a chain it stands in parentheses: `a => (|id: UserId| {{ let user = fetch_user(id); … }}) => b`"
)]
pub trait CalledInClosure: Sized {
    /// Does nothing.
    #[doc(hidden)]
    fn __plain(self) {}
}

/// The stand-in for a function that is not a stage.
#[derive(Debug, Clone, Copy)]
pub struct PlainFunction(());

#[diagnostic::do_not_recommend]
impl CalledInExpression for PlainFunction {}

#[diagnostic::do_not_recommend]
impl CalledInClosure for PlainFunction {}
