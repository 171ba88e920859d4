//! `Observe`: whether calls are observed, as a parameter of the method that calls a step.
//!
//! It is not a mechanism, because it combines with any mechanism. As a parameter of the method, it costs nothing if calls are
//! not observed, and an `impl Stage<In, S>` that a function returns can be observed without another bound.

use std::future::Future;

use super::observed_call::ObservedCall;
use super::stage_context::PlainContext;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;

/// Whether calls are observed: `Observed` or [`Unobserved`].
pub trait Observe: Copy + Send + Sync {
    /// Whether calls are observed.
    const OBSERVED: bool;

    /// Observes one call of a step, from its first poll.
    fn observe<S, T, C>(
        self,
        name: &'static str,
        step: StepId,
        cx: &PlainContext<'_, S>,
        call: C,
    ) -> impl Future<Output = Result<T, StageError>> + Send
    where
        S: Send + Sync,
        C: Future<Output = Result<T, StageError>> + Send;
}

/// Calls are not observed, and not timed from their start.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

/// Each call of a step is timed from its start, and reported to the observers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed;

impl Observe for Unobserved {
    const OBSERVED: bool = false;

    #[inline]
    fn observe<S, T, C>(
        self,
        _: &'static str,
        _: StepId,
        _: &PlainContext<'_, S>,
        call: C,
    ) -> impl Future<Output = Result<T, StageError>> + Send
    where
        S: Send + Sync,
        C: Future<Output = Result<T, StageError>> + Send,
    {
        call
    }
}

impl Observe for Observed {
    const OBSERVED: bool = true;

    async fn observe<S, T, C>(
        self,
        name: &'static str,
        step: StepId,
        cx: &PlainContext<'_, S>,
        call: C,
    ) -> Result<T, StageError>
    where
        S: Send + Sync,
        C: Future<Output = Result<T, StageError>> + Send,
    {
        ObservedCall::new(name, step, call, cx.item()).await
    }
}
