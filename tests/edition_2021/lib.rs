//! Tests of the macros in a crate of edition 2021.
