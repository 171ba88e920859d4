//! Estimates the size of text and nodes, in pixels, without access to the font.

use crate::graph::model::Node;
use crate::graph::model::NodeKind;

/// The font size of titles.
pub(super) const TITLE: f64 = 13.0;

/// The font size of all other text.
pub(super) const SMALL: f64 = 11.0;

/// The distance between baselines.
pub(super) const LEADING: f64 = 16.0;

/// The padding on the left and right of a node's text.
const PADDING_X: f64 = 14.0;

/// The padding above and below a node's text.
const PADDING_Y: f64 = 9.0;

/// The diameter of a junction.
const JUNCTION: f64 = 9.0;

/// The width and height of a node.
pub(super) fn node_size(node: &Node) -> (f64, f64) {
    let label = node.label();
    let widest = label
        .lines
        .iter()
        .map(|line| text_width(line, SMALL))
        .fold(bold_width(&label.title, TITLE), f64::max);
    #[allow(clippy::cast_precision_loss)] // A label has few lines.
    let lines = (label.lines.len() + 1) as f64;
    let (width, height) = (widest + 2.0 * PADDING_X, lines * LEADING + 2.0 * PADDING_Y);
    match node.kind {
        NodeKind::Junction => (JUNCTION, JUNCTION),
        NodeKind::Input | NodeKind::Output => (width, height - 4.0),
        NodeKind::Stage => (width.max(100.0), height),
        NodeKind::Boundary => (width + height / 2.0, height),
        // Wide and high enough for the corners of the text to stay inside the diamond.
        NodeKind::Choice => (widest * 1.5 + 2.0 * PADDING_X, height * 1.7),
    }
}

/// The width and height of an edge's label; 0 if it is empty.
pub(super) fn label_size(label: &str) -> (f64, f64) {
    if label.is_empty() { (0.0, 0.0) } else { (text_width(label, SMALL) + 8.0, LEADING) }
}

/// The width of bold text, which is 12 % wider.
fn bold_width(line: &str, size: f64) -> f64 {
    text_width(line, size) * 1.12
}

/// The width of a text in a wide font (DejaVu Sans, Verdana). Other fonts are narrower.
pub(super) fn text_width(line: &str, size: f64) -> f64 {
    let width = |character: char| match character {
        'i' | 'j' | 'l' | '\'' | '|' => 0.30,
        ' ' | '.' | ',' | ':' | ';' | '·' | '!' | 'I' => 0.34,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 0.98,
        '+' | '<' | '>' | '=' | '→' | '~' | '#' | '&' => 0.84,
        'A'..='Z' => 0.73,
        '0'..='9' | '{' | '}' | '$' => 0.64,
        _ if character.is_ascii() => 0.61,
        // Full-width characters, such as Chinese ones, are as wide as they are high.
        _ => 1.0,
    };
    line.chars().map(width).sum::<f64>() * size
}
