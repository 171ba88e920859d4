//! `Aborted`: the error of a run without a full result.

use std::error::Error;
use std::fmt;

use super::failure::Failure;
use super::summary::Report;
use super::totals::Totals;

use crate::error::causes::write_causes;
use crate::error::human::format_duration;

/// The error of a run that has no full result, with the [`Report`] of what was done.
///
/// | verb | is `Err(Aborted)` |
/// |---|---|
/// | [`collect`](crate::Pipeline::collect) | at the first failure in [`Strict`](crate::ErrorMode::Strict) mode; after the last item, with the first failure, in [`Lenient`](crate::ErrorMode::Lenient) and [`Collect`](crate::ErrorMode::Collect) mode; when a token of [`cancel_on`](crate::Pipeline::cancel_on) stopped the run, with an error of kind [`Cancelled`](crate::ErrorKind::Cancelled) |
/// | [`drain`](crate::Pipeline::drain) | at the first failure in `Strict` mode; a stopped run returns its report |
/// | [`gather`](crate::Pipeline::gather) | never: it returns what succeeded, and the report |
/// | [`settle`](crate::Pipeline::settle) | never: each item has its own result |
/// | [`stream`](crate::Pipeline::stream) | never: a failure is an `Err` in the place of its item |
///
/// ```
/// use pipeline::{pipeline, stage, Aborted};
///
/// #[stage]
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lines = ["1", "two", "3"].map(String::from);
/// let Aborted { failure, report, .. } = pipeline![parse].concurrency(1).collect(lines).await.unwrap_err();
/// assert_eq!((failure.index, failure.error.stage()), (1, "parse"));
/// assert_eq!((report.items_out(), report.items_failed()), (1, 1));
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Aborted {
    /// The first failure in time, or, of a run that was stopped without one, the first item that was not taken from the
    /// source.
    pub failure: Failure,
    /// The report of the run, up to its end.
    pub report: Report,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failure, report } = self;
        write!(f, "{failure} ({}, in {})", Totals(report), format_duration(report.elapsed))?;
        if f.alternate() { write_causes(f, self.source()) } else { Ok(()) }
    }
}

impl Error for Aborted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The display has that of the failure already.
        self.failure.source()
    }
}
