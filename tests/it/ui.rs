//! compile-fail
