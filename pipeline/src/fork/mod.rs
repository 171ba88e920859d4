//! Where a pipeline is more than a line: branches on one item.
//!
//! What runs side by side, `(a, b)` and the graph form, becomes a struct that `pipeline!` writes out, with the calls in its
//! own order of needs; the others are here. What they all have in common is in `lend` (who has a value that several want),
//! `takes` (steps that can be called with such values), `caller` (watched or not) and `branch`.
//!
//! A fork counts what arrives in its branches and what leaves it: reports are made from that.

mod args;
mod branch;
mod caller;
mod cells;
mod checks;
mod first;
pub(crate) mod glue;
mod passing;
mod route;
mod try_join;

use std::future::Future;

pub use args::{ArgModes, Args, CallArgs, CallWithPolicy, TakesArgs};
pub use branch::{Branch, ByValue};
pub use caller::Caller;
pub(crate) use caller::{ObservedCaller, Unobserved};
pub use cells::{MoveCell, SharedCell, share};
pub use checks::{
    Arity, CalledInClosure, CalledInExpression, CloneToShare, CloneWhileBorrowed, ConcurrentUses,
    Destructure, EndsAs, GraphInput, Parameter, PlainFunction, Text,
};
pub use first::First;
pub use passing::{Borrow, Borrowed, Consumers, Input, JointMode, Move, PassMode, SharedInput, ValueCell};
pub use route::{OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8, Route};
pub use try_join::{TryJoin2, try_join2};

use crate::{Accepts, Stage, StageContext, StageError};

/// Branches, and what comes out of them: the types alone.
pub trait Branches<In> {
    /// What comes out.
    type Out: Send;
}

/// Branches, and how an item goes through them.
pub trait Branching<In, S>: Branches<In> + Send + Sync {
    /// TakesArgs an item through.
    fn go<C: Caller>(
        &self,
        caller: C,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send;
}

/// A fork as a step: what `(a, b)`, `(a | b)`, `match { … }` and the graph form become.
#[derive(Debug, Clone)]
pub struct Fork<B>(pub(crate) B);

impl<In, B: Branches<In>> Accepts<In> for Fork<B> {
    type Out = B::Out;
}

impl<In, S, B> Stage<In, S> for Fork<B>
where
    In: Send,
    S: Send + Sync,
    B: Branching<In, S>,
{
    #[inline]
    fn call(
        &self,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(Unobserved, input, cx)
    }

    fn __call_observed(
        &self,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(ObservedCaller, input, cx)
    }
}
