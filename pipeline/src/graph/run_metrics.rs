//! `Graph::with_report`: adds the metrics of a run to the nodes and edges of a graph.

use std::time::Duration;

use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::model::NodeMetrics;
use crate::report::stage_report::StageReport;
use crate::report::summary::Report;

impl Graph {
    /// Adds the metrics of a run: calls, failures and latency to the nodes, item counts to the edges.
    ///
    /// Nodes that are [failing](Node::is_failing) or [slow](Node::is_slow) are highlighted. Steps are matched to the report by
    /// their order, so the report must be of the same pipeline; a step whose name differs from the one in the report gets
    /// no metrics.
    ///
    /// ```
    /// use pipeline::{pipeline, stage, ErrorMode};
    ///
    /// #[stage]
    /// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    ///     text.parse()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
    /// let numbers = pipeline![parse].on_error(ErrorMode::Lenient);
    /// let report = numbers.drain(["1", "two", "3", "4"].map(String::from)).await?;
    /// let graph = numbers.graph().with_report(&report);
    /// assert!(graph.to_string().contains("4 calls, 1 failed (25 %)"));
    /// assert!(graph.nodes().any(|node| node.is_failing()));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_report(mut self, report: &Report) -> Self {
        let is_reported =
            |node: &&mut Node| matches!(node.kind, NodeKind::Stage | NodeKind::Boundary | NodeKind::Choice);
        for (node, stage) in self.nodes.iter_mut().filter(is_reported).zip(report.stages()) {
            node.metrics = (node.name == stage.name()).then(|| NodeMetrics::of(stage));
        }
        mark_slow(&mut self.nodes);
        for index in 0..self.edges.len() {
            self.edges[index].items = edge_items(&self, index);
        }
        self
    }
}

impl NodeMetrics {
    fn of(stage: &StageReport) -> Self {
        Self {
            calls: stage.calls(),
            outputs: stage.outputs(),
            failures: stage.failed(),
            p99: stage.p99(),
            slow: false,
        }
    }
}

/// Sets `slow` by the rule of [`Node::is_slow`].
fn mark_slow(nodes: &mut [Node]) {
    let timed = nodes.iter().filter_map(Node::p99);
    let Some(largest) = timed.clone().max() else { return };
    let is_slow = |p99: Duration| p99 >= largest / 2;
    if timed.clone().all(is_slow) {
        return;
    }
    for metrics in nodes.iter_mut().filter_map(|node| node.metrics.as_mut()) {
        metrics.slow = metrics.p99.is_some_and(is_slow);
    }
}

/// The number of items that took an edge: the calls of the node at its end if it is the only edge into that node, or else
/// the outputs of the node at its start if that node passes each output along all its edges.
fn edge_items(graph: &Graph, index: usize) -> Option<usize> {
    let edge = &graph.edges[index];
    let passes_all = edge.kind == EdgeKind::Next && graph.nodes[edge.from].kind != NodeKind::Choice;
    let outputs = graph.nodes[edge.from].metrics.as_ref().filter(|_| passes_all).map(|it| it.outputs);
    items_into(graph, edge.to).or(outputs)
}

/// The number of items that reached a node, if a single edge leads to it. A junction passes each item to all nodes after it,
/// so the count of any of them is the count of the junction.
fn items_into(graph: &Graph, node: usize) -> Option<usize> {
    let mut incoming = graph.edges.iter().filter(|edge| edge.to == node);
    if incoming.next().is_none() || incoming.next().is_some() {
        return None;
    }
    if graph.nodes[node].kind == NodeKind::Junction {
        let mut outgoing = graph.edges.iter().filter(|edge| edge.from == node);
        return outgoing.find_map(|edge| items_into(graph, edge.to));
    }
    graph.nodes[node].metrics.as_ref().map(|it| it.calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::model::Edge;
    use crate::graph::samples;

    #[tokio::test(start_paused = true)]
    async fn edges_have_item_counts() {
        let (graph, report) = samples::run().await;
        assert!(graph.edges().all(|edge| edge.items().is_none()));
        let graph = graph.with_report(&report);
        let items: Vec<_> = graph.edges().map(Edge::items).collect();
        assert_eq!(items, [Some(200), Some(192), Some(192), Some(192)]);
    }

    #[test]
    fn an_edge_out_of_a_choice_has_the_calls_of_the_node_at_its_end() {
        let mut graph = Graph::new(&samples::router(), "In", None);
        for (calls, node) in (100..).zip(&mut graph.nodes) {
            let is_reported = !matches!(node.kind, NodeKind::Input | NodeKind::Output | NodeKind::Junction);
            let metrics = NodeMetrics { calls, outputs: calls - 1, failures: 1, p99: None, slow: false };
            node.metrics = is_reported.then_some(metrics);
        }
        let index = |name: &str| graph.nodes().position(|node| node.name() == name);
        let from_choice = graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| Some(edge.from) == index("match at src/main.rs:12"));
        let items: Vec<_> =
            from_choice.map(|(index, edge)| (edge.label(), edge_items(&graph, index))).collect();
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
    async fn the_report_of_another_pipeline_adds_no_metrics() {
        let (_, report) = samples::run().await;
        let graph = Graph::new(&samples::linear(), "In", None).with_report(&report);
        assert!(graph.nodes().all(|node| node.calls().is_none() && !node.is_failing() && !node.is_slow()));
    }

    #[tokio::test(start_paused = true)]
    async fn no_node_is_slow_if_all_take_equally_long() {
        let (graph, report) = samples::run().await;
        let mut graph = graph.with_report(&report);
        let same = Some(Duration::from_millis(200));
        for metrics in graph.nodes.iter_mut().filter_map(|node| node.metrics.as_mut()) {
            (metrics.p99, metrics.slow) = (same, false);
        }
        mark_slow(&mut graph.nodes);
        assert!(!graph.nodes().any(Node::is_slow));
    }
}
