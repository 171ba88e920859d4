//! Dead letters: the sinks, and which items they receive.

mod delivery;
#[cfg(feature = "serde")]
mod json_lines;
