//! Literals with a meaning: parsed here, at compile time, and never again.

mod backoff;
mod duration;
mod rate;

pub(crate) use backoff::Growth;
pub(crate) use duration::nonzero_duration;
pub(crate) use rate::Rate;
