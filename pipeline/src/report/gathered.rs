//! `Gathered`: all that came of a run.

use super::summary::Report;

/// The outputs of a run, and its report. Returned by [`gather`](crate::Pipeline::gather).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Gathered<Out> {
    /// The outputs of the items that succeeded, in the order of the inputs unless the pipeline is
    /// [`unordered`](crate::Pipeline::unordered).
    pub outputs: Vec<Out>,
    /// The report of the run, with its failures.
    pub report: Report,
}
