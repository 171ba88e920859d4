//! The value that `pipeline!` gives: its settings, its verbs, its boxed form.

pub(crate) mod boxed;
pub(crate) mod nested;
pub(crate) mod value;
