//! How much room text takes, as far as that can be said without the font.

use crate::graph::model::Node;
use crate::graph::model::NodeKind;

/// Sizes of text, in pixels.
pub(super) const TITLE: f64 = 13.0;

pub(super) const SMALL: f64 = 11.0;

/// From line to line.
pub(super) const LEADING: f64 = 16.0;

/// Between a text and the rim around it.
const SIDE: f64 = 14.0;

const ABOVE: f64 = 9.0;

const JUNCTION: f64 = 9.0;

/// The width and height of a node.
pub(super) fn node(node: &Node) -> (f64, f64) {
    let label = node.label();
    let widest = label.lines.iter().map(|line| text(line, SMALL)).fold(bold(&label.title, TITLE), f64::max);
    #[allow(clippy::cast_precision_loss)] // A handful.
    let lines = (label.lines.len() + 1) as f64;
    let (width, height) = (widest + 2.0 * SIDE, lines * LEADING + 2.0 * ABOVE);
    match node.kind {
        NodeKind::Junction => (JUNCTION, JUNCTION),
        NodeKind::Input | NodeKind::Output => (width, height - 4.0),
        NodeKind::Stage => (width.max(100.0), height),
        NodeKind::Boundary => (width + height / 2.0, height),
        // So that the corners of the text stay within the sides.
        NodeKind::Choice => (widest * 1.5 + 2.0 * SIDE, height * 1.7),
    }
}

/// The width and height of the label of an edge; nothing of none.
pub(super) fn edge(label: &str) -> (f64, f64) {
    if label.is_empty() { (0.0, 0.0) } else { (text(label, SMALL) + 8.0, LEADING) }
}

/// Twelve of a hundred more.
fn bold(line: &str, size: f64) -> f64 {
    text(line, size) * 1.12
}

/// The width of a text in a wide font (DejaVu Sans, Verdana). In the others it takes less.
pub(super) fn text(line: &str, size: f64) -> f64 {
    let width = |character: char| match character {
        'i' | 'j' | 'l' | '\'' | '|' => 0.30,
        ' ' | '.' | ',' | ':' | ';' | '·' | '!' | 'I' => 0.34,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 0.98,
        '+' | '<' | '>' | '=' | '→' | '~' | '#' | '&' => 0.84,
        'A'..='Z' => 0.73,
        '0'..='9' | '{' | '}' | '$' => 0.64,
        _ if character.is_ascii() => 0.61,
        // Half of the world's letters are as wide as they are high.
        _ => 1.0,
    };
    line.chars().map(width).sum::<f64>() * size
}
