//! `Now`: whether a stage can be called without a future.

/// Whether a stage can be called without a future: whether each of its steps is a closure, or a function that is not async and
/// has no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// It cannot.
    No,
    /// It can, and may fail.
    MayFail,
    /// It can, and never fails, except by a panic.
    NeverFails,
}

impl Now {
    /// Whether the stage can.
    #[must_use]
    pub const fn is_possible(self) -> bool {
        !matches!(self, Self::No)
    }

    /// Whether two stages in sequence can.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::NeverFails, Self::NeverFails) => Self::NeverFails,
            _ => Self::MayFail,
        }
    }
}
