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

mod adds_up;
mod blocking;
mod boundaries;
mod chain;
mod context;
mod dead_letters;
mod errors;
mod events;
mod fairness;
mod faults;
mod faults_of_readers;
mod forks_all;
mod forks_everywhere;
mod forks_first;
mod forks_pictures;
mod forks_route;
mod forks_support;
mod graph_shapes;
mod graphs;
#[cfg(feature = "serde")]
mod json;
mod limits;
mod limits_in_runs;
mod many;
mod modes;
mod observed_ends;
mod observers;
mod panics;
mod random;
mod random_forks;
mod retry;
mod split;
mod spread;
mod state;
mod stress;
mod support;
mod sync_code;
mod timeout;
mod ui;
