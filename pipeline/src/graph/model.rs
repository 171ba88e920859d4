//! The data of a graph: nodes, edges, groups, and the metrics of a run.

use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

use super::names::describe_policy;
use crate::stage::attribute::Policy;
use crate::stage::plan::ForkKind;

/// A pipeline as a graph: a node per step, the edges between them, and a group of nodes per fork.
///
/// [`Pipeline::graph`](crate::Pipeline::graph) creates it. It displays as text for a terminal.
///
/// ```
/// use pipeline::{pipeline, stage};
///
/// #[stage(retries = 3, timeout = "5s")]
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// #[stage]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let graph = pipeline![parse => double].graph();
/// let names: Vec<_> = graph.nodes().map(|node| node.name()).collect();
/// assert_eq!(names, ["input", "parse", "double", "output"]);
///
/// let text = graph.to_string();
/// assert!(text.contains("3 retries, exponential from 100ms, timeout 5s"));
/// assert!(graph.to_mermaid().contains("flowchart TB"));
/// assert!(graph.to_dot().starts_with("digraph pipeline {"));
/// ```
///
/// The output is deterministic to the byte for a given pipeline, so it can be checked in and compared.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) groups: Vec<Group>,
    /// The steps and forks in the order of the plan, for the text tree.
    pub(super) outline: Vec<OutlineEntry>,
}

/// A node of a [`Graph`]: a step of the pipeline, its input or output, or a junction of edges.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) kind: NodeKind,
    pub(super) name: String,
    /// The input and the output type.
    pub(super) types: (Option<TypeName>, Option<TypeName>),
    pub(super) policy: Option<Policy>,
    pub(super) location: Option<&'static Location<'static>>,
    pub(super) group: Option<usize>,
    pub(super) metrics: Option<NodeMetrics>,
}

/// The full name of a type. It is owned for the tuple that concurrent branches return.
pub(super) type TypeName = Cow<'static, str>;

/// The metrics of a node in one run.
#[derive(Debug, Clone)]
pub(super) struct NodeMetrics {
    pub(super) calls: usize,
    pub(super) outputs: usize,
    pub(super) failures: usize,
    /// The 99th percentile of the call duration.
    pub(super) p99: Option<Duration>,
    /// See [`Node::is_slow`].
    pub(super) slow: bool,
}

/// What a [`Node`] represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// The input of the pipeline.
    Input,
    /// The output of the pipeline.
    Output,
    /// A stage, a closure, or another value that implements [`Stage`](crate::Stage).
    Stage,
    /// `each` or `batch`.
    Boundary,
    /// A `match`: an item takes one of the branches.
    Choice,
    /// A connection between two forks, where branches join and split again. It is not a step of the pipeline.
    Junction,
}

/// An edge of a [`Graph`]: a value that one node passes to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: EdgeKind,
    pub(super) label: String,
    pub(super) items: Option<usize>,
}

/// When an item takes an [`Edge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeKind {
    /// When the node at its start succeeded.
    Next,
    /// When the node at its start failed: the next alternative gets the same input.
    Fallback,
}

/// A group of a [`Graph`]: the nodes of one fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) fork: ForkKind,
    pub(super) parent: Option<usize>,
}

/// An entry of the outline: a step or a mark of the plan, resolved to nodes and groups.
#[derive(Debug, Clone)]
pub(super) enum OutlineEntry {
    /// A step, an index into `Graph::nodes`.
    Node(usize),
    /// The start of a fork, an index into `Graph::groups`.
    Open(usize),
    /// The start of a branch: the name of its variable or its pattern, and the names of the values that it needs.
    Branch { name: String, needs: Vec<String> },
    /// The end of a fork: the names of the values that it returns.
    Close { needs: Vec<String> },
}

impl Graph {
    /// The nodes in topological order: each edge leads from an earlier node to a later one.
    #[must_use]
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.iter()
    }

    /// The edges.
    #[must_use]
    pub fn edges(&self) -> impl ExactSizeIterator<Item = &Edge> {
        self.edges.iter()
    }

    /// The groups, one per fork, each before the groups nested in it.
    #[must_use]
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.iter()
    }
}

impl Node {
    /// What the node represents.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// The name of the step; `input` or `output` for the ends, and empty for a junction.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The full name of the input type, if known.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        self.types.0.as_deref()
    }

    /// The full name of the output type, if known.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.types.1.as_deref()
    }

    /// The policy of the stage in the words of its `#[stage]` attribute, such as
    /// `3 retries, exponential from 100ms, timeout 5s`. Empty for a stage without options.
    #[must_use]
    pub fn policy(&self) -> String {
        self.policy.as_ref().map(describe_policy).unwrap_or_default()
    }

    /// The source location of the step, if known.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }

    /// The innermost group that contains the node, an index into [`Graph::groups`].
    #[must_use]
    pub fn group(&self) -> Option<usize> {
        self.group
    }

    /// The number of items that the step was called on. `None` without [a report](Graph::with_report).
    #[must_use]
    pub fn calls(&self) -> Option<usize> {
        Some(self.metrics.as_ref()?.calls)
    }

    /// The number of calls that failed after their last attempt, and of isolated rows. `None` without
    /// [a report](Graph::with_report).
    #[must_use]
    pub fn failed(&self) -> Option<usize> {
        Some(self.metrics.as_ref()?.failures)
    }

    /// The 99th percentile of the call duration. `None` without [a report](Graph::with_report), or if no call was timed.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.metrics.as_ref()?.p99
    }

    /// Whether a call failed. False without [a report](Graph::with_report).
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.metrics.as_ref().is_some_and(|metrics| metrics.failures > 0)
    }

    /// Whether the step is slow compared to the others: its [`p99`](Self::p99) is at least half of the largest one.
    ///
    /// If that holds for all timed steps, none is slow. False without [a report](Graph::with_report).
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.metrics.as_ref().is_some_and(|metrics| metrics.slow)
    }
}

impl Edge {
    /// The node at its start, an index into [`Graph::nodes`].
    #[must_use]
    pub fn from(&self) -> usize {
        self.from
    }

    /// The node at its end, an index into [`Graph::nodes`].
    #[must_use]
    pub fn to(&self) -> usize {
        self.to
    }

    /// When an item takes the edge.
    #[must_use]
    pub fn kind(&self) -> EdgeKind {
        self.kind
    }

    /// The pattern of an edge out of a [choice](NodeKind::Choice), or the variable that the value is bound to. Often empty.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The number of items that took the edge. `None` without [a report](Graph::with_report), or if it cannot be derived from
    /// the report.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        self.items
    }
}

impl Group {
    /// The kind of the fork: `all`, `first that succeeds`, `match` or `graph`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.fork {
            ForkKind::All => "all",
            ForkKind::First => "first that succeeds",
            ForkKind::Route => "match",
            ForkKind::Graph => "graph",
        }
    }

    /// The group that contains this one, an index into [`Graph::groups`].
    #[must_use]
    pub fn parent(&self) -> Option<usize> {
        self.parent
    }
}
