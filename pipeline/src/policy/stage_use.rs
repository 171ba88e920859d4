//! A use of a stage in a pipeline.

use crate::error::step_id::StepId;
use crate::stage::attribute::Policy;

/// A stage where it is used: with its policy, its place in the plan and its limits.
#[derive(Debug)]
pub struct StageUse<'c, F, G> {
    /// The stage.
    pub stage: &'c F,
    /// What its attribute and its overrides say.
    pub policy: &'c Policy,
    /// Its place in the plan of its pipeline.
    pub step: StepId,
    /// Its limits.
    pub gate: &'c G,
}

impl<F, G> Clone for StageUse<'_, F, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, G> Copy for StageUse<'_, F, G> {}
