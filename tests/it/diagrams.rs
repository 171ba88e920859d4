//! `graph()`: the diagram of a pipeline has all steps and edges that are written.

use pipeline::graph::{Edge, EdgeKind, Node, NodeKind};
use pipeline::{ErrorMode, Graph, pipeline, stage};

use crate::support::Refused;

#[stage(retries = 3, timeout = "5s")]
async fn fetch(x: u32) -> Result<u32, Refused> {
    if x == 3 { Err(Refused(3)) } else { Ok(x) }
}

#[stage]
fn text(x: &u32) -> String {
    x.to_string()
}

#[stage]
fn join(text: String, x: u32) -> String {
    format!("{text}{}", x / 2)
}

#[stage(concurrency = 2)]
async fn even(x: u32) -> Result<u32, Refused> {
    if x.is_multiple_of(2) { Ok(x) } else { Err(Refused(1)) }
}

#[stage]
fn size(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap()
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

/// `name@line: in -> out [policy]`
fn nodes(graph: &Graph, from: u32) -> Vec<String> {
    let node = |node: &Node| {
        let line = node.location().map(|at| {
            assert_eq!(at.file(), file!());
            format!("@{}", at.line() - from)
        });
        let name = node.name().split(" at ").next().unwrap();
        let policy = Some(node.policy()).filter(|policy| !policy.is_empty()).map(|it| format!(" [{it}]"));
        let types = [node.input(), node.output()].map(|ty| ty.unwrap_or("?").replace("alloc::string::", ""));
        format!(
            "{name}{}: {} -> {}{}",
            line.unwrap_or_default(),
            types[0],
            types[1],
            policy.unwrap_or_default()
        )
    };
    graph.nodes().map(node).collect()
}

/// `from -> to (label)`, a fallback as `=>`.
fn edges(graph: &Graph) -> Vec<String> {
    let names: Vec<_> = graph.nodes().map(|node| node.name().split(" at ").next().unwrap()).collect();
    let edge = |edge: &Edge| {
        let arrow = if edge.kind() == EdgeKind::Fallback { "=>" } else { "->" };
        let label = Some(edge.label()).filter(|label| !label.is_empty()).map(|label| format!(" ({label})"));
        format!("{} {arrow} {}{}", names[edge.from()], names[edge.to()], label.unwrap_or_default())
    };
    graph.edges().map(edge).collect()
}

#[tokio::test(start_paused = true)]
async fn a_diagram_shows_each_step_with_its_location_types_and_policy() {
    let from = line!();
    let pipeline = pipeline![
        fetch.retries(1).delay("1ms")
            => (text, even.name("half"))
            => join
            => (|x: String| {
                let n = size(x);
                let m = add(n, n);
                add.name("sum")(n, m)
            })
            => (even | |x| x * 2)
            => match {
                0..=9 if from > 0 => "s".to_owned() => |text: String| text,
                n => n => text.name("large"),
            }
    ];
    let graph = pipeline.graph();
    let expected = [
        "input: u32 -> u32",
        "fetch@2: u32 -> u32 [1 retry, exponential from 1ms, timeout 5s]",
        "text@3: u32 -> String",
        "half@3: u32 -> u32 [concurrency 2]",
        "join@4: (String, u32) -> String",
        "size@6: String -> u32",
        "add@7: (u32, u32) -> u32",
        "sum@8: (u32, u32) -> u32",
        "even@10: u32 -> u32 [concurrency 2]",
        "closure@10: u32 -> u32",
        "match@11: u32 -> u32",
        "closure@12: String -> String",
        "large@13: u32 -> String",
        "output: String -> String",
    ];
    assert_eq!(nodes(&graph, from), expected);
    let expected = [
        "input -> fetch",
        "fetch -> text",
        "fetch -> half",
        "text -> join",
        "half -> join",
        "join -> size",
        "size -> add (n)",
        "size -> sum (n)",
        "add -> sum (m)",
        "sum -> even",
        "even => closure (if it fails)",
        "even -> match",
        "closure -> match",
        "match -> closure (0..=9 if from > 0)",
        "match -> large (n)",
        "closure -> output",
        "large -> output",
    ];
    assert_eq!(edges(&graph), expected);
    let groups: Vec<_> = graph.groups().map(|group| (group.label(), group.parent())).collect();
    let expected = [("all", None), ("graph", None), ("first that succeeds", None), ("match", None)];
    assert_eq!(groups, expected);
    let within: Vec<_> = graph.nodes().filter_map(Node::group).collect();
    assert_eq!(within, [0, 0, 1, 1, 1, 2, 2, 3, 3]);
    let kinds: Vec<_> = graph.nodes().map(Node::kind).filter(|kind| *kind != NodeKind::Stage).collect();
    assert_eq!(kinds, [NodeKind::Input, NodeKind::Choice, NodeKind::Output]);

    // 3 fails in `fetch` and 1 in `half`; one item takes the second alternative, and two items each arm of the match.
    let report = pipeline.on_error(ErrorMode::Collect).drain([0, 2, 3, 10, 1, 20]).await.unwrap();
    let graph = graph.with_report(&report);
    let figures = graph.nodes().map(|node| Some((node.calls()?, node.failed()?)));
    let figures: Vec<_> = figures.flatten().collect();
    let (four, two) = ((4, 0), (2, 0));
    let expected = [(6, 1), (5, 0), (5, 1), four, four, four, four, (4, 1), (1, 0), four, two, two];
    assert_eq!(figures, expected, "{graph}");
    let items: Vec<_> = graph.edges().map(Edge::items).collect();
    let expected = [6, 5, 5, 5, 4, 4, 4, 4, 4, 4, 1, 3, 1, 2, 2, 2, 2].map(Some);
    assert_eq!(items, expected, "{graph}");
}

#[test]
fn nested_forks_are_nested_groups() {
    let inner = pipeline![(text => size, |x| x) => add];
    let pipeline = pipeline![
        (
            ((even | fetch), { inner }) => add,
            match { 0 => 0 => |x: u32| { add(x, x) }, x => x => (|x| x, fetch) => add },
        )
    ];
    let graph = pipeline.graph();
    let groups: Vec<_> = graph.groups().map(|group| (group.label(), group.parent())).collect();
    let expected = [
        ("all", None),
        ("all", Some(0)),
        ("first that succeeds", Some(1)),
        ("all", Some(1)),
        ("match", Some(0)),
        ("graph", Some(4)),
        ("all", Some(4)),
    ];
    assert_eq!(groups, expected);
    let output = graph.nodes().last().unwrap();
    assert_eq!(output.output(), Some("(u32, u32)"));
    // Each edge leads forward, and each node but the input and the output has edges in and out.
    assert!(graph.edges().all(|edge| edge.from() < edge.to()));
    let last = graph.nodes().len() - 1;
    for node in 1..last {
        assert!(graph.edges().any(|edge| edge.to() == node) && graph.edges().any(|edge| edge.from() == node));
    }
    assert_eq!(graph.to_string(), pipeline.clone().graph().to_string());
}
