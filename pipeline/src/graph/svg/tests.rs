//! What an image promises: it is XML, nothing lies on anything else, and it is the same each time.

use proptest::prelude::*;
use roxmltree::Document;

use crate::graph::model::Graph;
use crate::graph::samples;
use crate::graph::svg::layout;
use crate::graph::svg::layout::Place;
use crate::graph::tests::plans;

/// Whether two boxes have more in common than a rim.
fn overlap(one: &Place, other: &Place) -> bool {
    const RIM: f64 = 0.5;
    one.left() + RIM < other.right()
        && other.left() + RIM < one.right()
        && one.top() + RIM < other.bottom()
        && other.top() + RIM < one.bottom()
}

/// What lies on what, in words.
fn collisions(graph: &Graph) -> Vec<String> {
    let layout = layout::of(graph);
    let mut found = Vec::new();
    let nodes: Vec<(usize, Place)> =
        layout.nodes.iter().enumerate().filter_map(|(index, place)| Some((index, (*place)?))).collect();
    if nodes.len() != graph.nodes.len() {
        found.push("a node without a place".to_owned());
    }
    let labels: Vec<(usize, Place)> =
        layout.routes.iter().enumerate().filter_map(|(index, route)| Some((index, route.label?))).collect();
    for (position, (index, place)) in nodes.iter().enumerate() {
        for (other_index, other) in &nodes[position + 1..] {
            if overlap(place, other) {
                found.push(format!("node {index} on node {other_index}"));
            }
        }
        for (edge, label) in &labels {
            if overlap(place, label) {
                found.push(format!("node {index} on the label of edge {edge}"));
            }
        }
        for (group, frame) in layout.groups.iter().enumerate() {
            let Some(frame) = frame else { continue };
            let belongs = belongs(graph, graph.nodes[*index].group, group);
            if belongs && !frame.contains(place) {
                found.push(format!("node {index} beyond its group {group}"));
            }
            if !belongs && overlap(frame, place) {
                found.push(format!("node {index} in group {group}, which it is not part of"));
            }
        }
    }
    for (position, (edge, label)) in labels.iter().enumerate() {
        for (other_edge, other) in &labels[position + 1..] {
            if overlap(label, other) {
                found.push(format!("the label of edge {edge} on that of edge {other_edge}"));
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
fn nothing_lies_on_anything_else() {
    for (name, graph) in samples::all() {
        assert_eq!(collisions(&graph), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn branches_stand_from_left_to_right_as_they_are_written() {
    let graph = Graph::new(&samples::router(), "String", None);
    let layout = layout::of(&graph);
    let x = |name: &str| {
        let index = graph.nodes().position(|node| node.name() == name)?;
        Some(layout.nodes[index]?.middle.x)
    };
    let ways = ["split", "parse_json", "thumbnail", "recognize"].map(x);
    assert!(ways.is_sorted() && ways[0].is_some(), "{ways:?}");
}

#[test]
fn text_fits_its_node() {
    // In the narrow fonts, such as Helvetica, half an em a character: less room would be too little in any.
    const CHARACTER: f64 = 5.5;
    for (name, graph) in samples::all() {
        let layout = layout::of(&graph);
        for (node, place) in graph.nodes().zip(layout.nodes) {
            let longest = node.label().lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            #[allow(clippy::cast_precision_loss)] // A handful.
            let least = longest as f64 * CHARACTER;
            assert!(place.is_some_and(|place| place.width > least), "{name}: {}", node.name());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_out_is_filled() {
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
fn a_label_is_in_the_image_as_it_is_written() {
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
    fn any_plan_has_an_image_that_is_the_same_each_time(plan in plans()) {
        let graph = Graph::new(&plan, "In", None);
        let image = graph.to_svg();
        prop_assert!(Document::parse(&image).is_ok(), "{}", image);
        prop_assert_eq!(image, Graph::new(&plan, "In", None).to_svg());
        prop_assert_eq!(collisions(&graph), Vec::<String>::new());
    }
}
