//! The graph form: straight-line code whose calls run as soon as their arguments are ready.

mod calls;
mod scheduling;
mod shapes;
mod syntax;
mod values;
