//! `Pipeline`: the value that `pipeline!` returns, with its settings and verbs; its boxed and nested forms.

pub(crate) mod blocking;
pub(crate) mod boxed;
pub(crate) mod nested;
pub(crate) mod value;
