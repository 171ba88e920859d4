//! What observers are told of a run.

pub(crate) mod calls;
mod events;
