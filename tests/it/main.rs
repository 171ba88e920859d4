//! Behaviour, hygiene and compile errors, in one binary.

// Stages in tests take and return what users' stages may, recommended or not. A minute is written as 60 s.
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
