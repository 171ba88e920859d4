//! What came of a run, on the nodes and edges of its picture.

use std::time::Duration;

use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::names::counted;
use super::names::share;
use crate::error::human::human;
use crate::report::stage_report::StageReport;
use crate::report::summary::Report;
use crate::report::table::count;

#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) calls: usize,
    pub(super) outputs: usize,
    pub(super) failures: usize,
    pub(super) p99: Option<Duration>,
    pub(super) slow: bool,
}

pub(super) fn write(graph: &mut Graph, report: &Report) {
    let reported =
        |node: &&mut Node| matches!(node.kind, NodeKind::Stage | NodeKind::Boundary | NodeKind::Choice);
    for (node, stage) in graph.nodes.iter_mut().filter(reported).zip(report.stages()) {
        node.figures = (node.name == stage.name()).then(|| Figures::of(stage));
    }
    mark_slow(&mut graph.nodes);
    for index in 0..graph.edges.len() {
        graph.edges[index].items = items(graph, index);
    }
}

impl Figures {
    fn of(stage: &StageReport) -> Self {
        Self {
            calls: stage.calls(),
            outputs: stage.outputs(),
            failures: stage.failed(),
            p99: stage.p99(),
            slow: false,
        }
    }

    /// `3,376 calls`, `12 failed (0.4 %)`, `p99 210ms`
    pub(super) fn words(&self, kind: NodeKind) -> Vec<String> {
        let mut words = vec![match kind {
            NodeKind::Boundary => format!("{} in", count(self.calls)),
            _ => counted(self.calls, "call", "calls"),
        }];
        if kind == NodeKind::Boundary {
            words.push(format!("{} out", count(self.outputs)));
        }
        if self.failures > 0 {
            let failed = count(self.failures);
            words.push(format!("{failed} failed{}", share(self.failures, self.calls)));
        }
        // To choose takes no time worth telling.
        // Stages that are ready at once have no time at all on a clock that stands still.
        if let Some(p99) = self.p99.filter(|p99| kind != NodeKind::Choice && !p99.is_zero()) {
            words.push(format!("p99 {}", human(p99)));
        }
        words
    }
}

/// See [`Node::is_slow`].
fn mark_slow(nodes: &mut [Node]) {
    let timed = nodes.iter().filter_map(Node::p99);
    let Some(largest) = timed.clone().max() else { return };
    let is_slow = |p99: Duration| p99 >= largest / 2;
    if timed.clone().all(is_slow) {
        return;
    }
    for figures in nodes.iter_mut().filter_map(|node| node.figures.as_mut()) {
        figures.slow = figures.p99.is_some_and(is_slow);
    }
}

/// What went along an edge: all that arrived where it is the only one to arrive, or all that the node before gave where
/// it gives to each.
fn items(graph: &Graph, index: usize) -> Option<usize> {
    let edge = &graph.edges[index];
    let gives_to_each = edge.kind == EdgeKind::Next && graph.nodes[edge.from].kind != NodeKind::Choice;
    let given = graph.nodes[edge.from].figures.as_ref().filter(|_| gives_to_each).map(|it| it.outputs);
    arrived(graph, edge.to).or(given)
}

/// What arrived at a node along its only edge. A junction hands on what arrives to each that comes after.
fn arrived(graph: &Graph, node: usize) -> Option<usize> {
    let mut arriving = graph.edges.iter().filter(|edge| edge.to == node);
    if arriving.next().is_none() || arriving.next().is_some() {
        return None;
    }
    if graph.nodes[node].kind == NodeKind::Junction {
        let mut next = graph.edges.iter().filter(|edge| edge.from == node);
        return next.find_map(|edge| arrived(graph, edge.to));
    }
    graph.nodes[node].figures.as_ref().map(|it| it.calls)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nodes_say_what_came_of_them() {
        let (graph, report) = samples::run().await;
        let graph = graph.with_report(&report);
        let words: Vec<_> = graph.nodes().map(|node| node.words().join(", ")).collect();
        let [_, check, fetch, store, _] = &*words else { panic!("{words:?}") };
        assert!(check.starts_with("200 calls, 8 failed (4 %)"), "{check}");
        assert!(fetch.starts_with("192 calls, p99 2") && fetch.ends_with("ms, slow"), "{fetch}");
        assert!(store.starts_with("192 calls, p99 1.") && store.ends_with("ms"), "{store}");
        let marks: Vec<_> = graph.nodes().map(|node| (node.is_failing(), node.is_slow())).collect();
        assert_eq!(marks, [(false, false), (true, false), (false, true), (false, false), (false, false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn edges_say_how_many_went_along() {
        let (graph, report) = samples::run().await;
        assert!(graph.edges().all(|edge| edge.items().is_none()));
        let graph = graph.with_report(&report);
        let items: Vec<_> = graph.edges().map(super::super::Edge::items).collect();
        assert_eq!(items, [Some(200), Some(192), Some(192), Some(192)]);
    }

    #[test]
    fn a_way_out_of_a_choice_has_what_arrived_behind_it() {
        let mut graph = Graph::new(&samples::router(), "In", None);
        for (calls, node) in (100..).zip(&mut graph.nodes) {
            let reported = !matches!(node.kind, NodeKind::Input | NodeKind::Output | NodeKind::Junction);
            let figures = Figures { calls, outputs: calls - 1, failures: 1, p99: None, slow: false };
            node.figures = reported.then_some(figures);
        }
        let index = |name: &str| graph.nodes().position(|node| node.name() == name);
        let ways = graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| Some(edge.from) == index("match at src/main.rs:12"));
        let items: Vec<_> = ways.map(|(way, edge)| (edge.label(), items(&graph, way))).collect();
        let calls = |name: &str| index(name).and_then(|index| graph.nodes[index].calls());
        assert_eq!(
            items,
            [
                ("Kind::Csv { head, .. } | Kind::Tsv(head)", calls("split")),
                ("Kind::Json(\"v2\") if strict", calls("parse_json")),
                ("Kind::Image(_)", calls("thumbnail")),
                ("_", None),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_report_of_another_pipeline_leaves_nodes_plain() {
        let (_, report) = samples::run().await;
        let graph = Graph::new(&samples::line(), "In", None).with_report(&report);
        assert!(graph.nodes().all(|node| node.calls().is_none() && node.look().is_none()));
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_take_as_long_none_is_slow() {
        let (graph, report) = samples::run().await;
        let mut graph = graph.with_report(&report);
        let both = Some(Duration::from_millis(200));
        for figures in graph.nodes.iter_mut().filter_map(|node| node.figures.as_mut()) {
            (figures.p99, figures.slow) = (both, false);
        }
        mark_slow(&mut graph.nodes);
        assert!(!graph.nodes().any(Node::is_slow));
    }
}
