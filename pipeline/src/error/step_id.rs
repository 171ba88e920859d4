//! `StepId`: the position of a step in its pipeline.

/// The position of a step in the plan of its pipeline, starting at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepId(pub(crate) u32);

impl StepId {
    /// The id of a stage that is called directly, outside any plan.
    ///
    /// It is large enough to stay beyond the end of any plan after an [`offset`](Self::offset).
    pub(crate) const NONE: Self = Self(1 << 31);

    /// The id of the same step in the enclosing pipeline, where the nested steps start at `base`.
    #[inline]
    pub(crate) fn offset(self, base: u32) -> Self {
        Self(self.0.wrapping_add(base))
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Default for StepId {
    fn default() -> Self {
        Self::NONE
    }
}
