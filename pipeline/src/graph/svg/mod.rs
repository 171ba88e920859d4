//! Renders a graph as an SVG image.

pub(super) mod edge_path;
pub(super) mod geometry;
pub(super) mod layout;
pub(super) mod measure;
pub(super) mod render;
#[cfg(test)]
mod tests;
