//! Tests of the nodes and edges of graphs, independent of the renderer.

use proptest::prelude::*;
use std::time::Duration;

use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::names::describe_policy;
use super::names::short_type;
use super::samples;
use super::samples::Raw;
use crate::stage::attribute::Backoff;
use crate::stage::attribute::Growth;
use crate::stage::attribute::Policy;
use crate::stage::attribute::Rate;
use crate::stage::plan::ForkKind;
use crate::stage::plan::Plan;

/// The edges as `from -label-> to`, fallbacks as `from ~label~> to`. A junction is `+`.
fn edges(graph: &Graph) -> Vec<String> {
    let name = |node: usize| match graph.nodes[node].kind {
        NodeKind::Junction => "+",
        _ => graph.nodes[node].name.as_str(),
    };
    let text = |edge: &Edge| {
        let line = if edge.kind == EdgeKind::Fallback { '~' } else { '-' };
        format!("{} {line}{}{line}> {}", name(edge.from), edge.label, name(edge.to))
    };
    graph.edges().map(text).collect()
}

fn of(plan: &Plan) -> Graph {
    Graph::new(plan, "In", None)
}

#[test]
fn a_linear_plan_connects_input_to_output() {
    let drawn = edges(&of(&samples::linear()));
    assert_eq!(
        drawn,
        [
            "input --> fetch",
            "fetch --> parse",
            "parse --> batch(500)",
            "batch(500) --> store",
            "store --> output",
        ]
    );
}

#[test]
fn the_calls_of_a_graph_are_connected_to_their_arguments() {
    let drawn = edges(&of(&samples::dashboard()));
    assert_eq!(
        drawn,
        [
            "input --> fetch_user",
            "input --> fetch_orders",
            "input --> fetch_news",
            "fetch_user -user-> score",
            "fetch_orders -orders-> score",
            "fetch_user -user-> render",
            "fetch_orders -orders-> render",
            "fetch_news -news-> render",
            "score -score-> render",
            "render --> output",
        ]
    );
}

#[test]
fn each_edge_out_of_a_choice_has_its_pattern_and_an_empty_branch_skips_to_the_next_step() {
    let drawn = edges(&of(&samples::router()));
    assert_eq!(
        drawn,
        [
            "input --> sniff",
            "sniff --> match at src/main.rs:12",
            "match at src/main.rs:12 -Kind::Csv { head, .. } | Kind::Tsv(head)-> split",
            "split --> columns",
            "columns --> check",
            "match at src/main.rs:12 -Kind::Json(\"v2\") if strict-> parse_json",
            "match at src/main.rs:12 -Kind::Image(_)-> +",
            "+ --> thumbnail",
            "+ --> recognize",
            "thumbnail --> describe",
            "recognize --> describe",
            "check --> store",
            "parse_json --> store",
            "describe --> store",
            "match at src/main.rs:12 -_-> store",
            "store --> output",
        ]
    );
}

#[test]
fn a_failing_alternative_leads_to_the_next_and_a_successful_one_to_the_next_step() {
    let drawn = edges(&of(&samples::mirror()));
    assert_eq!(
        drawn,
        [
            "input --> primary",
            "primary ~if it fails~> mirror",
            "mirror --> unpack",
            "mirror ~if it fails~> cache",
            "unpack ~if it fails~> cache",
            "primary --> parse",
            "unpack --> parse",
            "cache --> parse",
            "parse --> output",
        ]
    );
}

#[test]
fn consecutive_forks_are_joined_by_a_junction() {
    let drawn = edges(&of(&samples::deep()));
    assert_eq!(
        drawn,
        [
            "input --> read",
            "read --> quick",
            "quick ~if it fails~> +",
            "+ --> left",
            "+ --> right",
            "left --> merge",
            "right --> merge",
            "input --> measure",
            "quick --> +",
            "merge --> +",
            "measure --> +",
            "+ --> rate",
            "+ --> who",
            "+ --> what",
            "who --> +",
            "what --> +",
            "rate -score-> render",
            "+ -pair-> render",
            "+ -pair-> log",
            "render -page-> send",
            "log --> send",
            "send --> output",
        ]
    );
}

#[test]
fn groups_are_nested_like_the_forks() {
    let graph = of(&samples::deep());
    let groups: Vec<_> = graph.groups().map(|group| (group.label(), group.parent())).collect();
    assert_eq!(
        groups,
        [
            ("all", None),
            ("first that succeeds", Some(0)),
            ("all", Some(1)),
            ("graph", None),
            ("all", Some(3)),
        ]
    );
    let group_of = |name: &str| graph.nodes().find(|node| node.name() == name).and_then(Node::group);
    assert_eq!(
        ["left", "merge", "measure", "log", "send"].map(group_of),
        [Some(2), Some(1), Some(0), Some(3), None]
    );
}

#[test]
fn the_output_type_is_that_of_the_last_value() {
    let output = |plan: &Plan| {
        let graph = of(plan);
        graph.nodes().last().and_then(|node| node.output().map(|full| short_type(full, 80)))
    };
    assert_eq!(output(&samples::linear()).as_deref(), Some("usize"));
    assert_eq!(output(&samples::dashboard()).as_deref(), Some("Page"));
    let mut pair = Plan::default();
    pair.open(ForkKind::All);
    pair.branch("", &[]);
    pair.bare::<Raw, u8>("left");
    pair.branch("", &[]);
    pair.bare::<Raw, u16>("right");
    pair.close(&[]);
    assert_eq!(output(&pair).as_deref(), Some("(u8, u16)"));
}

