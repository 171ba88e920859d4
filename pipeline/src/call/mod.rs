//! One way to call a step.
//!
//! A chain or a fork hands each step its input and a [`stage_context::StageContext`]. A step that is called, a stage function,
//! makes a [`mechanism::Callee`] of that and gives it to the [`mechanism::Caller`] in the context.

pub(crate) mod catch_panic;
pub(crate) mod mechanism;
pub(crate) mod observe;
pub(crate) mod observed_call;
pub(crate) mod stage_context;
pub(crate) mod timed_call;
pub(crate) mod timer;
pub(crate) mod user_code;
