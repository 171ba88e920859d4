//! Whether calls are observed: a parameter of the method that calls a step.
//!
//! It is not a mechanism, because it goes with each of them. As a parameter of the method it costs calls that nobody observes
//! nothing, and an `impl Stage<In, S>` that a function returns can be observed without another bound.

use std::future::Future;

use super::observed_call::ObservedCall;
use super::stage_context::PlainContext;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;

/// Whether calls are observed: [`Observed`] or [`Unobserved`].
pub trait Observe: Copy + Send + Sync {
    /// Whether they are.
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

/// Nobody observes the calls, and they are not timed from their start.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

/// Each call of a step is timed from its start, and observers are notified.
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
