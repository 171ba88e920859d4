//! One way to call a step.

pub(crate) mod caller;
pub(crate) mod catch_panic;
pub(crate) mod observed;
pub(crate) mod stage_context;
pub(crate) mod timer;
pub(crate) mod user_code;
