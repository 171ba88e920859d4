//! SVG: an image that needs no other program.

mod layout;
mod measure;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use self::layout::{Layout, Place, Point, Route};
use super::{EdgeKind, Graph, Group, Node, NodeKind};

const INK: &str = "#1f2328";
const GREY: &str = "#57606a";
/// The colour of a group, #8c959f, and how much of it there is over what is below.
const GROUP: [u32; 3] = [0x8c, 0x95, 0x9f];
const GROUP_PERCENT: u32 = 7;
const STYLE: &str =
    "text{font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif}";

pub(super) fn image(graph: &Graph) -> String {
    let mut image = String::new();
    // Writing to a string does not fail.
    let _ = draw(graph, &layout::of(graph), &mut image);
    image
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
    for place in layout.groups.iter().flatten() {
        writeln!(
            out,
            r##"<rect {} rx="8" fill="#8c959f" fill-opacity="0.0{GROUP_PERCENT}" stroke="#8c959f" stroke-dasharray="4 3"/>"##,
            corners(place)
        )?;
    }
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        let ends = [edge.from, edge.to].map(|node| {
            let place = layout.nodes.get(node).copied().flatten();
            place.zip(graph.nodes.get(node).map(Node::kind))
        });
        let dashes = if edge.kind == EdgeKind::Fallback { r#" stroke-dasharray="5 4""# } else { "" };
        let path = path(route, ends);
        writeln!(out, r#"<path d="{path}" fill="none" stroke="{GREY}"{dashes} marker-end="url(#head)"/>"#)?;
    }
    for (node, place) in graph.nodes.iter().zip(&layout.nodes) {
        if let Some(place) = place {
            draw_node(node, place, out)?;
        }
    }
    for (group, place) in graph.groups.iter().zip(&layout.groups) {
        if let Some(place) = place {
            draw_title(group, place, &ground(layout, place), out)?;
        }
    }
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        if let Some(place) = &route.label {
            writeln!(out, r#"<rect {} rx="3" fill="{}"/>"#, corners(place), ground(layout, place))?;
            let baseline = place.middle.y + measure::SMALL * 0.35;
            text(&graph.label_of(edge), place.middle.x, baseline, Face::Small, out)?;
        }
    }
    writeln!(out, "</svg>")
}

fn draw_node(node: &Node, place: &Place, out: &mut String) -> fmt::Result {
    let (ground, rim) = match (node.look(), node.kind) {
        (Some(look), _) => (look.ground, look.rim),
        (None, NodeKind::Input | NodeKind::Output) => ("#ddf4ff", "#0969da"),
        (None, NodeKind::Junction) => (GREY, GREY),
        (None, _) => ("#f6f8fa", GREY),
    };
    let Place { middle: Point { x, y }, height, .. } = *place;
    let (left, right, top, bottom) =
        (px(place.left()), px(place.right()), px(place.top()), px(place.bottom()));
    let (slant, x_mid, y_mid) = (height / 4.0, px(x), px(y));
    let shape = match node.kind {
        NodeKind::Stage => format!(r#"<rect {} rx="6""#, corners(place)),
        NodeKind::Input | NodeKind::Output | NodeKind::Junction => {
            format!(r#"<rect {} rx="{}""#, corners(place), px(height / 2.0))
        }
        NodeKind::Boundary => {
            let (from, to) = (px(place.left() + slant), px(place.right() - slant));
            format!(r#"<path d="M{from} {top}H{to}L{right} {y_mid}L{to} {bottom}H{from}L{left} {y_mid}z""#)
        }
        NodeKind::Choice => {
            format!(r#"<path d="M{x_mid} {top}L{right} {y_mid}L{x_mid} {bottom}L{left} {y_mid}z""#)
        }
    };
    writeln!(out, r#"{shape} fill="{ground}" stroke="{rim}"/>"#)?;
    let label = node.label();
    #[allow(clippy::cast_precision_loss)] // A handful.
    let above = label.lines.len() as f64 * measure::LEADING / 2.0;
    let mut baseline = y - above + measure::TITLE * 0.36;
    if !label.title.is_empty() {
        text(&label.title, x, baseline, Face::Title, out)?;
    }
    for line in &label.lines {
        baseline += measure::LEADING;
        text(line, x, baseline, Face::Small, out)?;
    }
    Ok(())
}

/// The colour behind a place, for what is to cover the edge behind a text and nothing else: a group is a little darker than
/// what is around it.
fn ground(layout: &Layout, place: &Place) -> String {
    let depth = layout.groups.iter().flatten().filter(|group| group.contains(place)).count();
    let darker = |colour: u32, of: u32| (colour * (100 - GROUP_PERCENT) + of * GROUP_PERCENT + 50) / 100;
    let [red, green, blue] = GROUP.map(|of| (0..depth).fold(255, |colour, _| darker(colour, of)));
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The title of a group, on a ground of its own so that an edge can pass behind it.
fn draw_title(group: &Group, place: &Place, ground: &str, out: &mut String) -> fmt::Result {
    let title = group.label();
    let width = measure::text(title, measure::SMALL) + 8.0;
    let (left, top) = (place.left() + 6.0, place.top() + 3.0);
    writeln!(
        out,
        r#"<rect x="{}" y="{}" width="{}" height="{}" rx="3" fill="{ground}"/>"#,
        px(left),
        px(top),
        px(width),
        px(measure::LEADING)
    )?;
    text(title, left + width / 2.0, top + measure::LEADING * 0.74, Face::Quiet, out)
}

#[derive(Clone, Copy)]
enum Face {
    Title,
    Small,
    Quiet,
}

fn text(line: &str, x: f64, baseline: f64, face: Face, out: &mut String) -> fmt::Result {
    let (size, look) = match face {
        Face::Title => (measure::TITLE, format!(r#"font-weight="bold" fill="{INK}""#)),
        Face::Small => (measure::SMALL, format!(r#"fill="{INK}""#)),
        Face::Quiet => (measure::SMALL, format!(r#"fill="{GREY}""#)),
    };
    writeln!(
        out,
        r#"<text x="{}" y="{}" text-anchor="middle" font-size="{size}" {look}>{}</text>"#,
        px(x),
        px(baseline),
        escaped(line)
    )
}

/// The way of an edge as a smooth curve, from the rim of one node to that of the other.
fn path(route: &Route, ends: [Option<(Place, NodeKind)>; 2]) -> String {
    let mut points = route.points.clone();
    let count = points.len();
    if count < 2 {
        return String::new();
    }
    if let [Some((from, from_kind)), Some((to, to_kind))] = ends {
        points[0] = rim(from, from_kind, points[1]);
        points[count - 1] = rim(to, to_kind, points[count - 2]);
    }
    curve(&points)
}

/// Where the line from a point to the middle of a node meets its rim.
fn rim(place: Place, kind: NodeKind, toward: Point) -> Point {
    let Place { middle, width, height } = place;
    let (dx, dy) = (toward.x - middle.x, toward.y - middle.y);
    let (across, down) = (dx.abs() / (width / 2.0), dy.abs() / (height / 2.0));
    let times = match kind {
        NodeKind::Choice => across + down,
        NodeKind::Junction => across.hypot(down),
        _ => across.max(down),
    };
    if times <= 0.0 {
        return middle;
    }
    Point { x: middle.x + dx / times, y: middle.y + dy / times }
}

/// A uniform cubic B-spline (de Boor, 1978): it keeps to the hull of its points, and ends at the first and the last.
fn curve(points: &[Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let between =
        |a: Point, b: Point, part: f64| Point { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part };
    let mut path = String::new();
    let mut to = |command: char, points: &[Point]| {
        let points: Vec<_> = points.iter().map(|point| format!("{} {}", px(point.x), px(point.y))).collect();
        path.push(command);
        path += &points.join(" ");
    };
    to('M', &[*first]);
    if let [first, second, ..] = points {
        to('L', &[between(*first, *second, 1.0 / 6.0)]);
    }
    // The last point twice: there the curve straightens out, as it does at the first.
    let padded: Vec<Point> = points.iter().copied().chain([*last]).collect();
    for corner in padded.windows(3) {
        let (leaving, arriving) =
            (between(corner[0], corner[1], 2.0 / 3.0), between(corner[1], corner[2], 1.0 / 3.0));
        let early = between(corner[0], corner[1], 1.0 / 3.0);
        to('C', &[early, leaving, between(leaving, arriving, 0.5)]);
    }
    to('L', &[*last]);
    path
}

fn corners(place: &Place) -> String {
    format!(
        r#"x="{}" y="{}" width="{}" height="{}""#,
        px(place.left()),
        px(place.top()),
        px(place.width),
        px(place.height)
    )
}

/// To a tenth of a pixel: what is finer differs from machine to machine.
fn px(length: f64) -> f64 {
    // Adding nothing makes a zero of a negative one.
    (length * 10.0).round() / 10.0 + 0.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
