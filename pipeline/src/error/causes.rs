//! An error and its chain of sources, written on one line.

use std::error::Error;
use std::fmt;

/// Any error, as stages hand them over.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Writes a cause and what is behind it: many an error only says what it was doing, and its source why that failed.
pub(crate) fn write_causes(
    f: &mut fmt::Formatter<'_>,
    cause: Option<&(dyn Error + Send + Sync + 'static)>,
) -> fmt::Result {
    let mut next = cause.map(|cause| cause as &(dyn Error + 'static));
    let mut before = String::new();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some errors say what their source says, too.
        if !before.contains(&text) {
            write!(f, ": {text}")?;
            before = text;
        }
        next = cause.source();
    }
    Ok(())
}
