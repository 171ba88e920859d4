//! Where everything goes: dagre ranks and orders the nodes, and takes the edges around them.

use dagre::graph::{Graph as Dagre, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, layout};

use crate::graph::model::Graph;
use crate::graph::svg::measure;

/// The room above the first nodes of a group, for its title.
const HEADING: f64 = 16.0;

const MARGIN: f64 = 16.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A box, by its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) middle: Point,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The way of an edge, and the box of its label, if it has one.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    pub(super) points: Vec<Point>,
    pub(super) label: Option<Place>,
}

/// Places by the indices of the graph. What the layout did not place is not drawn.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Option<Place>>,
    pub(super) groups: Vec<Option<Place>>,
    pub(super) routes: Vec<Route>,
    pub(super) width: f64,
    pub(super) height: f64,
}

pub(super) fn of(graph: &Graph) -> Layout {
    let mut dagre = Dagre::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    for (index, node) in graph.nodes.iter().enumerate() {
        let (width, height) = measure::node(node);
        dagre.set_node(format!("n{index}"), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    let drawn: Vec<bool> = (0..graph.groups.len()).map(|group| has_nodes(graph, group)).collect();
    for index in (0..graph.groups.len()).filter(|index| drawn[*index]) {
        dagre.set_node(format!("g{index}"), Some(NodeLabel::default()));
    }
    for (index, group) in graph.groups.iter().enumerate().filter(|(index, _)| drawn[*index]) {
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
        let (width, height) = measure::edge(&graph.label_of(edge));
        let label = EdgeLabel { width, height, labelpos: LabelPos::Center, ..EdgeLabel::default() };
        let (from, to) = (format!("n{}", edge.from), format!("n{}", edge.to));
        dagre.set_edge(from, to, Some(label), Some(&index.to_string()));
    }
    let options = LayoutOptions {
        nodesep: 28.0,
        edgesep: 16.0,
        ranksep: 44.0,
        // Of two orders with as many crossings, the first is closer to the one that is written.
        tie_keep_first: true,
        ..LayoutOptions::default()
    };
    layout(&mut dagre, Some(options));
    read(graph, &dagre)
}

/// Whether there is a node in the group or in one within it: only then it has a place.
fn has_nodes(graph: &Graph, group: usize) -> bool {
    let within = |mut inner: Option<usize>| {
        while let Some(index) = inner {
            if index == group {
                return true;
            }
            inner = graph.groups.get(index).and_then(|group| group.parent);
        }
        false
    };
    graph.nodes.iter().any(|node| within(node.group))
}

fn read(graph: &Graph, dagre: &Dagre<NodeLabel, EdgeLabel>) -> Layout {
    let place = |name: String| {
        let node = dagre.node(&name)?;
        Some(Place { middle: Point { x: node.x?, y: node.y? }, width: node.width, height: node.height })
    };
    let nodes = (0..graph.nodes.len()).map(|index| place(format!("n{index}"))).collect();
    let groups = (0..graph.groups.len()).map(|index| place(format!("g{index}"))).collect();
    let route = |(index, edge): (usize, &super::super::Edge)| {
        let (from, to) = (format!("n{}", edge.from), format!("n{}", edge.to));
        let found = dagre.edge(&from, &to, Some(&index.to_string()))?;
        let points = found.points.iter().map(|point| Point { x: point.x, y: point.y }).collect();
        let middle = found.x.zip(found.y).map(|(x, y)| Point { x, y });
        let (width, height) = measure::edge(&graph.label_of(edge));
        let label = middle.filter(|_| width > 0.0).map(|middle| Place { middle, width, height });
        Some(Route { points, label })
    };
    let routes = graph.edges.iter().enumerate().map(|it| route(it).unwrap_or_default()).collect();
    let mut layout = Layout { nodes, groups, routes, width: 0.0, height: 0.0 };
    layout.make_headings();
    layout.frame();
    layout
}

impl Layout {
    /// Moves down what is below the upper rim of a group, so that its title has room. Boxes that were apart stay so.
    fn make_headings(&mut self) {
        let mut rims: Vec<f64> = self.groups.iter().flatten().map(Place::top).collect();
        rims.sort_by(f64::total_cmp);
        rims.dedup_by(|a, b| (*a - *b).abs() < 1.0);
        #[allow(clippy::cast_precision_loss)] // A handful.
        let moved = |y: f64| y + HEADING * rims.iter().filter(|rim| **rim + 1.0 < y).count() as f64;
        for group in self.groups.iter_mut().flatten() {
            let (top, bottom) = (moved(group.top()), moved(group.bottom()));
            group.middle.y = f64::midpoint(top, bottom);
            group.height = bottom - top;
        }
        for node in self.nodes.iter_mut().flatten() {
            node.middle.y = moved(node.middle.y);
        }
        for route in &mut self.routes {
            route.points.iter_mut().for_each(|point| point.y = moved(point.y));
            if let Some(label) = &mut route.label {
                label.middle.y = moved(label.middle.y);
            }
        }
    }

    /// Moves everything to the upper left corner, but for a margin.
    fn frame(&mut self) {
        let labels = self.routes.iter().filter_map(|route| route.label);
        let boxes: Vec<Place> =
            self.nodes.iter().chain(&self.groups).flatten().copied().chain(labels).collect();
        let points: Vec<Point> = self.routes.iter().flat_map(|route| route.points.iter().copied()).collect();
        let xs = || boxes.iter().flat_map(|it| [it.left(), it.right()]).chain(points.iter().map(|it| it.x));
        let ys = || boxes.iter().flat_map(|it| [it.top(), it.bottom()]).chain(points.iter().map(|it| it.y));
        let (left, right) = (xs().reduce(f64::min).unwrap_or(0.0), xs().reduce(f64::max).unwrap_or(0.0));
        let (top, bottom) = (ys().reduce(f64::min).unwrap_or(0.0), ys().reduce(f64::max).unwrap_or(0.0));
        self.width = right - left + 2.0 * MARGIN;
        self.height = bottom - top + 2.0 * MARGIN;
        let shift = |point: &mut Point| {
            point.x += MARGIN - left;
            point.y += MARGIN - top;
        };
        self.nodes.iter_mut().chain(&mut self.groups).flatten().for_each(|place| shift(&mut place.middle));
        for route in &mut self.routes {
            route.points.iter_mut().for_each(shift);
            route.label.iter_mut().for_each(|label| shift(&mut label.middle));
        }
    }
}

impl Place {
    pub(super) fn left(&self) -> f64 {
        self.middle.x - self.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.middle.x + self.width / 2.0
    }

    pub(super) fn top(&self) -> f64 {
        self.middle.y - self.height / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.middle.y + self.height / 2.0
    }

    pub(super) fn contains(&self, inner: &Self) -> bool {
        self.left() <= inner.left()
            && inner.right() <= self.right()
            && self.top() <= inner.top()
            && inner.bottom() <= self.bottom()
    }
}
