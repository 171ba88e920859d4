//! The error of a failed item: its stage, kind, attempts and causes.

pub(crate) mod causes;
pub(crate) mod failed_attempt;
pub(crate) mod human;
pub(crate) mod kind;
pub(crate) mod no_further_attempt;
pub(crate) mod panic_origin;
pub(crate) mod stage_error;
pub(crate) mod step_id;
