//! What `pipeline!` asks of a fork, one question at a time, so that each mistake is told once and at its place.
//!
//! What a check gives back is said in terms of what it asks for: where the answer is no, rustc knows no type for it, and
//! reports nothing that depends on it.

use std::path::PathBuf;

use super::passing::Borrow;
use super::passing::Move;
use crate::stage::edge::EdgeType;
use crate::stage::edge::Keep;
use crate::stage::edge::Kept;

/// A stage that is called with `N` values.
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` takes another number of values than {N}",
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

/// A stage whose input `K`, counted from 0, is a `T`.
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` does not take `{T}` here",
    label = "is `{T}`",
    note = "make the two types agree, or put a stage in between that turns one into the other; a stage of references keeps what they refer to, a `String` for `&str`, a `Vec<T>` for `&[T]`; what a stage gives has a name first, `let user = fetch_user(id);`"
)]
pub trait Parameter<const K: usize, T> {
    /// `T`.
    #[doc(hidden)]
    type __Same;

    /// The stage and the value. (The value comes first: rustc would tell from the only impl what the stage takes, and then
    /// find fault with the port.)
    #[doc(hidden)]
    fn __takes(_: EdgeType<T>, stage: Self) -> (Kept<Self::__Same, Self>, EdgeType<Self::__Same>)
    where
        Self: Sized,
    {
        (<Self::__Same as Keep<Self>>::keep(stage), EdgeType::new())
    }
}

/// What a graph says that it takes.
#[diagnostic::on_unimplemented(
    message = "this graph takes `{Self}`, and what comes here is `{In}`",
    label = "does not take `{In}`",
    note = "make the two types agree, or put a stage or a closure in between that turns one into the other"
)]
pub trait GraphInput<In>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The same edge. (The graph's type comes second: rustc would tell from it what comes here, and then find fault with the
    /// port.)
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

/// The output of a branch that ends in the same type as the first one.
#[diagnostic::on_unimplemented(
    message = "this branch ends in `{Self}`, and the first one in `{T}`",
    label = "ends in `{Self}`, not in `{T}`",
    note = "an item takes one of the branches, so all of them end in one type: turn this into `{T}`, or make an enum of what can come out"
)]
pub trait EndsAs<T>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// The branch itself, and what the next one is held against.
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

/// A value of which a call has a copy, as others want it, too.
///
/// Not of the `T` itself, or rustc would advise to lend it, as a reference can be copied.
#[diagnostic::on_unimplemented(
    message = "`{T}` is taken by several here, so each but the last needs a copy of its own, and it is not `Clone`",
    label = "takes a copy of the `{T}`",
    note = "let the stage take it by reference: what is lent needs no copies; or make it `Clone`"
)]
pub trait CloneToShare<T>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// What was checked, and what the next one has of the value.
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

// Beside another impl that could be meant, rustc asks for `Clone` before it takes the first, and where there is none it knows
// no type for what depends on it.
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

/// A value of which the last call has a copy, as others borrow it at the same time.
#[diagnostic::on_unimplemented(
    message = "`{T}` is lent to another stage at the same time, so this one needs a copy of its own, and it is not `Clone`",
    label = "takes a copy of the `{T}`",
    note = "let the stage take it by reference, too; or make it `Clone`; or let this call wait for what the other one gives"
)]
pub trait CloneWhileBorrowed<T>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// What was checked.
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

// Beside another impl that could be meant, rustc asks for `Clone` before it takes the first, and where there is none it knows
// no type for what depends on it.
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

/// What nothing is.
pub trait Unsatisfiable {}

/// The way in which a call has a value that others want, too.
pub trait CopiedAs {
    /// What it needs a copy of: the value, or nothing.
    type Copied<T>;
}

impl CopiedAs for Borrow {
    type Copied<T> = ();
}

impl CopiedAs for Move {
    type Copied<T> = T;
}

/// The ways in which others have it at the same time: `(EdgeType<Borrow>, (EdgeType<Move>, ()))`.
pub trait ConcurrentUses {
    /// What cannot be moved away from them: the value, or nothing.
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
    /// What a call needs a copy of that has the value as `M` says.
    #[must_use]
    pub fn copied<M: CopiedAs>(self, _: EdgeType<M>) -> EdgeType<M::Copied<T>> {
        EdgeType::new()
    }

    /// What others borrow while a call has the value.
    #[must_use]
    pub fn borrowed<O: ConcurrentUses>(self, _: O) -> EdgeType<O::Borrowed<T>> {
        EdgeType::new()
    }
}

/// A value that a pattern of `N` names takes apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of {N}, and these are {N} names",
    label = "takes a tuple of {N} apart",
    note = "write a name for each part, or one name for the whole"
)]
pub trait Destructure<const N: usize>: Sized {
    /// The types of its parts.
    #[doc(hidden)]
    type __Parts;
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// TakesArgs it apart; and what was checked.
    #[doc(hidden)]
    fn __destructure<B>(_: EdgeType<Self>, checked: B) -> (Self::__Kept<B>, Self::__Parts);
}

macro_rules! apart {
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

apart!(0:);

apart!(1: A);

apart!(2: A B);

apart!(3: A B C);

apart!(4: A B C D);

apart!(5: A B C D E);

apart!(6: A B C D E F);

apart!(7: A B C D E F G);

apart!(8: A B C D E F G H);

/// What a text between quotes can be as an argument: a stage of `&str` keeps a `String`.
#[diagnostic::on_unimplemented(
    message = "a text is not a `{Self}`",
    label = "is a text",
    note = "write an expression that gives what the stage takes"
)]
pub trait Text: Sized {
    /// The text.
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

/// A function that an expression in a graph may call: any that is no stage.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a stage, and within an expression it would be called as a plain function, without its policy",
    label = "called within an expression",
    note = "give what it returns a name first, `let user = fetch_user(id);`: that is a call of the stage"
)]
pub trait CalledInExpression: Sized {
    /// Nothing.
    #[doc(hidden)]
    fn __plain(self) {}
}

/// A function that a closure with a block of `let`s may call: any that is no stage.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a stage, and within a closure it would be called as a plain function, without its policy",
    label = "called within a closure",
    note = "a graph says what it takes, and in a chain it stands in parentheses: `a => (|id: UserId| {{ let user = fetch_user(id); … }}) => b`"
)]
pub trait CalledInClosure: Sized {
    /// Nothing.
    #[doc(hidden)]
    fn __plain(self) {}
}

/// What a function is that is no stage.
#[derive(Debug, Clone, Copy)]
pub struct PlainFunction(());

#[diagnostic::do_not_recommend]
impl CalledInExpression for PlainFunction {}

#[diagnostic::do_not_recommend]
impl CalledInClosure for PlainFunction {}
