//! User code that is not a stage: the `match` of a route, the expressions of a graph.

use super::mechanism::Mechanism;
use super::stage_context::StageContext;
use crate::error::panic_origin::CallSite;
use crate::error::panic_origin::PanicGuard;
use crate::error::step_id::StepId;

/// What a piece of the user's code that is no stage goes by: the `match` of a route, the expressions of a graph.
#[derive(Debug, Clone, Copy)]
pub struct CodeSite {
    pub(crate) name: &'static str,
    pub(crate) step: StepId,
}

/// Runs such a piece.
#[inline]
pub fn guard_user_code<S, C: Mechanism, T>(
    CodeSite { name, step }: CodeSite,
    cx: &StageContext<'_, S, C>,
    piece: impl FnOnce() -> T,
) -> T {
    PanicGuard::guard(CallSite::of(name, cx.step(step)), piece)
}
