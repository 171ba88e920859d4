//! Behaviour, hygiene and compile errors, in one binary.

mod ui;
