//! The curve of an edge, as SVG path data.

use super::geometry::Point;
use super::geometry::Rect;
use super::geometry::px;
use crate::graph::model::NodeKind;

/// The path data of an edge: a smooth curve along `points`, from the outline of the node at its start to that of the node
/// at its end.
pub(super) fn edge_path(points: &[Point], ends: [Option<(Rect, NodeKind)>; 2]) -> String {
    let mut points = points.to_vec();
    let count = points.len();
    if count < 2 {
        return String::new();
    }
    if let [Some((from, from_kind)), Some((to, to_kind))] = ends {
        points[0] = outline_point(from, from_kind, points[1]);
        points[count - 1] = outline_point(to, to_kind, points[count - 2]);
    }
    curve(&points)
}

/// The point at which the line from the centre of a node to `toward` crosses the outline of the node.
fn outline_point(rect: Rect, kind: NodeKind, toward: Point) -> Point {
    let Rect { center, width, height } = rect;
    let (dx, dy) = (toward.x - center.x, toward.y - center.y);
    let (across, down) = (dx.abs() / (width / 2.0), dy.abs() / (height / 2.0));
    // The distance from the centre to `toward`, as a multiple of the distance to the outline.
    let ratio = match kind {
        NodeKind::Choice => across + down,
        NodeKind::Junction => across.hypot(down),
        _ => across.max(down),
    };
    if ratio <= 0.0 {
        return center;
    }
    Point { x: center.x + dx / ratio, y: center.y + dy / ratio }
}

/// A uniform cubic B-spline (de Boor, 1978): it stays in the convex hull of its points, and starts and ends at the first and
/// the last.
fn curve(points: &[Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let interpolate =
        |a: Point, b: Point, t: f64| Point { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
    let mut path = String::new();
    let mut push = |command: char, points: &[Point]| {
        let points: Vec<_> = points.iter().map(|point| format!("{} {}", px(point.x), px(point.y))).collect();
        path.push(command);
        path += &points.join(" ");
    };
    push('M', &[*first]);
    if let [first, second, ..] = points {
        push('L', &[interpolate(*first, *second, 1.0 / 6.0)]);
    }
    // The last point is doubled so that the curve ends in a straight line, as it starts.
    let padded: Vec<Point> = points.iter().copied().chain([*last]).collect();
    for corner in padded.windows(3) {
        let (leaving, arriving) =
            (interpolate(corner[0], corner[1], 2.0 / 3.0), interpolate(corner[1], corner[2], 1.0 / 3.0));
        let early = interpolate(corner[0], corner[1], 1.0 / 3.0);
        push('C', &[early, leaving, interpolate(leaving, arriving, 0.5)]);
    }
    push('L', &[*last]);
    path
}
