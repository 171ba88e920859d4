//! `StageUse`: one use of a stage in a pipeline.

use crate::error::step_id::StepId;
use crate::stage::attribute::Policy;

/// A use of a stage, with its policy, step and limits.
#[derive(Debug)]
pub struct StageUse<'c, F, G> {
    /// The stage.
    pub stage: &'c F,
    /// The policy: the options of the attribute, with the overrides.
    pub policy: &'c Policy,
    /// Its step in the plan of the pipeline. A reference, so that a call that is ready at once does not read it.
    pub step: &'c StepId,
    /// The limits on its calls.
    pub gate: &'c G,
}

impl<F, G> Clone for StageUse<'_, F, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, G> Copy for StageUse<'_, F, G> {}
