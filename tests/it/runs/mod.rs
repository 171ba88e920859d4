//! Runs of many items.

mod accounting;
mod backpressure;
mod boundaries;
mod fairness;
mod multi_thread_stress;
mod source_faults;
mod verbs;
mod workers;
