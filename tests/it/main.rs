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

mod blocking;
mod boundaries;
mod chain;
mod context;
mod dead_letters;
mod errors;
#[cfg(feature = "serde")]
mod json;
mod limits;
mod many;
mod panics;
mod retry;
mod split;
mod state;
mod support;
mod sync_code;
mod timeout;
mod ui;
