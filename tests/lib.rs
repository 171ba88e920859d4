//! The tests of the workspace: one binary, `it`, and the cases of the compile-fail suite under `ui`.
