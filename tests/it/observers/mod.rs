//! What observers are told of a run.

mod calls;
mod events;
mod items;
mod panics;
