//! Where a pipeline is more than a line: branches on one item.
//!
//! What runs side by side, `(a, b)` and the graph form, becomes a struct that `pipeline!` writes out, with the calls in its
//! own order of needs; the others are here. What they all have in common is in `lend` (who has a value that several want),
//! `takes` (steps that can be called with such values), `caller` (watched or not) and `branch`.
//!
//! A fork counts what arrives in its branches and what leaves it: reports are made from that.

use std::future::Future;

use crate::call::caller::{Caller, ObservedCaller, Unobserved};
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;

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
