//! The policies of `#[stage(...)]`, one file per policy.
//!
//! The order, from the outside in: deadline → retry loop → (wait) → concurrency permit → rate → timeout → the call.

pub(crate) mod attempt;
pub(crate) mod backoff;
pub(crate) mod bare;
pub(crate) mod blocking;
mod concurrency;
pub(crate) mod deadline;
pub(crate) mod editor;
pub(crate) mod function_call;
pub(crate) mod gate;
pub(crate) mod merge;
pub(crate) mod overridden;
mod pause;
#[cfg(feature = "rate")]
pub(crate) mod rate;
pub(crate) mod retry;
pub mod retry_after;
pub(crate) mod single;
pub(crate) mod sleep;
pub(crate) mod split;
pub(crate) mod stage_use;
pub(crate) mod strategy;
pub(crate) mod timeout;
