//! `Fork`: a fork as a step of a pipeline.
//!
//! For `(a, b)` and graphs, `pipeline!` generates a struct with the calls in the order of their dependencies. `(a | b)` and
//! `match` are types of this crate.
//!
//! A fork counts the items that enter each branch and that leave the fork, for the report.

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

/// The call of a fork with an item.
pub trait Branching<In, S, C: Mechanism>: Branches<In> + Send + Sync {
    /// Calls the branches.
    fn go<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: StageContext<'r, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send;
}

/// A fork as a step: the forms `(a, b)`, `(a | b)`, `match { … }`, and graphs.
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
    fn call<'r>(
        &'r self,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(Unobserved, input, cx.shortened())
    }

    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(observe, input, cx.shortened())
    }

    #[inline]
    fn __call_nested<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: StageContext<'r, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        self.0.go(observe, input, cx)
    }
}
