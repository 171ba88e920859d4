//! Stages: the `Stage` trait, functions, closures and values as steps, and the plan of a pipeline.

pub(crate) mod attribute;
pub(crate) mod closure;
pub(crate) mod contract;
pub(crate) mod edge;
pub(crate) mod embedded;
pub(crate) mod function;
pub(crate) mod never_fails;
pub(crate) mod now;
pub(crate) mod output_checks;
pub(crate) mod plan;
pub(crate) mod state;
