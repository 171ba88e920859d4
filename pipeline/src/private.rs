//! What the macros call. Not for use by hand: it changes without notice.

use std::marker::PhantomData;
use std::panic::Location;

pub use crate::blocking::blocking;
pub use crate::edge::Port;
pub use crate::engine::{Empty, batch};
pub use crate::error::BoxError;
pub use crate::footing::{Named, Place, evaluated};
pub use crate::fork::{
    Args, Branches, Branching, ByValue, Callable, Caller, Company, Handover, Have, Held, Lent, Mode, Modes,
    Moved, OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8, Others, Share, Takes, Under, Uses,
    Value, Wire, both, share,
};
pub use crate::function::{Again, Attempts, Function, Once, Repeat, Split};
pub use crate::overridden::{again, as_before, once, spec};
pub use crate::plan::{Fork as ForkKind, Plan, Slot};
pub use crate::policy::*;
pub use std::primitive::{bool, str};
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
    ops::Fn,
    option::Option,
    path::PathBuf,
    result::Result,
    string::String,
    sync::Arc,
    time::Duration,
    vec::Vec,
};

use crate::edge::{Keep, Kept};
use crate::engine::{Cut, Staged, boundary};
use crate::fork::{Branch, First, Fork, List, Route, Text};
use crate::nested::Divided;
use crate::{Chain, Closure, Embedded, Inspect, Nested, Parted, Pipeline};

/// The field of a stage's struct: its type parameters, and the limits of this use of it.
pub struct Token<G, L> {
    /// The limits.
    pub limits: L,
    /// The place among the steps of the pipeline.
    pub slot: Slot,
    generics: PhantomData<fn() -> G>,
}

impl<G, L: Default> Default for Token<G, L> {
    fn default() -> Self {
        Self { limits: L::default(), slot: Slot::default(), generics: PhantomData }
    }
}

impl<G, L: Clone> Clone for Token<G, L> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), slot: self.slot, generics: PhantomData }
    }
}

/// The way in.
#[must_use]
pub fn port<T>() -> Port<T> {
    Port::new()
}

/// A closure that says what it takes.
pub fn closure<In, Out, F>(name: &'static str, function: F) -> Closure<In, F>
where
    F: Fn(In) -> Out,
{
    Closure::new(name, function)
}

/// A closure that does not, and learns it from the edge.
pub fn closure_after<In, Out, F>(_: Port<In>, name: &'static str, function: F) -> Closure<In, F>
where
    F: Fn(In) -> Out,
{
    Closure::new(name, function)
}

/// `inspect(closure)`, where the closure says what it looks at.
pub fn inspect<In, F>(name: &'static str, function: F) -> Inspect<In, F>
where
    F: Fn(&In),
{
    Inspect::new(name, function)
}

/// `inspect(closure)`, where the closure learns it from the edge.
pub fn inspect_after<In, F>(_: Port<In>, name: &'static str, function: F) -> Inspect<In, F>
where
    F: Fn(&In),
{
    Inspect::new(name, function)
}

/// The pipeline that a checked chain makes.
pub fn finish<In, F>(_: Port<In>, stages: F, plan: Plan) -> Pipeline<In, F> {
    Pipeline::planned(stages, plan)
}

/// A plan without steps.
#[must_use]
pub fn plan() -> Plan {
    Plan::default()
}

/// A boundary: one value in, its items out.
#[must_use]
pub fn each() -> boundary::each {
    boundary::each::default()
}

/// Stages between two boundaries.
pub fn staged<F>(stages: F) -> Staged<F> {
    Staged::new(stages)
}

/// Two parts, and the boundary between them.
pub fn cut<H, B, R>(head: H, boundary: B, rest: R) -> Cut<H, B, R> {
    Cut::new(head, boundary, rest)
}

/// The pipeline that checked parts make.
pub fn parted<In, H, B, R>(
    _: Port<In>,
    parts: Cut<H, B, R>,
    plan: Plan,
) -> Pipeline<In, Cut<H, B, R>, (), Parted<B>> {
    Pipeline::planned(parts, plan)
}

/// The branch of a fork: its first step, and those that follow.
pub fn branch<F, R>(first: F, rest: Chain<R>) -> Branch<F, R> {
    Branch::new(first, rest)
}

/// The one value that goes into each branch.
#[must_use]
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
#[must_use]
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
#[must_use]
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
#[must_use]
pub fn text<T: Text>(text: &'static str) -> T {
    T::__text(text)
}

/// A value from outside, of which each item gets a copy.
#[must_use]
pub fn copy<T: Clone>(value: &T) -> T {
    value.clone()
}

/// The name of a fork for its own code: the `match` of a route, the expressions of a graph.
#[must_use]
pub fn named(name: &'static str, slot: Slot) -> Named {
    Named { name, slot }
}

/// The type of a fork that was checked.
#[must_use]
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
#[must_use]
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

/// A value on its way into a pipeline, `{ value }`.
pub struct Embed<T>(pub T);

/// A pipeline without a state of its own runs under that of the pipeline around it: only its stages go in.
impl<In, F> Embed<Pipeline<In, F>> {
    /// The stages.
    #[must_use]
    pub fn into_stage(self) -> Nested<In, F> {
        Nested::new(self.0)
    }
}

/// A pipeline with a boundary does not go into another: its edge says so.
impl<In, F, S, B> Embed<Pipeline<In, F, S, Parted<B>>> {
    /// What does not fit.
    #[must_use]
    pub fn into_stage(self) -> Divided<F, B> {
        Divided::new(self.0)
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
    type Stage = Embedded<T>;

    fn into_stage(self) -> Embedded<T> {
        Embedded::new(self.0)
    }
}
