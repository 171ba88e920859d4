//! Formats an error and its chain of sources on one line.

use std::error::Error;
use std::fmt;

/// The boxed error type that stage errors are converted into.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Writes `: cause: source: …`. Many errors only say what operation failed; their source says why.
pub(crate) fn write_causes(f: &mut fmt::Formatter<'_>, cause: Option<&(dyn Error + 'static)>) -> fmt::Result {
    let mut next = cause;
    let mut previous = String::new();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some errors already include the message of their source.
        if !previous.contains(&text) {
            write!(f, ": {text}")?;
            previous = text;
        }
        next = cause.source();
    }
    Ok(())
}
