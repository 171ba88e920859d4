//! Renders a graph as a Mermaid flowchart, which GitHub draws in Markdown.

use super::label::HIGHLIGHTS;
use super::label::Highlight;
use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;

/// The labels are already wrapped, so Mermaid must not wrap them again. The margin keeps the title of a subgraph off the
/// edges into it.
const SETTINGS: &str =
    r#"%%{init: {"flowchart": {"wrappingWidth": 400, "subGraphTitleMargin": {"top": 2, "bottom": 12}}}}%%"#;

impl Graph {
    /// Renders a [Mermaid](https://mermaid.js.org) flowchart. In Markdown, between lines of <code>```mermaid</code> and
    /// <code>```</code>, GitHub draws it.
    ///
    /// ```
    /// # use pipeline::pipeline;
    /// let flowchart = pipeline![|x: u32| x + 1].graph().to_mermaid();
    /// assert!(flowchart.contains("n0 --> n1"));
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut lines = vec![SETTINGS.to_owned(), "flowchart TB".to_owned()];
        push_group(self, None, 1, &mut lines);
        lines.extend(self.edges.iter().map(|edge| edge_line(self, edge)));
        if !self.groups.is_empty() {
            let groups: Vec<_> = (0..self.groups.len()).map(|index| format!("g{index}")).collect();
            lines.push("    classDef fork fill:#8c959f12,stroke:#8c959f,stroke-dasharray:4 3".to_owned());
            lines.push(format!("    class {} fork", groups.join(",")));
        }
        for highlight in HIGHLIGHTS {
            let is_highlighted = |(_, node): &(usize, &Node)| node.highlight() == Some(highlight);
            let nodes = self.nodes.iter().enumerate().filter(is_highlighted);
            let ids: Vec<_> = nodes.map(|(index, _)| format!("n{index}")).collect();
            if !ids.is_empty() {
                let Highlight { class, fill, stroke } = highlight;
                lines.push(format!("    classDef {class} fill:{fill},stroke:{stroke},color:#1f2328"));
                lines.push(format!("    class {} {class}", ids.join(",")));
            }
        }
        lines.join("\n") + "\n"
    }
}

fn edge_line(graph: &Graph, edge: &Edge) -> String {
    let arrow = match edge.kind {
        EdgeKind::Next => "-->",
        EdgeKind::Fallback => "-.->",
    };
    let label = match graph.label_of(edge).as_str() {
        "" => String::new(),
        label => format!("|\"{}\"|", escaped(label)),
    };
    format!("    n{} {arrow}{label} n{}", edge.from, edge.to)
}

/// Appends the nodes of a group, and its nested groups.
fn push_group(graph: &Graph, group_index: Option<usize>, depth: usize, lines: &mut Vec<String>) {
    let indent = "    ".repeat(depth);
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group == group_index) {
        lines.push(format!("{indent}n{index}{}", shape(node)));
    }
    for (index, inner) in graph.groups.iter().enumerate().filter(|(_, inner)| inner.parent == group_index) {
        lines.push(format!("{indent}subgraph g{index}[\"{}\"]", inner.label()));
        push_group(graph, Some(index), depth + 1, lines);
        lines.push(format!("{indent}end"));
    }
}

/// The node with its label, in the brackets that select its shape.
fn shape(node: &Node) -> String {
    let label = node.label();
    let title = format!("<b>{}</b>", escaped(&label.title));
    let lines = label.lines.iter().map(|line| escaped(line));
    let text = [title].into_iter().chain(lines).collect::<Vec<_>>().join("<br/>");
    match node.kind {
        NodeKind::Input | NodeKind::Output => format!("([\"{}\"])", escaped(&label.title)),
        NodeKind::Stage => format!("[\"{text}\"]"),
        NodeKind::Boundary => format!("{{{{\"{text}\"}}}}"),
        NodeKind::Choice => format!("{{\"{text}\"}}"),
        NodeKind::Junction => "((\" \"))".to_owned(),
    }
}

/// Replaces each character that could be Mermaid syntax, HTML or Markdown by its character code. A `_` within a name is none.
fn escaped(text: &str) -> String {
    let characters: Vec<_> = text.chars().collect();
    let is_alphanumeric = |at: Option<usize>| {
        at.and_then(|at| characters.get(at)).is_some_and(|character| character.is_alphanumeric())
    };
    let escape = |(at, character): (usize, &char)| match character {
        ' ' | ',' | '.' | '(' | ')' | '/' | '%' | ':' | '=' => character.to_string(),
        '_' if is_alphanumeric(at.checked_sub(1)) && is_alphanumeric(Some(at + 1)) => character.to_string(),
        _ if character.is_alphanumeric() || !character.is_ascii() => character.to_string(),
        _ => format!("#{};", u32::from(*character)),
    };
    characters.iter().enumerate().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples;

    #[test]
    fn special_characters_become_character_codes() {
        assert_eq!(escaped("Some(\"a|b\")"), "Some(#34;a#124;b#34;)");
        assert_eq!(escaped("Vec<u8> → `x`"), "Vec#60;u8#62; → #96;x#96;");
        assert_eq!(escaped("{ .. } #[]; *_~&\\"), "#123; .. #125; #35;#91;#93;#59; #42;#95;#126;#38;#92;");
        assert_eq!(escaped("a\nb"), "a#10;b");
        assert_eq!(escaped("fetch_user _x_ y__z"), "fetch_user #95;x#95; y#95;#95;z");
    }

    #[test]
    fn forks_are_subgraphs_and_fallbacks_are_dotted() {
        let text = Graph::new(&samples::mirror(), "alloc::string::String", None).to_mermaid();
        let body = text.split_once("flowchart TB\n").map(|(_, body)| body);
        assert_eq!(
            body,
            Some(
                r#"    n0(["String"])
    n5["<b>parse</b><br/>Raw → Parsed"]
    n6(["Parsed"])
    subgraph g0["first that succeeds"]
        n1["<b>primary</b><br/>String → Raw<br/>3 retries, exponential from 100ms,<br/>timeout 5s, concurrency 4, rate 100/s"]
        n2["<b>mirror</b><br/>String → Vec#60;u8#62;<br/>timeout 250ms"]
        n3["<b>unpack</b><br/>Vec#60;u8#62; → Raw"]
        n4["<b>cache</b><br/>String → Raw"]
    end
    n0 --> n1
    n1 -.->|"if it fails"| n2
    n2 --> n3
    n2 -.->|"if it fails"| n4
    n3 -.->|"if it fails"| n4
    n1 --> n5
    n3 --> n5
    n4 --> n5
    n5 --> n6
    classDef fork fill:#8c959f12,stroke:#8c959f,stroke-dasharray:4 3
    class g0 fork
"#
            )
        );
    }

    #[tokio::test(start_paused = true)]
    async fn highlighted_nodes_have_a_class() {
        let (graph, report) = samples::run().await;
        let text = graph.with_report(&report).to_mermaid();
        assert!(text.contains("    class n1 failing\n"), "{text}");
        assert!(text.contains("    class n2 slow\n"), "{text}");
        assert!(text.contains("n0 -->|\"200\"| n1\n"), "{text}");
    }
}
