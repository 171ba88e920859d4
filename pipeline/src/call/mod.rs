//! Calls of steps: the context, the mechanism, observation, timing and panics.
//!
//! A chain or a fork calls each step with its input and a [`stage_context::StageContext`]. A stage function wraps the call in
//! a [`mechanism::Callee`], and passes it to the [`mechanism::Caller`] in the context.

pub(crate) mod catch_panic;
pub(crate) mod mechanism;
pub(crate) mod observe;
pub(crate) mod observed_call;
pub(crate) mod stage_context;
pub(crate) mod timed_call;
pub(crate) mod timer;
pub(crate) mod user_code;
pub(crate) mod watch;
