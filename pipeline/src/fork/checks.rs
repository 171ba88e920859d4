//! What `pipeline!` asks of a fork, one question at a time, so that each mistake is told once and at its place.
//!
//! What a check gives back is said in terms of what it asks for: where the answer is no, rustc knows no type for it, and
//! reports nothing that depends on it.

use std::path::PathBuf;

use super::lend::{Lent, Mode, Moved};
use crate::edge::Port;

/// A stage that is called with `N` values.
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` does not take {N} values",
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
    note = "make the two types agree, or put a stage in between that turns one into the other"
)]
pub trait Parameter<const K: usize, T> {
    /// `T`.
    #[doc(hidden)]
    type __Same;

    /// The same value, which is taken.
    #[doc(hidden)]
    fn __takes(_: &Self, _: Port<T>) -> Port<Self::__Same> {
        Port::new()
    }
}

/// What comes into a graph that says what it takes.
#[diagnostic::on_unimplemented(
    message = "this graph takes `{T}`, and what comes here is `{Self}`",
    label = "does not take `{Self}`",
    note = "make the two types agree, or put a stage or a closure in between that turns one into the other"
)]
pub trait Arrives<T>: Sized {
    /// `T`.
    #[doc(hidden)]
    type __Same;

    /// The same edge.
    #[doc(hidden)]
    fn __arrives(_: Port<Self>) -> Port<Self::__Same> {
        Port::new()
    }
}

#[diagnostic::do_not_recommend]
impl<T> Arrives<T> for T {
    type __Same = T;
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

    /// The branch itself.
    #[doc(hidden)]
    fn __ends_as<B>(_: Port<T>, _: Port<Self>, branch: B) -> Self::__Kept<B>;
}

#[diagnostic::do_not_recommend]
impl<T> EndsAs<T> for T {
    type __Kept<B> = B;

    fn __ends_as<B>(_: Port<T>, _: Port<T>, branch: B) -> B {
        branch
    }
}

/// A value that a call can have as `M` says while others want it, too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is taken by several here, so each but the last needs a copy of its own, and it is not `Clone`",
    label = "takes a copy of the `{Self}`",
    note = "let the stage take it by reference: what is lent needs no copies; or make it `Clone`"
)]
pub trait Shared<M>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// What was checked.
    #[doc(hidden)]
    fn __shared<B>(_: Port<Self>, _: Port<M>, checked: B) -> Self::__Kept<B>;
}

#[diagnostic::do_not_recommend]
impl<T> Shared<Lent> for T {
    type __Kept<B> = B;

    fn __shared<B>(_: Port<T>, _: Port<Lent>, checked: B) -> B {
        checked
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Shared<Moved> for T {
    type __Kept<B> = B;

    fn __shared<B>(_: Port<T>, _: Port<Moved>, checked: B) -> B {
        checked
    }
}

/// A value that the last call can have as `M` says beside others, who together have it as `C`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is lent to another stage at the same time, so this one needs a copy of its own, and it is not `Clone`",
    label = "takes a copy of the `{Self}`",
    note = "let the stage take it by reference, too; or make it `Clone`; or let this call wait for what the other one gives"
)]
pub trait Given<M, C>: Sized {
    /// `B`.
    #[doc(hidden)]
    type __Kept<B>;

    /// What was checked.
    #[doc(hidden)]
    fn __given<B, O>(_: Port<Self>, _: Port<M>, others: O, checked: B) -> Self::__Kept<B>
    where
        O: Others<Self, Company = C>;
}

macro_rules! given {
    ($([$($bound:tt)*] $mode:ty, $company:ty;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($bound)*> Given<$mode, $company> for T {
            type __Kept<B> = B;

            fn __given<B, O>(_: Port<T>, _: Port<$mode>, _: O, checked: B) -> B
            where
                O: Others<T, Company = $company>,
            {
                checked
            }
        }
    )*};
}

given! {
    [T, C] Lent, C;
    [T] Moved, Moved;
    [T: Clone] Moved, Lent;
}

/// How others have a value: `(Port<Lent>, (Port<Moved>, ()))`.
pub trait Others<T> {
    /// How they have it together.
    type Company;
}

impl<T> Others<T> for () {
    type Company = Moved;
}

impl<T, M: Mode<T>, R: Others<T>> Others<T> for (Port<M>, R) {
    type Company = M::With<R::Company>;
}

/// A value that a pattern of `N` names takes apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of {N}, and these are {N} names",
    label = "takes a tuple of {N} apart",
    note = "a pattern in a graph is a name, `_`, or a tuple of them"
)]
pub trait Apart<const N: usize>: Sized {
    /// The types of its parts.
    #[doc(hidden)]
    type __Parts;

    /// Takes it apart.
    #[doc(hidden)]
    fn __apart(_: Port<Self>) -> Self::__Parts;
}

macro_rules! apart {
    ($count:literal: $($part:ident)*) => {
        impl<$($part),*> Apart<$count> for ($($part,)*) {
            type __Parts = ($(Port<$part>,)*);

            fn __apart(_: Port<Self>) -> Self::__Parts {
                ($(Port::<$part>::new(),)*)
            }
        }
    };
}

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
