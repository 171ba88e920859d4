//! Nothing by itself.
