//! Behaviour, hygiene and compile errors, in one binary.
//!
//! - `chains`, `closures`, `forks`, `graphs`: the forms of a pipeline; `diagrams` draws them
//! - `policies`, `state`, `context`: what a stage can ask for
//! - `nesting`: how deep forms can be nested
//! - `failures`, `cancellation`: items that fail, panic or are cancelled
//! - `runs`, `run_blocking`: many items or one; back-pressure, workers, sources, accounting
//! - `observers`, `dead_letters`: what a run reports while it runs, and where failed items go
//! - `ui`: compile errors; `facade`: those of a crate that has `pipeline` from another one
//! - `layers`: which part of the runtime crate may import which; `public_items`: what users can name

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
mod closures;
mod context;
mod dead_letters;
mod diagrams;
#[cfg(all(feature = "rate", feature = "serde"))]
mod facade;
mod failures;
mod forks;
mod graphs;
mod layers;
mod nesting;
mod observers;
mod policies;
mod public_items;
mod run_blocking;
mod runs;
mod state;
mod support;
mod ui;
