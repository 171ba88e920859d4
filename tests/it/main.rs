//! Behaviour, hygiene and compile errors, in one binary.

mod blocking;
mod chain;
mod context;
mod errors;
mod limits;
mod many;
mod panics;
mod retry;
mod state;
mod support;
mod sync_code;
mod timeout;
mod ui;
