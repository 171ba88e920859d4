//! The labels and the highlighting of nodes and edges, which all renderers share.

use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::model::NodeMetrics;
use super::names::counted;
use super::names::one_line;
use super::names::percentage;
use super::names::short_step;
use super::names::short_type;
use super::names::truncated;
use crate::error::human::format_duration;
use crate::report::table::with_separators;

/// The maximum length of a line on a node, in characters, before it wraps.
const LINE: usize = 44;

/// The maximum length of a node's title, in characters.
const TITLE: usize = 48;

/// The maximum length of an edge's label, in characters.
const EDGE: usize = 40;

/// The text on a node: a title, and the lines below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
}

impl Node {
    pub(super) fn label(&self) -> Label {
        let (title, types) = match self.kind {
            NodeKind::Input | NodeKind::Output => {
                (self.input().map_or_else(|| self.name.clone(), |it| short_type(it, TITLE)), Vec::new())
            }
            NodeKind::Junction => (String::new(), Vec::new()),
            // Two lines fit a diamond better.
            NodeKind::Choice => match short_step(&self.name).split_once(" at ") {
                Some((kind, location)) => (kind.to_owned(), vec![truncated(location, LINE)]),
                None => (truncated(&self.name, TITLE), Vec::new()),
            },
            NodeKind::Stage | NodeKind::Boundary => {
                (truncated(&short_step(&self.name), TITLE), self.type_lines())
            }
        };
        let policy = wrapped(&self.policy(), ", ");
        let metrics = wrapped(&self.metric_texts().join(" · "), " · ");
        Label { title, lines: [types, policy, metrics].concat() }
    }

    /// The input and output types: `In → Out` on one line if it fits, or else on two.
    fn type_lines(&self) -> Vec<String> {
        let (Some(input), Some(output)) = (self.input(), self.output()) else { return Vec::new() };
        let (input, output) = (short_type(input, LINE), short_type(output, LINE - 2));
        if input.chars().count() + output.chars().count() + 3 <= LINE {
            vec![format!("{input} → {output}")]
        } else {
            vec![input, format!("→ {output}")]
        }
    }

    /// The metrics of the node, such as `3,376 calls`, `12 failed (0.4 %)`, `p99 210ms`, `slow`.
    pub(super) fn metric_texts(&self) -> Vec<String> {
        let mut texts = self.metrics.as_ref().map(|it| it.texts(self.kind)).unwrap_or_default();
        if self.is_slow() {
            texts.push("slow".to_owned());
        }
        texts
    }
}

impl NodeMetrics {
    fn texts(&self, kind: NodeKind) -> Vec<String> {
        let mut texts = vec![match kind {
            NodeKind::Boundary => format!("{} in", with_separators(self.calls)),
            _ => counted(self.calls, "call", "calls"),
        }];
        if kind == NodeKind::Boundary {
            texts.push(format!("{} out", with_separators(self.outputs)));
        }
        if self.failures > 0 {
            let failed = with_separators(self.failures);
            texts.push(format!("{failed} failed{}", percentage(self.failures, self.calls)));
        }
        // The time of a choice is negligible, and on a paused clock a stage that is ready at once takes no time.
        if let Some(p99) = self.p99.filter(|p99| kind != NodeKind::Choice && !p99.is_zero()) {
            texts.push(format!("p99 {}", format_duration(p99)));
        }
        texts
    }
}

impl Graph {
    /// The label of an edge, with its item count where the nodes at its ends do not show it.
    pub(super) fn label_of(&self, edge: &Edge) -> String {
        let kind = |node: usize| self.nodes.get(node).map(|node| node.kind);
        let shows_items = edge.kind == EdgeKind::Fallback
            || kind(edge.from) == Some(NodeKind::Choice)
            || kind(edge.from) == Some(NodeKind::Input)
            || kind(edge.to) == Some(NodeKind::Output);
        let label = truncated(&one_line(&edge.label), EDGE);
        match edge.items.filter(|_| shows_items).map(with_separators) {
            None => label,
            Some(items) if label.is_empty() => items,
            Some(items) => format!("{label} · {items}"),
        }
    }
}

/// Wraps a text at its separators into lines of at most `LINE` characters. A part that is longer has a line of its own.
fn wrapped(text: &str, separator: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(separator).filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + separator.chars().count() + part.chars().count() <= LINE => {
                line.push_str(separator);
                line.push_str(part);
            }
            Some(line) => {
                // A comma stays at the end of the line, a middle dot does not.
                line.push_str(separator.trim_end_matches(' ').trim_end_matches('·').trim_end());
                lines.push(part.to_owned());
            }
            None => lines.push(part.to_owned()),
        }
    }
    lines
}

/// The style of a highlighted node: the name of its class, and its colours in CSS. The fills are light, for dark text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Highlight {
    pub(super) class: &'static str,
    pub(super) fill: &'static str,
    pub(super) stroke: &'static str,
}

/// All highlights.
pub(super) const HIGHLIGHTS: [Highlight; 3] = [FAILING, SLOW, BOTH];

const FAILING: Highlight = Highlight { class: "failing", fill: "#ffe0de", stroke: "#cf222e" };

const SLOW: Highlight = Highlight { class: "slow", fill: "#fff3c4", stroke: "#bf8700" };

const BOTH: Highlight = Highlight { class: "both", fill: "#ffd8a8", stroke: "#cf222e" };

impl Node {
    /// The highlight of a node that is failing or slow.
    pub(super) fn highlight(&self) -> Option<Highlight> {
        match (self.is_failing(), self.is_slow()) {
            (true, true) => Some(BOTH),
            (true, false) => Some(FAILING),
            (false, true) => Some(SLOW),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::samples;

    #[tokio::test(start_paused = true)]
    async fn nodes_show_their_metrics() {
        let (graph, report) = samples::run().await;
        let graph = graph.with_report(&report);
        let texts: Vec<_> = graph.nodes().map(|node| node.metric_texts().join(", ")).collect();
        let [_, check, fetch, store, _] = &*texts else { panic!("{texts:?}") };
        assert!(check.starts_with("200 calls, 8 failed (4 %)"), "{check}");
        assert!(fetch.starts_with("192 calls, p99 2") && fetch.ends_with("ms, slow"), "{fetch}");
        assert!(store.starts_with("192 calls, p99 1.") && store.ends_with("ms"), "{store}");
        let marks: Vec<_> = graph.nodes().map(|node| (node.is_failing(), node.is_slow())).collect();
        assert_eq!(marks, [(false, false), (true, false), (false, true), (false, false), (false, false)]);
    }
}
