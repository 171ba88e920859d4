//! The picture of a pipeline: what it is made of, and what came of a run, drawn.
//!
//! [`Pipeline::graph`](crate::Pipeline::graph) makes a [`Graph`]. It displays as text for a terminal, and turns into
//! [Mermaid](Graph::to_mermaid), which GitHub draws in Markdown, into [DOT](Graph::to_dot) for Graphviz, and, with the
//! feature `svg`, into an image by itself (`to_svg`).

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::figures::Figures;
#[cfg(feature = "svg")]
use super::svg;
use super::{build, dot, figures, mermaid, names, text};
use crate::report::summary::Report;
use crate::stage::attribute::Policy;
use crate::stage::plan::ForkKind;
use crate::stage::plan::Plan;

/// What a pipeline is made of: nodes, the edges between them, and groups of nodes where it forks.
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
/// The same pipeline gives the same picture, to the last byte, so that a file with it can be checked in and compared.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) groups: Vec<Group>,
    /// The same as a tree, for the terminal.
    pub(super) outline: Vec<Line>,
}

/// A step of the pipeline, or a place where its ways begin, meet or end.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) kind: NodeKind,
    pub(super) name: String,
    pub(super) types: (Option<Type>, Option<Type>),
    pub(super) policy: Option<Policy>,
    pub(super) at: Option<&'static Location<'static>>,
    pub(super) group: Option<usize>,
    pub(super) figures: Option<Figures>,
}

/// The full name of a type. That of a tuple, of branches side by side, is put together.
pub(crate) type Type = std::borrow::Cow<'static, str>;

/// What a [`Node`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// Where items come in.
    Input,
    /// Where they come out.
    Output,
    /// A stage, a closure, a value of one's own.
    Stage,
    /// `each`, `batch`
    Boundary,
    /// A `match`: an item goes one of the ways.
    Choice,
    /// Between two forks, where ways meet and part again. No code stands behind it.
    Junction,
}

/// Something that goes from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: EdgeKind,
    pub(super) label: String,
    pub(super) items: Option<usize>,
}

/// When an [`Edge`] is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeKind {
    /// When the node before is done.
    Next,
    /// When it failed: the next one of several that are tried in order gets the same input.
    Fallback,
}

/// A fork: the nodes of its branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) fork: ForkKind,
    pub(super) parent: Option<usize>,
}

/// A line of the outline: the steps of the plan again, by what became of them.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    Node(usize),
    Open(usize),
    /// The variable or the pattern, and what it needs, in words.
    Branch {
        name: String,
        needs: Vec<String>,
    },
    Close {
        needs: Vec<String>,
    },
}

impl Graph {
    /// The picture of a plan, between its first input and its last output as far as these are known.
    pub(crate) fn new(plan: &Plan, input: &'static str, output: Option<&'static str>) -> Self {
        build::graph(plan.steps(), input, output)
    }

    /// The nodes, each after those that it gets something from.
    #[must_use]
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.iter()
    }

    /// The edges.
    #[must_use]
    pub fn edges(&self) -> impl ExactSizeIterator<Item = &Edge> {
        self.edges.iter()
    }

    /// The forks, each before those within it.
    #[must_use]
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.iter()
    }

    /// Writes what came of a run on the picture: calls, failures and latency on the nodes, items on the edges.
    ///
    /// Nodes that [fail](Node::is_failing) or are [slow](Node::is_slow) get a colour. Stages are told apart by their
    /// order, so the report has to be of the same pipeline: a stage whose name is not that in the report stays plain.
    ///
    /// ```
    /// use pipeline::{pipeline, stage, ErrorMode};
    ///
    /// #[stage]
    /// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    ///     text.parse()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pipeline::Aborted> {
    /// let numbers = pipeline![parse].on_error(ErrorMode::Lenient);
    /// let report = numbers.drain(["1", "two", "3", "4"].map(String::from)).await?;
    /// let graph = numbers.graph().with_report(&report);
    /// assert!(graph.to_string().contains("4 calls, 1 failed (25 %)"));
    /// assert!(graph.nodes().any(|node| node.is_failing()));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_report(mut self, report: &Report) -> Self {
        figures::write(&mut self, report);
        self
    }

    /// A [Mermaid](https://mermaid.js.org) flowchart: in Markdown, between lines of <code>```mermaid</code> and
    /// <code>```</code>, GitHub draws it.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::flowchart(self)
    }

    /// A digraph in the language of [Graphviz](https://graphviz.org): `dot -Tsvg pipeline.dot > pipeline.svg`.
    #[must_use]
    pub fn to_dot(&self) -> String {
        dot::digraph(self)
    }

    /// An image, on a light ground of its own so that it can be read on a dark page too.
    ///
    /// ```
    /// # use pipeline::pipeline;
    /// let image = pipeline![|x: u32| x + 1].graph().to_svg();
    /// assert!(image.starts_with("<svg "));
    /// ```
    #[cfg(feature = "svg")]
    #[cfg_attr(docsrs, doc(cfg(feature = "svg")))]
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::image(self)
    }
}

