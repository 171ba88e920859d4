//! `guard_user_code`: attributes the panics of user code that is not a stage.

use super::mechanism::Mechanism;
use super::stage_context::StageContext;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::step_id::StepId;

/// The name and the step of user code that is not a stage: the `match` of a route, or the expressions of a graph.
#[derive(Debug, Clone, Copy)]
pub struct CodeSite {
    pub(crate) name: &'static str,
    pub(crate) step: StepId,
}

/// Runs user code; a panic in it has the name and the step of `CodeSite`.
#[inline]
pub fn guard_user_code<S, C: Mechanism, T>(
    CodeSite { name, step }: CodeSite,
    cx: &StageContext<'_, S, C>,
    code: impl FnOnce() -> T,
) -> T {
    PanicGuard::guard(CallSite::of(name, cx.step(step)), code)
}
