//! Behaviour, hygiene and compile errors, in one binary.

// The stages here take and return what stages of users may, well advised or not; and a minute is 60 s of waits.
#![allow(
    clippy::duration_suboptimal_units,
    clippy::elidable_lifetime_names,
    clippy::float_cmp,
    clippy::needless_pass_by_value,
    clippy::ptr_arg,
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref
)]

mod cancellation;
mod chains;
mod context;
mod dead_letters;
mod diagrams;
mod failures;
mod forks;
mod graphs;
mod observers;
mod policies;
mod run_blocking;
mod runs;
mod state;
mod support;
mod ui;
