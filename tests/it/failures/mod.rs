//! What a failure is: the error of a stage, a panic, and what the error mode of a run makes of them.

mod destructors;
mod error_modes;
mod panics;
mod stage_errors;
