//! The number of a step in its pipeline.

/// The number of a step among those of its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepId(pub(crate) u32);

impl StepId {
    /// That of a stage which is called by hand, outside of any plan.
    ///
    /// So large that it stays beyond any plan in whatever pipeline it is seen from.
    pub(crate) const NONE: Self = Self(1 << 31);

    /// The same step, seen from the pipeline around.
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
