//! `Graph::to_svg`: renders a graph as an SVG image.

use std::fmt::{self, Write};

use super::edge_path::edge_path;
use super::geometry::Point;
use super::geometry::Rect;
use super::geometry::px;
use super::layout::Layout;
use super::measure;
use crate::graph::label::Highlight;
use crate::graph::model::EdgeKind;
use crate::graph::model::Graph;
use crate::graph::model::Group;
use crate::graph::model::Node;
use crate::graph::model::NodeKind;
use crate::graph::names::escape_xml;

/// The colour of text.
const INK: &str = "#1f2328";
/// The colour of edges, strokes and group titles.
const GREY: &str = "#57606a";
/// The fill colour of a group, `#8c959f`, and its opacity in percent.
const GROUP: [u32; 3] = [0x8c, 0x95, 0x9f];
const GROUP_PERCENT: u32 = 7;
const STYLE: &str =
    "text{font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif}";

impl Graph {
    /// Renders an SVG image. It has a white background, so that it is readable on a dark page too.
    ///
    /// ```
    /// # use pipeline::pipeline;
    /// let image = pipeline![|x: u32| x + 1].graph().to_svg();
    /// assert!(image.starts_with("<svg "));
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "svg")))]
    #[must_use]
    pub fn to_svg(&self) -> String {
        let mut image = String::new();
        // Writing to a `String` cannot fail.
        let _ = draw(self, &Layout::of(self), &mut image);
        image
    }
}

fn draw(graph: &Graph, layout: &Layout, out: &mut String) -> fmt::Result {
    let (width, height) = (px(layout.width), px(layout.height));
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="pipeline">"#
    )?;
    writeln!(
        out,
        r##"<style>{STYLE}</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1 10 5 0 9z" fill="{GREY}"/></marker></defs>
<rect width="{width}" height="{height}" rx="8" fill="#fff"/>"##
    )?;
    for rect in layout.groups.iter().flatten() {
        writeln!(
            out,
            r##"<rect {} rx="8" fill="#8c959f" fill-opacity="0.0{GROUP_PERCENT}" stroke="#8c959f" stroke-dasharray="4 3"/>"##,
            rect_attributes(rect)
        )?;
    }
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        let ends = [edge.from, edge.to].map(|node| {
            let rect = layout.nodes.get(node).copied().flatten();
            rect.zip(graph.nodes.get(node).map(Node::kind))
        });
        let dashes = if edge.kind == EdgeKind::Fallback { r#" stroke-dasharray="5 4""# } else { "" };
        let path = edge_path(&route.points, ends);
        writeln!(out, r#"<path d="{path}" fill="none" stroke="{GREY}"{dashes} marker-end="url(#head)"/>"#)?;
    }
    for (node, rect) in graph.nodes.iter().zip(&layout.nodes) {
        if let Some(rect) = rect {
            draw_node(node, rect, out)?;
        }
    }
    for (group, rect) in graph.groups.iter().zip(&layout.groups) {
        if let Some(rect) = rect {
            draw_title(group, rect, &background(layout, rect), out)?;
        }
    }
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        if let Some(rect) = &route.label {
            let fill = background(layout, rect);
            writeln!(out, r#"<rect {} rx="3" fill="{fill}"/>"#, rect_attributes(rect))?;
            let baseline = rect.center.y + measure::SMALL * 0.35;
            draw_text(&graph.label_of(edge), rect.center.x, baseline, TextStyle::Small, out)?;
        }
    }
    writeln!(out, "</svg>")
}

