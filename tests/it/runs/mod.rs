//! Runs of many items.

mod accounting;
mod backpressure;
mod boundaries;
mod concurrency;
mod fairness;
#[cfg(feature = "serde")]
mod json;
mod multi_thread_stress;
mod parked;
#[cfg(feature = "rate")]
mod random_stops;
mod runtimes;
mod source_faults;
mod sweeps;
mod verbs;
mod workers;
