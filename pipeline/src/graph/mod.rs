//! Graphs of pipelines: their steps, types and policies, optionally with the metrics of a run.
//!
//! [`Pipeline::graph`](crate::Pipeline::graph) creates a [`Graph`]. It displays as text for a terminal, and renders as
//! [Mermaid](Graph::to_mermaid), which GitHub draws in Markdown, as [DOT](Graph::to_dot) for Graphviz, and, with the feature
//! `svg`, as an SVG image (`to_svg`). [`with_report`](Graph::with_report) adds the metrics of a run.

pub(crate) mod build;
pub(crate) mod dot;
pub(crate) mod label;
pub(crate) mod mermaid;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod run_metrics;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(feature = "svg")]
pub(crate) mod svg;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use model::{Edge, EdgeKind, Graph, Group, Node, NodeKind};
