//! What `pipeline!` calls where a pipeline forks.
#![allow(clippy::must_use_candidate, clippy::unused_unit)] // Only macros call these; tuples of nothing are tuples, too.

use std::panic::Location;

use super::branch::Branch;
use super::checks::Text;
use super::first::First;
use super::lend::Lent;
use super::route::{OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8, Route};
use super::takes::{List, Takes};
use super::{Branches, Fork};
use crate::Chain;
use crate::edge::{Keep, Kept, Port};
use crate::footing::Named;
use crate::plan::{Plan, Slot};

/// The branch of a fork: its first step, and those that follow.
pub fn branch<F, R>(first: F, rest: Chain<R>) -> Branch<F, R> {
    Branch::new(first, rest)
}

/// The one value that goes into each branch.
pub fn alone<T>(_: Port<T>) -> Port<(T,)> {
    Port::new()
}

/// Several values as the arguments of a call.
pub fn list<P: Ports>(_: P) -> Port<P::List> {
    Port::new()
}

/// Several edges.
pub trait Ports {
    /// What goes over them, as a tuple.
    type List;
}

macro_rules! ports {
    ($($value:ident)*) => {
        impl<$($value),*> Ports for ($(Port<$value>,)*) {
            type List = ($($value,)*);
        }
    };
}

/// The values of a call as the one input that they are.
pub fn one<L: List>(_: Port<L>) -> Port<L::One> {
    Port::new()
}

/// A call of a graph in its place in the plan, and what it gives.
#[track_caller]
pub fn called<L: List, F: Takes<L>>(
    _: Port<L>,
    mut stage: F,
    plan: &mut Plan,
) -> (Kept<F::Out, F>, Port<F::Out>) {
    let before = plan.steps().len();
    stage.mount(plan);
    plan.describe::<L::One, F::Out>(before, Location::caller());
    (F::Out::keep(stage), Port::new())
}

/// How a stage has each of its values.
pub fn modes<L, F: Takes<L, Modes: Witness>>(_: &F, _: Port<L>) -> <F::Modes as Witness>::Ports {
    <F::Modes as Witness>::ports()
}

/// Several modes.
pub trait Witness {
    /// A port for each.
    type Ports;

    /// The ports.
    fn ports() -> Self::Ports;
}

macro_rules! witness {
    ($($mode:ident)*) => {
        impl<$($mode),*> Witness for ($($mode,)*) {
            type Ports = ($(Port<$mode>,)*);

            fn ports() -> Self::Ports {
                ($(Port::<$mode>::new(),)*)
            }
        }

        ports!($($mode)*);
    };
}

witness!();
witness!(A);
witness!(A B);
witness!(A B C);
witness!(A B C D);
witness!(A B C D E);
witness!(A B C D E F);
witness!(A B C D E F G);
witness!(A B C D E F G H);

/// That a value is lent.
pub fn lent() -> Port<Lent> {
    Port::new()
}

macro_rules! expressions {
    ($($expression:ident $last:ident: $($value:ident)*;)*) => {$(
        /// An expression in an argument: it looks at values.
        #[allow(clippy::too_many_arguments)]
        pub fn $expression<$($value,)* X, F: Fn($(&$value),*) -> X>($(_: Port<$value>,)* function: F) -> (F, Port<X>) {
            (function, Port::new())
        }

        /// The expression at the end: it has values for its own.
        #[allow(clippy::too_many_arguments)]
        pub fn $last<$($value,)* X, F: Fn($($value),*) -> X>($(_: Port<$value>,)* function: F) -> (F, Port<X>) {
            (function, Port::new())
        }
    )*};
}

expressions! {
    expression0 last0: ;
    expression1 last1: A;
    expression2 last2: A B;
    expression3 last3: A B C;
    expression4 last4: A B C D;
    expression5 last5: A B C D E;
    expression6 last6: A B C D E G;
    expression7 last7: A B C D E G H;
    expression8 last8: A B C D E G H I;
}

/// A text between quotes, as what the stage takes.
pub fn text<T: Text>(text: &'static str) -> T {
    T::__text(text)
}

/// A value from outside, of which each item gets a copy.
pub fn copy<T: Clone>(value: &T) -> T {
    value.clone()
}

/// The name of a fork for its own code: the `match` of a route, the expressions of a graph.
pub fn named(name: &'static str, slot: Slot) -> Named {
    Named { name, slot }
}

/// The type of a fork that was checked.
pub fn gives<In, B: Branches<In>>(_: Port<In>, branches: B) -> (Fork<B>, Port<B::Out>) {
    (Fork(branches), Port::new())
}

/// Branches that are tried in order.
pub fn first<B, const N: usize>(branches: B, heads: [Slot; N], end: Slot) -> First<B, N> {
    First::new(branches, heads, end)
}

/// Arms, of which an item takes one.
pub fn route<In, C, A, const N: usize>(
    _: Port<In>,
    place: Named,
    choose: C,
    arms: A,
    heads: [Slot; N],
    end: Slot,
) -> Route<In, C, A, N> {
    Route::new(place, choose, arms, heads, end)
}

/// The route behind the last arm of one that is too wide for a single one.
pub fn inner<B>(route: B) -> Fork<B> {
    Fork(route)
}

/// No mark: what goes by is counted elsewhere.
pub fn uncounted() -> Slot {
    Slot::NONE
}

/// The place of a `match` in the plan.
#[track_caller]
pub fn matches<In>(_: Port<In>, name: &'static str, plan: &mut Plan) -> Named {
    let before = plan.steps().len();
    let slot = plan.step(name);
    plan.describe::<In, In>(before, Location::caller());
    Named { name, slot }
}

macro_rules! choices {
    ($($choice:ident $one_of:ident: $($value:ident)*;)*) => {$(
        /// A `match`, and what goes into its arms.
        pub fn $choice<In, $($value,)* F: Fn(In) -> $one_of<$($value),*>>(_: Port<In>, choose: F) -> (F, ($(Port<$value>,)*)) {
            (choose, ($(Port::<$value>::new(),)*))
        }
    )*};
}

choices! {
    choice1 OneOf1: A;
    choice2 OneOf2: A B;
    choice3 OneOf3: A B C;
    choice4 OneOf4: A B C D;
    choice5 OneOf5: A B C D E;
    choice6 OneOf6: A B C D E G;
    choice7 OneOf7: A B C D E G H;
    choice8 OneOf8: A B C D E G H I;
}
