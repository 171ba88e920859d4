//! What stands on a node and on an edge, whatever the picture is drawn with.

use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::names::capped;
use super::names::one_line;
use super::names::short_step;
use super::names::short_type;
use crate::report::table::count;

/// The characters of a line before it goes on in the next.
const LINE: usize = 44;

const TITLE: usize = 48;

const EDGE: usize = 40;

/// The first line and those below it.
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
            // In two lines it fits its diamond better.
            NodeKind::Choice => match short_step(&self.name).split_once(" at ") {
                Some((what, place)) => (what.to_owned(), vec![capped(place, LINE)]),
                None => (capped(&self.name, TITLE), Vec::new()),
            },
            NodeKind::Stage | NodeKind::Boundary => {
                (capped(&short_step(&self.name), TITLE), self.types_in_lines())
            }
        };
        let policy = wrapped(&self.policy(), ", ");
        let figures = wrapped(&self.words().join(" · "), " · ");
        Label { title, lines: [types, policy, figures].concat() }
    }

    fn types_in_lines(&self) -> Vec<String> {
        let (Some(input), Some(output)) = (self.input(), self.output()) else { return Vec::new() };
        let (input, output) = (short_type(input, LINE), short_type(output, LINE - 2));
        if input.chars().count() + output.chars().count() + 3 <= LINE {
            vec![format!("{input} → {output}")]
        } else {
            vec![input, format!("→ {output}")]
        }
    }

    /// What came of it in a run, and that it is slow.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = self.figures.as_ref().map(|it| it.words(self.kind)).unwrap_or_default();
        if self.is_slow() {
            words.push("slow".to_owned());
        }
        words
    }
}

impl Graph {
    /// The label of an edge, with the items that went along where the nodes at its ends do not say it.
    pub(super) fn label_of(&self, edge: &Edge) -> String {
        let kind = |node: usize| self.nodes.get(node).map(|node| node.kind);
        let tells = edge.kind == EdgeKind::Fallback
            || kind(edge.from) == Some(NodeKind::Choice)
            || kind(edge.from) == Some(NodeKind::Input)
            || kind(edge.to) == Some(NodeKind::Output);
        let label = capped(&one_line(&edge.label), EDGE);
        match edge.items.filter(|_| tells).map(count) {
            None => label,
            Some(items) if label.is_empty() => items,
            Some(items) => format!("{label} · {items}"),
        }
    }
}

/// The text in lines of at most so many characters, where its parts are not longer.
fn wrapped(text: &str, between: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(between).filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + between.chars().count() + part.chars().count() <= LINE => {
                line.push_str(between);
                line.push_str(part);
            }
            Some(line) => {
                // A comma stays behind; a dot in the middle would point at nothing.
                line.push_str(between.trim_end_matches(' ').trim_end_matches('·').trim_end());
                lines.push(part.to_owned());
            }
            None => lines.push(part.to_owned()),
        }
    }
    lines
}

/// The ground and the rim of a node that stands out, as colours in CSS. Text on it is dark, on any page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) class: &'static str,
    pub(super) ground: &'static str,
    pub(super) rim: &'static str,
}

/// Those that there are, for the classes of a picture.
pub(super) const LOOKS: [Look; 3] = [FAILING, SLOW, BOTH];

const FAILING: Look = Look { class: "failing", ground: "#ffe0de", rim: "#cf222e" };

const SLOW: Look = Look { class: "slow", ground: "#fff3c4", rim: "#bf8700" };

const BOTH: Look = Look { class: "both", ground: "#ffd8a8", rim: "#cf222e" };

impl Node {
    /// How a node looks that fails or is slow.
    pub(super) fn look(&self) -> Option<Look> {
        match (self.is_failing(), self.is_slow()) {
            (true, true) => Some(BOTH),
            (true, false) => Some(FAILING),
            (false, true) => Some(SLOW),
            (false, false) => None,
        }
    }
}
