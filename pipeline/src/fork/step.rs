//! A fork as a step of a pipeline.
//!
//! Calls that run side by side, `(a, b)` and the graph form, become a struct that `pipeline!` writes out, with the calls in the
//! order of their dependencies. `(a | b)` and `match` are in this crate.
//!
//! A fork counts the items that enter each of its branches and that leave it: reports are made from these counts.

use std::future::Future;

use crate::call::mechanism::Mechanism;
use crate::call::observe::{Observe, Unobserved};
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::stage::contract::{Accepts, Stage};

/// The types of a fork: its input and its output.
pub trait Branches<In> {
    /// The output.
    type Out: Send;
}

/// How an item goes through the branches of a fork.
pub trait Branching<In, S, C: Mechanism>: Branches<In> + Send + Sync {
    /// Calls the branches.
    fn go<O: Observe>(
        &self,
        observe: O,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send;
}

/// A fork as a step: what `(a, b)`, `(a | b)`, `match { … }` and the graph form become.
#[derive(Debug, Clone)]
pub struct Fork<B>(pub(crate) B);

impl<In, B: Branches<In>> Accepts<In> for Fork<B> {
    type Out = B::Out;
}

impl<In, S, C, B> Stage<In, S, C> for Fork<B>
where
    In: Send,
    S: Send + Sync,
    C: Mechanism,
    B: Branching<In, S, C>,
{
    #[inline]
    fn call(
        &self,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(Unobserved, input, cx)
    }

    #[inline]
    fn __call<O: Observe>(
        &self,
        observe: O,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(observe, input, cx)
    }
}
