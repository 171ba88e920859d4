//! String literals that are parsed at compile time: durations, rates, backoffs.

mod backoff;
mod duration;
mod rate;

pub(crate) use backoff::Growth;
pub(crate) use duration::{display, duration, nonzero_duration};
pub(crate) use rate::Rate;
