//! The picture of a pipeline.

pub(crate) mod build;
pub(crate) mod dot;
pub(crate) mod figures;
pub(crate) mod label;
pub(crate) mod mermaid;
pub(crate) mod model;
pub(crate) mod names;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(feature = "svg")]
pub(crate) mod svg;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use model::{Edge, EdgeKind, Graph, Group, Node, NodeKind};
