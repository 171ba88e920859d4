//! Where failed items go, whole, with their errors.

pub(crate) mod delivery;
#[cfg(feature = "serde")]
pub(crate) mod json_lines;
pub(crate) mod sink;

#[cfg(feature = "serde")]
pub use json_lines::{JsonLines, Recorded, Records};
pub use sink::{DeadLetter, DeadLetters, Put};
