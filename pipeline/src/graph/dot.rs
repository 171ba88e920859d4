//! Renders a graph in DOT, the language of Graphviz.

use super::label::Highlight;
use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::names::escape_xml;

const FONT: &str = "fontname=\"Helvetica,Arial,sans-serif\"";

impl Graph {
    /// Renders a digraph in DOT, the language of [Graphviz](https://graphviz.org):
    /// `dot -Tsvg pipeline.dot > pipeline.svg`.
    ///
    /// ```
    /// # use pipeline::pipeline;
    /// let digraph = pipeline![|x: u32| x + 1].graph().to_dot();
    /// assert!(digraph.contains("n0 -> n1"));
    /// ```
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut lines = vec![
            "digraph pipeline {".to_owned(),
            format!(
                "    graph [bgcolor=\"white\", pad=0.2, nodesep=0.35, ranksep=0.45, {FONT}, fontsize=11]"
            ),
            format!(
                "    node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f8fa\", color=\"#57606a\", \
                 fontcolor=\"#1f2328\", {FONT}, fontsize=11, margin=\"0.16,0.09\"]"
            ),
            format!(
                "    edge [color=\"#57606a\", fontcolor=\"#1f2328\", {FONT}, fontsize=10, arrowsize=0.7]"
            ),
        ];
        push_group(self, None, 1, &mut lines);
        lines.extend(self.edges.iter().map(|edge| edge_line(self, edge)));
        lines.push("}\n".to_owned());
        lines.join("\n")
    }
}

fn edge_line(graph: &Graph, edge: &Edge) -> String {
    let mut attributes = Vec::new();
    match graph.label_of(edge).as_str() {
        "" => {}
        label => attributes.push(format!("label={}", quoted(&format!(" {label} ")))),
    }
    if edge.kind == EdgeKind::Fallback {
        attributes.push("style=dashed".to_owned());
    }
    let attributes = match attributes.join(", ").as_str() {
        "" => String::new(),
        attributes => format!(" [{attributes}]"),
    };
    format!("    n{} -> n{}{attributes}", edge.from, edge.to)
}

/// Appends the nodes of a group, and its nested groups.
fn push_group(graph: &Graph, group_index: Option<usize>, depth: usize, lines: &mut Vec<String>) {
    let indent = "    ".repeat(depth);
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group == group_index) {
        lines.push(format!("{indent}n{index} [{}]", node_attributes(node)));
    }
    for (index, inner) in graph.groups.iter().enumerate().filter(|(_, inner)| inner.parent == group_index) {
        lines.push(format!("{indent}subgraph cluster_{index} {{"));
        lines.push(format!(
            "{indent}    label={}; labeljust=l; style=\"rounded,dashed\"; color=\"#8c959f\"; fontcolor=\"#57606a\"",
            quoted(inner.label())
        ));
        push_group(graph, Some(index), depth + 1, lines);
        lines.push(format!("{indent}}}"));
    }
}

fn node_attributes(node: &Node) -> String {
    let shape = match node.kind {
        NodeKind::Stage => "",
        NodeKind::Input | NodeKind::Output => {
            ", style=\"rounded,filled\", fillcolor=\"#ddf4ff\", color=\"#0969da\""
        }
        NodeKind::Boundary => ", shape=hexagon, style=filled, margin=\"0.02,0.05\"",
        NodeKind::Choice => ", shape=diamond, style=filled, margin=\"0.02,0.02\"",
        NodeKind::Junction => ", shape=point, width=0.09",
    };
    let highlight = match node.highlight() {
        Some(Highlight { fill, stroke, .. }) => format!(", fillcolor=\"{fill}\", color=\"{stroke}\""),
        None => String::new(),
    };
    format!("label={}{shape}{highlight}", label(node))
}

/// The label of a node: a quoted string, or one of Graphviz's HTML-like labels, which can have a bold title.
fn label(node: &Node) -> String {
    let label = node.label();
    if label.lines.is_empty() && node.kind != NodeKind::Stage {
        return quoted(&label.title);
    }
    let title = format!("<b>{}</b>", escape_xml(&label.title));
    let small = |line: &String| format!("<font point-size=\"10\">{}</font>", escape_xml(line));
    let text: Vec<_> = [title].into_iter().chain(label.lines.iter().map(small)).collect();
    format!("<{}>", text.join("<br/>"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quoted(r#"Some("a\b")"#), r#""Some(\"a\\b\")""#);
    }

    #[test]
    fn forks_are_clusters_and_patterns_are_labels() {
        let text = Graph::new(&samples::router(), "alloc::string::String", None).to_dot();
        assert!(text.contains("    subgraph cluster_0 {\n        label=\"match\";"), "{text}");
        assert!(text.contains("        subgraph cluster_1 {\n            label=\"all\";"), "{text}");
        assert!(text.contains("    n2 -> n6 [label=\" Kind::Json(\\\"v2\\\") if strict \"]\n"), "{text}");
        assert!(text.contains("    n2 [label=<<b>match</b>"), "{text}");
        assert_eq!(text.matches('{').count() - 2, text.matches('}').count() - 2, "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn highlighted_nodes_are_filled() {
        let (graph, report) = samples::run().await;
        let text = graph.with_report(&report).to_dot();
        let line = |node: &str| text.lines().find(|line| line.contains(node)).unwrap_or_default();
        assert!(line("n1 [").contains("fillcolor=\"#ffe0de\""), "{text}");
        assert!(line("n2 [").contains("fillcolor=\"#fff3c4\""), "{text}");
        assert!(!line("n3 [").contains("fillcolor"), "{text}");
    }
}
