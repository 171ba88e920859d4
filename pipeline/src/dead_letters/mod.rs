//! Dead letters: failed items with their errors.
//!
//! [`Pipeline::dead_letters`](crate::Pipeline::dead_letters) sends them to a sink, a [`DeadLetters`]: a channel, a `Vec`, or,
//! with the feature `serde`, a file of JSON Lines that a later run can replay.

pub(crate) mod delivery;
#[cfg(feature = "serde")]
pub(crate) mod json_lines;
pub(crate) mod sink;

#[cfg(feature = "serde")]
pub use json_lines::{JsonLines, Recorded, Records};
pub use sink::{DeadLetter, DeadLetters, Put};
