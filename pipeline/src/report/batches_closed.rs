//! `BatchesClosed`: why the batches of a `batch` were closed.

/// How many batches a `batch` closed, by the reason. See [`StageReport::batches_closed`](crate::StageReport::batches_closed).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BatchesClosed {
    /// They were full.
    pub full: usize,
    /// The linger time was over.
    pub linger: usize,
    /// The source had ended.
    pub end: usize,
    /// The run was stopped.
    pub stop: usize,
    /// A failed item behind the batch had to go on, or as many failures waited behind it as it has places.
    pub failure: usize,
}

impl BatchesClosed {
    /// All of them.
    pub(crate) fn total(&self) -> usize {
        let Self { full, linger, end, stop, failure } = self;
        full + linger + end + stop + failure
    }
}
