//! Rows that are left out, and why.

use std::fmt;

/// A row that is left out.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {reason}")]
pub(crate) struct Rejected {
    /// The code of the airport; where it has none, the line on its page.
    pub(crate) code: String,
    pub(crate) reason: Reason,
}

/// Why a row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    Unreadable,
    NoCode,
    NoPlace,
    OffTheGlobe,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the fields do not match the header",
            Self::NoCode => "no code",
            Self::NoPlace => "city or state is NA",
            Self::OffTheGlobe => "latitude or longitude is not on the globe",
        })
    }
}
