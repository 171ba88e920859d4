//! Forks: several branches, alternatives, a `match` or a graph on one item.

pub(crate) mod args;
pub(crate) mod branch;
pub(crate) mod cells;
pub(crate) mod checks;
pub(crate) mod first;
pub(crate) mod glue;
pub(crate) mod overridden;
pub(crate) mod passing;
pub(crate) mod route;
pub(crate) mod step;
pub(crate) mod try_join;
