//! The report of a run: counters, how they add up, and how they are displayed.

pub(crate) mod aborted;
pub(crate) mod accounting;
pub(crate) mod batches_closed;
pub(crate) mod display;
pub(crate) mod failure;
pub(crate) mod gathered;
pub(crate) mod metrics;
pub(crate) mod run_id;
#[cfg(feature = "serde")]
pub(crate) mod serialize;
pub(crate) mod stage_report;
pub(crate) mod stopped;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod totals;
