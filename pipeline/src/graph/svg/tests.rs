//! Tests of SVG images: they are valid XML, elements do not overlap, and the output is deterministic.

use proptest::prelude::*;
use roxmltree::Document;

use crate::graph::model::Graph;
use crate::graph::samples;
use crate::graph::svg::geometry::Rect;
use crate::graph::svg::layout::Layout;
use crate::graph::tests::plans;

/// Whether two rectangles overlap by more than a stroke.
fn overlap(one: &Rect, other: &Rect) -> bool {
    const STROKE: f64 = 0.5;
    one.left() + STROKE < other.right()
        && other.left() + STROKE < one.right()
        && one.top() + STROKE < other.bottom()
        && other.top() + STROKE < one.bottom()
}

/// Describes the elements that overlap or are outside their group.
fn collisions(graph: &Graph) -> Vec<String> {
    let layout = Layout::of(graph);
    let mut found = Vec::new();
    let nodes: Vec<(usize, Rect)> =
        layout.nodes.iter().enumerate().filter_map(|(index, rect)| Some((index, (*rect)?))).collect();
    if nodes.len() != graph.nodes.len() {
        found.push("a node without a position".to_owned());
    }
    let labels: Vec<(usize, Rect)> =
        layout.routes.iter().enumerate().filter_map(|(index, route)| Some((index, route.label?))).collect();
    for (position, (index, rect)) in nodes.iter().enumerate() {
        for (other_index, other) in &nodes[position + 1..] {
            if overlap(rect, other) {
                found.push(format!("node {index} overlaps node {other_index}"));
            }
        }
        for (edge, label) in &labels {
            if overlap(rect, label) {
                found.push(format!("node {index} overlaps the label of edge {edge}"));
            }
        }
        for (group, frame) in layout.groups.iter().enumerate() {
            let Some(frame) = frame else { continue };
            let belongs = belongs(graph, graph.nodes[*index].group, group);
            if belongs && !frame.contains(rect) {
                found.push(format!("node {index} is outside its group {group}"));
            }
            if !belongs && overlap(frame, rect) {
                found.push(format!("node {index} overlaps group {group}, to which it does not belong"));
            }
        }
    }
    for (position, (edge, label)) in labels.iter().enumerate() {
        for (other_edge, other) in &labels[position + 1..] {
            if overlap(label, other) {
                found.push(format!("the label of edge {edge} overlaps that of edge {other_edge}"));
            }
        }
    }
    found
}

fn belongs(graph: &Graph, mut inner: Option<usize>, group: usize) -> bool {
    while let Some(index) = inner {
        if index == group {
            return true;
        }
        inner = graph.groups[index].parent;
    }
    false
}

#[test]
fn elements_do_not_overlap() {
    for (name, graph) in samples::all() {
        assert_eq!(collisions(&graph), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn branches_are_in_source_order_from_left_to_right() {
    let graph = Graph::new(&samples::router(), "String", None);
    let layout = Layout::of(&graph);
    let x = |name: &str| {
        let index = graph.nodes().position(|node| node.name() == name)?;
        Some(layout.nodes[index]?.center.x)
    };
    let branches = ["split", "parse_json", "thumbnail", "recognize"].map(x);
    assert!(branches.is_sorted() && branches[0].is_some(), "{branches:?}");
}

#[test]
fn text_fits_its_node() {
    // Narrow fonts, such as Helvetica, need half an em per character: less space would be too little for any font.
    const CHARACTER: f64 = 5.5;
    for (name, graph) in samples::all() {
        let layout = Layout::of(&graph);
        for (node, rect) in graph.nodes().zip(layout.nodes) {
            let longest = node.label().lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            #[allow(clippy::cast_precision_loss)] // A line is short.
            let min_width = longest as f64 * CHARACTER;
            assert!(rect.is_some_and(|rect| rect.width > min_width), "{name}: {}", node.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn highlighted_nodes_are_filled() {
    let (graph, report) = samples::run().await;
    let image = graph.with_report(&report).to_svg();
    let document = Document::parse(&image).expect("XML");
    let fills =
        |colour: &str| document.descendants().filter(|it| it.attribute("fill") == Some(colour)).count();
    assert_eq!((fills("#ffe0de"), fills("#fff3c4")), (1, 1));
    let texts: Vec<_> = document.descendants().filter_map(|it| it.text()).collect();
    assert!(texts.iter().any(|text| text.starts_with("200 calls · 8 failed (4 %)")), "{texts:?}");
}

#[test]
fn labels_are_in_the_image_verbatim() {
    let image = Graph::new(&samples::router(), "String", None).to_svg();
    let document = Document::parse(&image).expect("XML");
    let texts: Vec<_> = document.descendants().filter_map(|it| it.text()).collect();
    for text in ["Kind::Json(\"v2\") if strict", "Raw → Vec<String>", "all", "match"] {
        assert!(texts.contains(&text), "{text} is not among {texts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_image_of_any_plan_is_valid_and_deterministic(plan in plans()) {
        let graph = Graph::new(&plan, "In", None);
        let image = graph.to_svg();
        prop_assert!(Document::parse(&image).is_ok(), "{}", image);
        prop_assert_eq!(image, Graph::new(&plan, "In", None).to_svg());
        prop_assert_eq!(collisions(&graph), Vec::<String>::new());
    }
}