/// The steps as a tree, for a terminal: what goes in and out, the policy and the place of each; with a report, what came of it.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::tree(self, f)
    }
}

impl Node {
    /// What it stands for.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// The name of the stage; `input`, `output`, and nothing for a junction.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The full name of the type that goes in, if it is known.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        self.types.0.as_deref()
    }

    /// The full name of the type that comes out, if it is known.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.types.1.as_deref()
    }

    /// What its `#[stage]` attribute asks for, in the words of the attribute; empty for a bare stage.
    ///
    /// For example `3 retries, exponential from 100ms, timeout 5s`.
    #[must_use]
    pub fn policy(&self) -> String {
        self.policy.as_ref().map(names::policy).unwrap_or_default()
    }

    /// Where it is written.
    #[must_use]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.at
    }

    /// The innermost fork that it is part of, an index into [`Graph::groups`].
    #[must_use]
    pub fn group(&self) -> Option<usize> {
        self.group
    }

    /// The items that it was called on, if there is [a report](Graph::with_report).
    #[must_use]
    pub fn calls(&self) -> Option<usize> {
        Some(self.figures.as_ref()?.calls)
    }

    /// The calls that failed for good, if there is [a report](Graph::with_report).
    #[must_use]
    pub fn failures(&self) -> Option<usize> {
        Some(self.figures.as_ref()?.failures)
    }

    /// What 99 of a hundred calls took at most, if there is [a report](Graph::with_report) and calls were timed.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.figures.as_ref()?.p99
    }

    /// Whether a call failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.figures.as_ref().is_some_and(|figures| figures.failures > 0)
    }

    /// Whether it takes long among the stages of its pipeline: its p99 is at least half the largest of them.
    ///
    /// Where that is so of all that were timed, none of them stands out, and none is slow.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.figures.as_ref().is_some_and(|figures| figures.slow)
    }
}

impl Edge {
    /// Where it starts, an index into [`Graph::nodes`].
    #[must_use]
    pub fn from(&self) -> usize {
        self.from
    }

    /// Where it leads, an index into [`Graph::nodes`].
    #[must_use]
    pub fn to(&self) -> usize {
        self.to
    }

    /// When it is taken.
    #[must_use]
    pub fn kind(&self) -> EdgeKind {
        self.kind
    }

    /// The pattern of a way out of a [choice](NodeKind::Choice), or the variable that the value is bound to; often empty.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The items that went along it, if there is [a report](Graph::with_report) and they can be told from it.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        self.items
    }
}

impl Group {
    /// What its branches are to each other: `all`, `first that succeeds`, `match` or `graph`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.fork {
            ForkKind::All => "all",
            ForkKind::First => "first that succeeds",
            ForkKind::Route => "match",
            ForkKind::Graph => "graph",
        }
    }

    /// The fork that it is a part of, an index into [`Graph::groups`].
    #[must_use]
    pub fn parent(&self) -> Option<usize> {
        self.parent
    }
}