#[test]
fn a_node_has_its_location_and_policy() {
    let graph = of(&samples::linear());
    let fetch = graph.nodes().nth(1).expect("the first step");
    assert!(fetch.location().is_some_and(|at| at.file().ends_with("samples.rs")));
    assert_eq!(fetch.policy(), "3 retries, exponential from 100ms, timeout 5s, concurrency 4, rate 100/s");
    assert_eq!(fetch.input(), Some("alloc::string::String"));
    let kinds: Vec<_> = graph.nodes().map(Node::kind).collect();
    assert_eq!(
        kinds,
        [
            NodeKind::Input,
            NodeKind::Stage,
            NodeKind::Stage,
            NodeKind::Boundary,
            NodeKind::Stage,
            NodeKind::Output,
        ]
    );
}

#[test]
fn a_policy_is_in_the_words_of_its_attribute() {
    assert_eq!(describe_policy(&Policy::new("bare")), "");
    assert_eq!(describe_policy(&samples::hasty("hasty")), "timeout 250ms");
    let words = "3 retries, exponential from 100ms, timeout 5s, concurrency 4, rate 100/s";
    assert_eq!(describe_policy(&samples::patient("patient")), words);
    let words = "1 retry, linear from 100ms to 2s with jitter, deadline 1m 30s";
    assert_eq!(describe_policy(&samples::stubborn("stubborn")), words);
    let mut fixed = Policy::new("fixed");
    fixed.retries = 2;
    fixed.backoff = Backoff { growth: Growth::Fixed, ..Backoff::DEFAULT.with_delay(Duration::from_mins(1)) };
    fixed.rate = Rate::new(5, Duration::from_millis(100));
    assert_eq!(describe_policy(&fixed), "2 retries, fixed 1m 0s, rate 5/100ms");
}

/// A part of a random plan, as a tree.
#[derive(Debug, Clone)]
enum Part {
    Step,
    Fork(ForkKind, Vec<Vec<Part>>),
}

/// Values that a branch of a graph may need. Some of them do not exist.
const NEEDS: [&[usize]; 8] = [&[], &[0], &[1], &[0, 1], &[1, 2], &[2, 1, 1], &[3], &[9]];

/// Names and patterns with characters that are syntax in an output format.
const NAMES: [&str; 8] = [
    "plain",
    "",
    "a::<B>(\"c\\d\") | &_",
    "end",
    "#35; `x` *y*",
    "{{}} %% --> ]",
    "ä→\u{1f980}",
    "</text>\n<",
];

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let fork =
        prop_oneof![Just(ForkKind::All), Just(ForkKind::First), Just(ForkKind::Route), Just(ForkKind::Graph)];
    let part = Just(Part::Step).prop_recursive(4, 40, 4, move |inner| {
        let branches = prop::collection::vec(prop::collection::vec(inner, 0..4), 0..5);
        prop_oneof![2 => Just(Part::Step), 3 => (fork.clone(), branches).prop_map(|(fork, branches)| Part::Fork(fork, branches))]
    });
    prop::collection::vec(part, 0..4)
}

fn plan_of(parts: &[Part], plan: &mut Plan) {
    for part in parts {
        let some = plan.steps().len();
        let name = NAMES[some % NAMES.len()];
        match part {
            Part::Step if some.is_multiple_of(3) => {
                plan.bare::<Vec<Raw>, Option<&str>>(name);
            }
            Part::Step => {
                plan.stage(Policy::new(name));
            }
            Part::Fork(fork, branches) => {
                if *fork == ForkKind::Route && !some.is_multiple_of(5) {
                    plan.step("match at src/main.rs:12");
                }
                plan.open(*fork);
                for (index, branch) in branches.iter().enumerate() {
                    plan.branch(NAMES[(some + index) % NAMES.len()], NEEDS[(some * 3 + index) % NEEDS.len()]);
                    plan_of(branch, plan);
                }
                plan.close(NEEDS[some % NEEDS.len()]);
            }
        }
    }
}

pub(super) fn plans() -> impl Strategy<Value = Plan> {
    parts().prop_map(|parts| {
        let mut plan = Plan::default();
        plan_of(&parts, &mut plan);
        plan
    })
}

proptest! {
    #[test]
    fn the_graph_of_any_plan_is_connected(plan in plans()) {
        let graph = of(&plan);
        let last = graph.nodes.len() - 1;
        for edge in graph.edges() {
            prop_assert!(edge.from < edge.to && edge.to <= last);
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            let (into, out_of) = (
                graph.edges().filter(|edge| edge.to == index).count(),
                graph.edges().filter(|edge| edge.from == index).count(),
            );
            prop_assert_eq!(into == 0, node.kind == NodeKind::Input, "into {:?}", node);
            prop_assert!(out_of > 0 || node.kind == NodeKind::Output, "out of {:?}", node);
        }
        let steps = graph.nodes().filter(|node| !matches!(node.kind(), NodeKind::Input | NodeKind::Output | NodeKind::Junction));
        prop_assert_eq!(steps.count(), plan.reported().count());
        let named = plan.steps().iter().filter(|step| !step.name.is_empty());
        let text = graph.to_string();
        prop_assert!(named.count() == 0 || text.lines().count() > 4);
    }

    #[test]
    fn marks_in_any_order_make_a_graph(marks in prop::collection::vec(0..6_u8, 0..20)) {
        let mut plan = Plan::default();
        for mark in marks {
            match mark {
                0 | 1 => plan.stage(Policy::new("step")),
                2 => plan.open(ForkKind::Graph),
                3 => plan.open(ForkKind::First),
                4 => plan.branch("branch", &[1]),
                _ => plan.close(&[1]),
            };
        }
        let graph = of(&plan);
        prop_assert!(!graph.to_string().is_empty() && !graph.to_mermaid().is_empty() && !graph.to_dot().is_empty());
        let steps = graph.nodes().filter(|node| node.name() == "step").count();
        prop_assert_eq!(steps, plan.reported().count());
    }
}
