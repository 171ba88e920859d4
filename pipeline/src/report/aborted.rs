//! A run that ended at a failure.

use std::error::Error;
use std::fmt;

use super::failure::Failure;
use super::summary::Report;
use crate::error::human::human;

/// A run that was given up at its first failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Aborted {
    /// The failure.
    pub failure: Failure,
    /// What was done before it.
    pub report: Report,
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { items_in, items_out, items_failed, items_cancelled, elapsed, .. } = &self.report;
        write!(
            f,
            "{} ({items_in} items in, {items_out} out, {items_failed} failed, {items_cancelled} cancelled, in {})",
            self.failure,
            human(*elapsed)
        )
    }
}

impl Error for Aborted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.failure.error)
    }
}
