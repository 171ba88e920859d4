//! One file per policy of a stage.

mod blocking;
mod concurrency;
mod in_order;
mod pause_all;
#[cfg(feature = "rate")]
mod rate;
mod retry;
mod split_on_failure;
mod timeout;
