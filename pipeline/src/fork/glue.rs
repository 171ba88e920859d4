//! Functions for the code of `pipeline!` that builds and checks forks.
#![allow(clippy::must_use_candidate, clippy::unused_unit)] // Only macros call these; some tuples are empty.

use std::panic::Location;

use super::args::{ArgList, TakesArgs};
use super::branch::Branch;
use super::checks::Text;
use super::first::First;
use super::passing::Borrow;
use super::route::{OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8, Route};
use super::step::{Branches, Fork};
use crate::call::user_code::CodeSite;
use crate::chain::Chain;
use crate::error::step_id::StepId;
use crate::stage::edge::{EdgeType, Keep, Kept};
use crate::stage::plan::Plan;

/// A branch of a fork: its first step, and the steps after it.
pub fn branch<F, R>(first: F, rest: Chain<R>) -> Branch<F, R> {
    Branch::new(first, rest)
}

/// The input of each branch, as an argument list.
pub fn single_arg<T>(_: EdgeType<T>) -> EdgeType<(T,)> {
    EdgeType::new()
}

/// The argument list of several edges.
pub fn arg_list<P: Edges>(_: P) -> EdgeType<P::ArgList> {
    EdgeType::new()
}

/// A tuple of edges.
pub trait Edges {
    /// Their types, as a tuple.
    type ArgList;
}

macro_rules! edges {
    ($($value:ident)*) => {
        impl<$($value),*> Edges for ($(EdgeType<$value>,)*) {
            type ArgList = ($($value,)*);
        }
    };
}

/// The input of a call with these arguments.
pub fn as_input<L: ArgList>(_: EdgeType<L>) -> EdgeType<L::AsInput> {
    EdgeType::new()
}

/// Adds a call of a graph to the plan. Returns the stage and the edge after it.
#[track_caller]
pub fn register_call<L: ArgList, F: TakesArgs<L>>(
    _: EdgeType<L>,
    mut stage: F,
    plan: &mut Plan,
) -> (Kept<F::Out, F>, EdgeType<F::Out>) {
    let before = plan.steps().len();
    stage.register(plan);
    plan.describe::<L::AsInput, F::Out>(before, Location::caller());
    (F::Out::keep(stage), EdgeType::new())
}

/// How a stage receives each of its arguments.
pub fn modes<L, F: TakesArgs<L, ArgModes: ModeList>>(
    _: &F,
    _: EdgeType<L>,
) -> <F::ArgModes as ModeList>::Edges {
    <F::ArgModes as ModeList>::edges()
}

/// A tuple of modes.
pub trait ModeList {
    /// An edge for each mode.
    type Edges;

    /// The edges.
    fn edges() -> Self::Edges;
}

macro_rules! mode_list {
    ($($mode:ident)*) => {
        impl<$($mode),*> ModeList for ($($mode,)*) {
            type Edges = ($(EdgeType<$mode>,)*);

            fn edges() -> Self::Edges {
                ($(EdgeType::<$mode>::new(),)*)
            }
        }

        edges!($($mode)*);
    };
}

mode_list!();

mode_list!(A);

mode_list!(A B);

mode_list!(A B C);

mode_list!(A B C D);

mode_list!(A B C D E);

mode_list!(A B C D E F);

mode_list!(A B C D E F G);

mode_list!(A B C D E F G H);

/// The mode of a borrowed value.
pub fn borrow() -> EdgeType<Borrow> {
    EdgeType::new()
}

macro_rules! expressions {
    ($($expression:ident $last:ident: $($value:ident)*;)*) => {$(
        /// An expression as an argument. It takes values by reference.
        #[allow(clippy::too_many_arguments)]
        pub fn $expression<$($value,)* X, F: Fn($(&$value),*) -> X>($(_: EdgeType<$value>,)* function: F) -> (F, EdgeType<X>) {
            (function, EdgeType::new())
        }

        /// The last expression of a graph. It takes values by value.
        #[allow(clippy::too_many_arguments)]
        pub fn $last<$($value,)* X, F: Fn($($value),*) -> X>($(_: EdgeType<$value>,)* function: F) -> (F, EdgeType<X>) {
            (function, EdgeType::new())
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

/// A string literal as an argument.
pub fn text<T: Text>(text: &'static str) -> T {
    T::__text(text)
}

/// A clone of an outer variable, one per item.
pub fn copy<T: Clone>(value: &T) -> T {
    value.clone()
}

/// The name and the step of the user code of a fork: the `match` of a route, or the expressions of a graph.
pub fn code_site(name: &'static str, step: StepId) -> CodeSite {
    CodeSite { name, step }
}

/// A checked fork, and the edge after it.
pub fn finish_fork<In, B: Branches<In>>(_: EdgeType<In>, branches: B) -> (Fork<B>, EdgeType<B::Out>) {
    (Fork(branches), EdgeType::new())
}

/// Alternatives, tried in order until one succeeds.
pub fn first<B, const N: usize>(branches: B, heads: [StepId; N], end: StepId) -> First<B, N> {
    First::new(branches, heads, end)
}

/// A `match` with a branch per pattern.
pub fn route<In, C, A, const N: usize>(
    _: EdgeType<In>,
    site: CodeSite,
    choose: C,
    arms: A,
    heads: [StepId; N],
    end: StepId,
) -> Route<In, C, A, N> {
    Route::new(site, choose, arms, heads, end)
}

/// The second part of a route with too many arms, behind the last arm of the first part.
pub fn inner_route<B>(route: B) -> Fork<B> {
    Fork(route)
}

/// No mark, because the items are counted elsewhere.
pub fn uncounted() -> StepId {
    StepId::NONE
}

/// Adds a `match` to the plan.
#[track_caller]
pub fn matches<In>(_: EdgeType<In>, name: &'static str, plan: &mut Plan) -> CodeSite {
    let before = plan.steps().len();
    let step = plan.step(name);
    plan.describe::<In, In>(before, Location::caller());
    CodeSite { name, step }
}

macro_rules! choices {
    ($($choice:ident $one_of:ident: $($value:ident)*;)*) => {$(
        /// A `match`, and the edges into its arms.
        pub fn $choice<In, $($value,)* F: Fn(In) -> $one_of<$($value),*>>(_: EdgeType<In>, choose: F) -> (F, ($(EdgeType<$value>,)*)) {
            (choose, ($(EdgeType::<$value>::new(),)*))
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
