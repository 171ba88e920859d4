//! What `pipeline!` calls where a pipeline forks.
#![allow(clippy::must_use_candidate, clippy::unused_unit)] // Only macros call these; tuples of nothing are tuples, too.

use std::panic::Location;

use super::args::ArgList;
use super::args::TakesArgs;
use super::branch::Branch;
use super::checks::Text;
use super::first::First;
use super::passing::Borrow;
use super::route::OneOf1;
use super::route::OneOf2;
use super::route::OneOf3;
use super::route::OneOf4;
use super::route::OneOf5;
use super::route::OneOf6;
use super::route::OneOf7;
use super::route::OneOf8;
use super::route::Route;
use super::step::Branches;
use super::step::Fork;
use crate::call::user_code::CodeSite;
use crate::chain::Chain;
use crate::error::step_id::StepId;
use crate::stage::edge::EdgeType;
use crate::stage::edge::Keep;
use crate::stage::edge::Kept;
use crate::stage::plan::Plan;

/// The branch of a fork: its first step, and those that follow.
pub fn branch<F, R>(first: F, rest: Chain<R>) -> Branch<F, R> {
    Branch::new(first, rest)
}

/// The one value that goes into each branch.
pub fn single_arg<T>(_: EdgeType<T>) -> EdgeType<(T,)> {
    EdgeType::new()
}

/// Several values as the arguments of a call.
pub fn arg_list<P: Edges>(_: P) -> EdgeType<P::ArgList> {
    EdgeType::new()
}

/// Several edges.
pub trait Edges {
    /// What goes over them, as a tuple.
    type ArgList;
}

macro_rules! edges {
    ($($value:ident)*) => {
        impl<$($value),*> Edges for ($(EdgeType<$value>,)*) {
            type ArgList = ($($value,)*);
        }
    };
}

/// The values of a call as the one input that they are.
pub fn as_input<L: ArgList>(_: EdgeType<L>) -> EdgeType<L::AsInput> {
    EdgeType::new()
}

/// A call of a graph in its place in the plan, and what it gives.
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

/// How a stage has each of its values.
pub fn modes<L, F: TakesArgs<L, ArgModes: ModeList>>(
    _: &F,
    _: EdgeType<L>,
) -> <F::ArgModes as ModeList>::Edges {
    <F::ArgModes as ModeList>::edges()
}

/// Several modes.
pub trait ModeList {
    /// A port for each.
    type Edges;

    /// The edges.
    fn edges() -> Self::Edges;
}

macro_rules! witness {
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
pub fn borrow() -> EdgeType<Borrow> {
    EdgeType::new()
}

macro_rules! expressions {
    ($($expression:ident $last:ident: $($value:ident)*;)*) => {$(
        /// An expression in an argument: it looks at values.
        #[allow(clippy::too_many_arguments)]
        pub fn $expression<$($value,)* X, F: Fn($(&$value),*) -> X>($(_: EdgeType<$value>,)* function: F) -> (F, EdgeType<X>) {
            (function, EdgeType::new())
        }

        /// The expression at the end: it has values for its own.
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

/// A text between quotes, as what the stage takes.
pub fn text<T: Text>(text: &'static str) -> T {
    T::__text(text)
}

/// A value from outside, of which each item gets a copy.
pub fn copy<T: Clone>(value: &T) -> T {
    value.clone()
}

/// The name of a fork for its own code: the `match` of a route, the expressions of a graph.
pub fn code_site(name: &'static str, step: StepId) -> CodeSite {
    CodeSite { name, step }
}

/// The type of a fork that was checked.
pub fn finish_fork<In, B: Branches<In>>(_: EdgeType<In>, branches: B) -> (Fork<B>, EdgeType<B::Out>) {
    (Fork(branches), EdgeType::new())
}

/// Branches that are tried in order.
pub fn first<B, const N: usize>(branches: B, heads: [StepId; N], end: StepId) -> First<B, N> {
    First::new(branches, heads, end)
}

/// Arms, of which an item takes one.
pub fn route<In, C, A, const N: usize>(
    _: EdgeType<In>,
    place: CodeSite,
    choose: C,
    arms: A,
    heads: [StepId; N],
    end: StepId,
) -> Route<In, C, A, N> {
    Route::new(place, choose, arms, heads, end)
}

/// The route behind the last arm of one that is too wide for a single one.
pub fn inner_route<B>(route: B) -> Fork<B> {
    Fork(route)
}

/// No mark: what goes by is counted elsewhere.
pub fn uncounted() -> StepId {
    StepId::NONE
}

/// The place of a `match` in the plan.
#[track_caller]
pub fn matches<In>(_: EdgeType<In>, name: &'static str, plan: &mut Plan) -> CodeSite {
    let before = plan.steps().len();
    let step = plan.step(name);
    plan.describe::<In, In>(before, Location::caller());
    CodeSite { name, step }
}

macro_rules! choices {
    ($($choice:ident $one_of:ident: $($value:ident)*;)*) => {$(
        /// A `match`, and what goes into its arms.
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
