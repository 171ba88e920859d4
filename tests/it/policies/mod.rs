//! One file per policy of a stage.

mod blocking;
mod concurrency;
mod retry;
mod split_on_failure;
mod timeout;
