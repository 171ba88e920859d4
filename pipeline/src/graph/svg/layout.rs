//! Computes the positions of nodes, groups and edges with dagre.

use dagre::graph::{Graph as Dagre, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, layout};

use super::geometry::Point;
use super::geometry::Rect;
use super::measure;
use crate::graph::model::Edge;
use crate::graph::model::Graph;

/// The space for the title of a group, above its first nodes, in pixels.
const HEADING: f64 = 16.0;

/// The space around the image, in pixels.
const MARGIN: f64 = 16.0;

/// The control points of an edge, and the rectangle of its label, if it has one.
#[derive(Debug, Clone, Default)]
pub(super) struct EdgeRoute {
    pub(super) points: Vec<Point>,
    pub(super) label: Option<Rect>,
}

/// The positions in an image, by the indices of the graph. An element without a position is not drawn.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Option<Rect>>,
    pub(super) groups: Vec<Option<Rect>>,
    pub(super) routes: Vec<EdgeRoute>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Layout {
    pub(super) fn of(graph: &Graph) -> Self {
        read_layout(graph, &dagre_layout(graph))
    }

    /// Makes room for the titles of groups: moves everything below the top of a group down. Rectangles that did not overlap
    /// still do not.
    fn add_headings(&mut self) {
        let mut tops: Vec<f64> = self.groups.iter().flatten().map(Rect::top).collect();
        tops.sort_by(f64::total_cmp);
        tops.dedup_by(|a, b| (*a - *b).abs() < 1.0);
        #[allow(clippy::cast_precision_loss)] // There are few groups.
        let moved = |y: f64| y + HEADING * tops.iter().filter(|top| **top + 1.0 < y).count() as f64;
        for group in self.groups.iter_mut().flatten() {
            let (top, bottom) = (moved(group.top()), moved(group.bottom()));
            group.center.y = f64::midpoint(top, bottom);
            group.height = bottom - top;
        }
        for node in self.nodes.iter_mut().flatten() {
            node.center.y = moved(node.center.y);
        }
        for route in &mut self.routes {
            route.points.iter_mut().for_each(|point| point.y = moved(point.y));
            if let Some(label) = &mut route.label {
                label.center.y = moved(label.center.y);
            }
        }
    }

    /// Moves everything to the upper left corner, with a margin, and sets the size of the image.
    fn add_margin(&mut self) {
        let labels = self.routes.iter().filter_map(|route| route.label);
        let rects: Vec<Rect> =
            self.nodes.iter().chain(&self.groups).flatten().copied().chain(labels).collect();
        let points: Vec<Point> = self.routes.iter().flat_map(|route| route.points.iter().copied()).collect();
        let xs = || rects.iter().flat_map(|it| [it.left(), it.right()]).chain(points.iter().map(|it| it.x));
        let ys = || rects.iter().flat_map(|it| [it.top(), it.bottom()]).chain(points.iter().map(|it| it.y));
        let (left, right) = (xs().reduce(f64::min).unwrap_or(0.0), xs().reduce(f64::max).unwrap_or(0.0));
        let (top, bottom) = (ys().reduce(f64::min).unwrap_or(0.0), ys().reduce(f64::max).unwrap_or(0.0));
        self.width = right - left + 2.0 * MARGIN;
        self.height = bottom - top + 2.0 * MARGIN;
        let shift = |point: &mut Point| {
            point.x += MARGIN - left;
            point.y += MARGIN - top;
        };
        self.nodes.iter_mut().chain(&mut self.groups).flatten().for_each(|rect| shift(&mut rect.center));
        for route in &mut self.routes {
            route.points.iter_mut().for_each(shift);
            route.label.iter_mut().for_each(|label| shift(&mut label.center));
        }
    }
}

/// Builds the dagre graph and computes its layout.
fn dagre_layout(graph: &Graph) -> Dagre<NodeLabel, EdgeLabel> {
    let mut dagre = Dagre::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    for (index, node) in graph.nodes.iter().enumerate() {
        let (width, height) = measure::node_size(node);
        dagre.set_node(format!("n{index}"), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    let has_position: Vec<bool> = (0..graph.groups.len()).map(|group| has_nodes(graph, group)).collect();
    for index in (0..graph.groups.len()).filter(|index| has_position[*index]) {
        dagre.set_node(format!("g{index}"), Some(NodeLabel::default()));
    }
    for (index, group) in graph.groups.iter().enumerate().filter(|(index, _)| has_position[*index]) {
        if let Some(parent) = group.parent {
            dagre.set_parent(&format!("g{index}"), Some(&format!("g{parent}")));
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        if let Some(group) = node.group {
            dagre.set_parent(&format!("n{index}"), Some(&format!("g{group}")));
        }
    }
    for (index, edge) in graph.edges.iter().enumerate() {
        let (width, height) = measure::label_size(&graph.label_of(edge));
        let label = EdgeLabel { width, height, labelpos: LabelPos::Center, ..EdgeLabel::default() };
        let (from, to) = (format!("n{}", edge.from), format!("n{}", edge.to));
        dagre.set_edge(from, to, Some(label), Some(&index.to_string()));
    }
    let options = LayoutOptions {
        nodesep: 28.0,
        edgesep: 16.0,
        ranksep: 44.0,
        // Among orders with equally many crossings, the first is closest to the source code.
        tie_keep_first: true,
        ..LayoutOptions::default()
    };
    layout(&mut dagre, Some(options));
    dagre
}

/// Whether the group or a group nested in it has a node. Only then it has a position.
fn has_nodes(graph: &Graph, group: usize) -> bool {
    let is_within = |mut inner: Option<usize>| {
        while let Some(index) = inner {
            if index == group {
                return true;
            }
            inner = graph.groups.get(index).and_then(|group| group.parent);
        }
        false
    };
    graph.nodes.iter().any(|node| is_within(node.group))
}

/// Reads the positions that dagre computed.
fn read_layout(graph: &Graph, dagre: &Dagre<NodeLabel, EdgeLabel>) -> Layout {
    let rect = |name: String| {
        let node = dagre.node(&name)?;
        Some(Rect { center: Point { x: node.x?, y: node.y? }, width: node.width, height: node.height })
    };
    let nodes = (0..graph.nodes.len()).map(|index| rect(format!("n{index}"))).collect();
    let groups = (0..graph.groups.len()).map(|index| rect(format!("g{index}"))).collect();
    let route = |(index, edge): (usize, &Edge)| {
        let (from, to) = (format!("n{}", edge.from), format!("n{}", edge.to));
        let label = dagre.edge(&from, &to, Some(&index.to_string()))?;
        let points = label.points.iter().map(|point| Point { x: point.x, y: point.y }).collect();
        let center = label.x.zip(label.y).map(|(x, y)| Point { x, y });
        let (width, height) = measure::label_size(&graph.label_of(edge));
        let label = center.filter(|_| width > 0.0).map(|center| Rect { center, width, height });
        Some(EdgeRoute { points, label })
    };
    let routes = graph.edges.iter().enumerate().map(|it| route(it).unwrap_or_default()).collect();
    let mut layout = Layout { nodes, groups, routes, width: 0.0, height: 0.0 };
    layout.add_headings();
    layout.add_margin();
    layout
}