fn draw_node(node: &Node, rect: &Rect, out: &mut String) -> fmt::Result {
    let (fill, stroke) = match (node.highlight(), node.kind) {
        (Some(Highlight { fill, stroke, .. }), _) => (fill, stroke),
        (None, NodeKind::Input | NodeKind::Output) => ("#ddf4ff", "#0969da"),
        (None, NodeKind::Junction) => (GREY, GREY),
        (None, _) => ("#f6f8fa", GREY),
    };
    let Rect { center: Point { x, y }, height, .. } = *rect;
    let (left, right, top, bottom) = (px(rect.left()), px(rect.right()), px(rect.top()), px(rect.bottom()));
    let (slant, x_mid, y_mid) = (height / 4.0, px(x), px(y));
    let shape = match node.kind {
        NodeKind::Stage => format!(r#"<rect {} rx="6""#, rect_attributes(rect)),
        NodeKind::Input | NodeKind::Output | NodeKind::Junction => {
            format!(r#"<rect {} rx="{}""#, rect_attributes(rect), px(height / 2.0))
        }
        NodeKind::Boundary => {
            let (from, to) = (px(rect.left() + slant), px(rect.right() - slant));
            format!(r#"<path d="M{from} {top}H{to}L{right} {y_mid}L{to} {bottom}H{from}L{left} {y_mid}z""#)
        }
        NodeKind::Choice => {
            format!(r#"<path d="M{x_mid} {top}L{right} {y_mid}L{x_mid} {bottom}L{left} {y_mid}z""#)
        }
    };
    writeln!(out, r#"{shape} fill="{fill}" stroke="{stroke}"/>"#)?;
    let label = node.label();
    #[allow(clippy::cast_precision_loss)] // A label has few lines.
    let half_height = label.lines.len() as f64 * measure::LEADING / 2.0;
    let mut baseline = y - half_height + measure::TITLE * 0.36;
    if !label.title.is_empty() {
        draw_text(&label.title, x, baseline, TextStyle::Title, out)?;
    }
    for line in &label.lines {
        baseline += measure::LEADING;
        draw_text(line, x, baseline, TextStyle::Small, out)?;
    }
    Ok(())
}

/// The background colour at a rectangle: white, blended with the fill of each group that contains it. A label with this
/// fill hides the edges behind it and nothing else.
fn background(layout: &Layout, rect: &Rect) -> String {
    let depth = layout.groups.iter().flatten().filter(|group| group.contains(rect)).count();
    let blend = |below: u32, fill: u32| (below * (100 - GROUP_PERCENT) + fill * GROUP_PERCENT + 50) / 100;
    let [red, green, blue] = GROUP.map(|fill| (0..depth).fold(255, |below, _| blend(below, fill)));
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Draws the title of a group on a filled background, so that edges can pass behind it.
fn draw_title(group: &Group, rect: &Rect, fill: &str, out: &mut String) -> fmt::Result {
    let title = group.label();
    let width = measure::text_width(title, measure::SMALL) + 8.0;
    let (left, top) = (rect.left() + 6.0, rect.top() + 3.0);
    writeln!(
        out,
        r#"<rect x="{}" y="{}" width="{}" height="{}" rx="3" fill="{fill}"/>"#,
        px(left),
        px(top),
        px(width),
        px(measure::LEADING)
    )?;
    draw_text(title, left + width / 2.0, top + measure::LEADING * 0.74, TextStyle::Muted, out)
}

#[derive(Clone, Copy)]
enum TextStyle {
    Title,
    Small,
    Muted,
}

fn draw_text(line: &str, x: f64, baseline: f64, style: TextStyle, out: &mut String) -> fmt::Result {
    let (size, attributes) = match style {
        TextStyle::Title => (measure::TITLE, format!(r#"font-weight="bold" fill="{INK}""#)),
        TextStyle::Small => (measure::SMALL, format!(r#"fill="{INK}""#)),
        TextStyle::Muted => (measure::SMALL, format!(r#"fill="{GREY}""#)),
    };
    writeln!(
        out,
        r#"<text x="{}" y="{}" text-anchor="middle" font-size="{size}" {attributes}>{}</text>"#,
        px(x),
        px(baseline),
        escape_xml(line)
    )
}

fn rect_attributes(rect: &Rect) -> String {
    format!(
        r#"x="{}" y="{}" width="{}" height="{}""#,
        px(rect.left()),
        px(rect.top()),
        px(rect.width),
        px(rect.height)
    )
}
