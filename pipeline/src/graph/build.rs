//! `Graph::new`: builds the nodes and edges from the flat list of a plan's steps and marks.

use std::panic::Location;

use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Group;
use super::model::Node;
use super::model::NodeKind;
use super::model::OutlineEntry;
use super::model::TypeName;
use super::names::one_line;
use crate::stage::plan::ForkKind;
use crate::stage::plan::Plan;
use crate::stage::plan::Step;
use crate::stage::plan::StepKind;

impl Graph {
    /// The graph of a plan with an input and an output node. If the output type is not given, it is that of the last step.
    pub(crate) fn new(plan: &Plan, input: &'static str, output: Option<&'static str>) -> Self {
        let steps = plan.steps();
        let graph = Self { nodes: Vec::new(), edges: Vec::new(), groups: Vec::new(), outline: Vec::new() };
        let mut builder =
            Builder { steps, position: 0, graph, open_groups: Vec::new(), fallible: Vec::new() };
        let input_type = Some(TypeName::Borrowed(input));
        let entry = builder.node(NodeKind::Input, "input", (input_type.clone(), input_type.clone()), None);
        let mut open = OpenEdges { starts: vec![EdgeStart::next(entry)], value_type: input_type };
        while builder.position < steps.len() {
            open = builder.sequence(open);
            // A sequence ends before the last step only at a mark that has no `Open` before it. Skip that mark.
            builder.position += 1;
        }
        let output_type = output.map(TypeName::Borrowed).or(open.value_type);
        let exit = builder.node(NodeKind::Output, "output", (output_type.clone(), output_type), None);
        builder.connect(&open.starts, exit);
        builder.graph
    }
}

/// The edges whose end is the next node to be built.
#[derive(Clone, Default)]
struct OpenEdges {
    starts: Vec<EdgeStart>,
    /// The type of the value that they pass.
    value_type: Option<TypeName>,
}

/// The start of an edge.
#[derive(Clone, PartialEq)]
struct EdgeStart {
    node: usize,
    kind: EdgeKind,
    label: String,
}

impl EdgeStart {
    /// An edge that is taken when the node succeeds.
    fn next(node: usize) -> Self {
        Self { node, kind: EdgeKind::Next, label: String::new() }
    }

    /// An edge that is taken when the node fails.
    fn fallback(node: usize) -> Self {
        Self { node, kind: EdgeKind::Fallback, label: "if it fails".to_owned() }
    }
}

impl OpenEdges {
    /// Labels the edges that have no label yet.
    fn with_label(mut self, label: &str) -> Self {
        for start in self.starts.iter_mut().filter(|start| start.label.is_empty()) {
            label.clone_into(&mut start.label);
        }
        self
    }

    /// Adds edges, without duplicates.
    fn merge(&mut self, other: Self) {
        for start in other.starts {
            if !self.starts.contains(&start) {
                self.starts.push(start);
            }
        }
    }

    /// Whether several nodes can follow without a junction: there is a single edge, and no label that would be repeated.
    fn can_fan_out(&self) -> bool {
        matches!(&*self.starts, [start] if start.label.is_empty() && start.kind == EdgeKind::Next)
    }
}

/// A branch that was built.
struct Branch {
    name: String,
    open: OpenEdges,
    /// Whether another call of the graph, or its output, uses the value of the branch.
    is_used: bool,
}

impl Branch {
    /// The edges into the next alternative: from each node of this branch that can fail. (A branch of closures has none, and
    /// then they start at its last nodes.)
    fn fallback_edges(&self, fallible: &[usize]) -> OpenEdges {
        let mut starts: Vec<_> = fallible.iter().copied().map(EdgeStart::fallback).collect();
        if starts.is_empty() {
            starts = self.open.starts.iter().map(|start| EdgeStart::fallback(start.node)).collect();
        }
        OpenEdges { starts, value_type: self.open.value_type.clone() }
    }
}

struct Builder<'a> {
    steps: &'a [Step],
    /// The index of the next step.
    position: usize,
    graph: Graph,
    /// The groups around the next node, from the outside in.
    open_groups: Vec<usize>,
    /// The nodes of the current branch that can fail and have no alternative within the branch.
    fallible: Vec<usize>,
}

impl Builder<'_> {
    /// Builds the steps up to the end of the branch. Returns the edges out of the last one.
    fn sequence(&mut self, mut open: OpenEdges) -> OpenEdges {
        while let Some(step) = self.steps.get(self.position) {
            match &step.kind {
                StepKind::Stage(_) | StepKind::Boundary => {
                    let node = self.step(step);
                    self.connect(&open.starts, node);
                    let value_type = step.types.map(|(_, output)| TypeName::Borrowed(output));
                    open = OpenEdges { starts: vec![EdgeStart::next(node)], value_type };
                    self.position += 1;
                }
                StepKind::Open(fork) => open = self.fork(*fork, open),
                StepKind::Branch(_) | StepKind::Close(_) => break,
            }
        }
        open
    }

    fn step(&mut self, step: &Step) -> usize {
        let is_choice = matches!(
            self.steps.get(self.position + 1),
            Some(Step { kind: StepKind::Open(ForkKind::Route), .. })
        );
        let (kind, policy) = match step.kind {
            StepKind::Boundary => (NodeKind::Boundary, None),
            StepKind::Stage(policy) if !is_choice => (NodeKind::Stage, policy),
            _ => (NodeKind::Choice, None),
        };
        let types =
            step.types.map(|(input, output)| (TypeName::Borrowed(input), TypeName::Borrowed(output))).unzip();
        let node = self.node(kind, &step.name, types, step.at);
        self.graph.nodes[node].policy = policy;
        if kind == NodeKind::Stage && !is_closure(&step.name) {
            self.fallible.push(node);
        }
        self.graph.outline.push(OutlineEntry::Node(node));
        node
    }

    fn fork(&mut self, fork: ForkKind, open: OpenEdges) -> OpenEdges {
        self.position += 1;
        let needs_junction = self.input_uses(fork) > 1 && !open.can_fan_out();
        let input = if needs_junction { self.junction(&open) } else { open };
        let group = self.graph.groups.len();
        self.graph.groups.push(Group { fork, parent: self.open_groups.last().copied() });
        self.graph.outline.push(OutlineEntry::Open(group));
        self.open_groups.push(group);
        let branches = self.branches(fork, &input);
        let output = match fork {
            ForkKind::Graph => self.graph_output(branches, &input),
            ForkKind::All | ForkKind::First | ForkKind::Route => self.fork_output(fork, branches, input),
        };
        self.open_groups.pop();
        output
    }

    fn branches(&mut self, fork: ForkKind, input: &OpenEdges) -> Vec<Branch> {
        let mut branches: Vec<Branch> = Vec::new();
        let fallible_before = std::mem::take(&mut self.fallible);
        while let Some(step) = self.steps.get(self.position) {
            let StepKind::Branch(needs) = step.kind else {
                if matches!(step.kind, StepKind::Close(_)) {
                    break;
                }
                // Steps without a branch mark: build them, without a branch.
                self.sequence(input.clone());
                continue;
            };
            let name = one_line(&step.name);
            let need_names = match fork {
                ForkKind::Graph => names_of(needs, &branches),
                _ => Vec::new(),
            };
            self.graph.outline.push(OutlineEntry::Branch { name: name.clone(), needs: need_names });
            self.position += 1;
            let branch_input = match (fork, branches.last()) {
                (ForkKind::Route, _) => input.clone().with_label(&name),
                (ForkKind::First, Some(previous)) => {
                    previous.fallback_edges(&std::mem::take(&mut self.fallible))
                }
                (ForkKind::Graph, _) => arguments(needs, &mut branches, input),
                _ => input.clone(),
            };
            let mut open = self.sequence(branch_input);
            if fork == ForkKind::Graph && open.starts.len() > 1 && self.value_uses(branches.len() + 1) > 1 {
                open = self.junction(&open);
            }
            branches.push(Branch { name, open, is_used: false });
        }
        // The fork fails where its last alternative does; other forks fail where any of their branches does.
        self.fallible.splice(0..0, fallible_before);
        branches
    }

    /// The edges out of a graph: from the values of its output, and from unused calls, which the graph waits for too.
    fn graph_output(&mut self, mut branches: Vec<Branch>, input: &OpenEdges) -> OpenEdges {
        let needs = self.close();
        self.graph.outline.push(OutlineEntry::Close { needs: names_of(needs, &branches) });
        let mut output = OpenEdges::default();
        if !needs.is_empty() {
            output = arguments(needs, &mut branches, input);
        }
        if let [need] = needs {
            // The type of a named value is not that of the output: the value may be only a part of it.
            let only = need.checked_sub(1).and_then(|index| branches.get(index));
            output.value_type =
                only.filter(|branch| branch.name.is_empty()).and_then(|it| it.open.value_type.clone());
        }
        for branch in branches.into_iter().filter(|branch| !branch.is_used) {
            output.merge(branch.open);
        }
        if output.starts.is_empty() { input.clone() } else { output }
    }

    /// The edges out of any other fork: those out of its branches. `All` returns the tuple of their values.
    fn fork_output(&mut self, fork: ForkKind, branches: Vec<Branch>, input: OpenEdges) -> OpenEdges {
        self.close();
        self.graph.outline.push(OutlineEntry::Close { needs: Vec::new() });
        if branches.is_empty() {
            return input;
        }
        let mut output = OpenEdges::default();
        let types: Vec<_> = branches.iter().map(|branch| branch.open.value_type.clone()).collect();
        output.value_type = match fork {
            ForkKind::All => types.into_iter().collect::<Option<Vec<_>>>().map(|types| tuple(&types)),
            _ => types.into_iter().flatten().next(),
        };
        for branch in branches {
            output.merge(branch.open);
        }
        output
    }

    /// How many edges lead from the input of the fork into its branches and its output, where `position` is after `Open`.
    fn input_uses(&self, fork: ForkKind) -> usize {
        if fork == ForkKind::First {
            return 1;
        }
        let uses_input = |kind: &StepKind| match kind {
            StepKind::Branch(needs) => fork != ForkKind::Graph || needs.is_empty() || needs.contains(&0),
            StepKind::Close(needs) => needs.contains(&0),
            _ => false,
        };
        self.marks().into_iter().filter(|kind| uses_input(kind)).count()
    }

    /// How many of the following calls and the output of the enclosing graph use the value of a branch, counted from 1.
    fn value_uses(&self, value: usize) -> usize {
        let uses_value = |kind: &&StepKind| matches!(kind, StepKind::Branch(needs) | StepKind::Close(needs) if needs.contains(&value));
        self.marks().into_iter().filter(uses_value).count()
    }

    /// The remaining marks of the current fork, without those of nested forks.
    fn marks(&self) -> Vec<&StepKind> {
        let mut marks = Vec::new();
        let mut depth = 0_usize;
        for Step { kind, .. } in self.steps.iter().skip(self.position) {
            match kind {
                StepKind::Open(_) => depth += 1,
                StepKind::Branch(_) if depth == 0 => marks.push(kind),
                StepKind::Close(_) if depth == 0 => {
                    marks.push(kind);
                    break;
                }
                StepKind::Close(_) => depth -= 1,
                _ => {}
            }
        }
        marks
    }

    /// Consumes the mark that closes the fork.
    fn close(&mut self) -> &'static [usize] {
        let Some(Step { kind: StepKind::Close(needs), .. }) = self.steps.get(self.position) else {
            return &[];
        };
        self.position += 1;
        needs
    }

    /// Adds a junction that joins several edges into one.
    fn junction(&mut self, open: &OpenEdges) -> OpenEdges {
        let types = (open.value_type.clone(), open.value_type.clone());
        let node = self.node(NodeKind::Junction, "", types, None);
        self.connect(&open.starts, node);
        OpenEdges { starts: vec![EdgeStart::next(node)], value_type: open.value_type.clone() }
    }

    fn node(
        &mut self,
        kind: NodeKind,
        name: &str,
        types: (Option<TypeName>, Option<TypeName>),
        location: Option<&'static Location<'static>>,
    ) -> usize {
        let group = self.open_groups.last().copied();
        self.graph.nodes.push(Node {
            kind,
            name: name.to_owned(),
            types,
            policy: None,
            location,
            group,
            metrics: None,
        });
        self.graph.nodes.len() - 1
    }

    fn connect(&mut self, starts: &[EdgeStart], to: usize) {
        let edges = starts.iter().map(|EdgeStart { node, kind, label }| Edge {
            from: *node,
            to,
            kind: *kind,
            label: label.clone(),
            items: None,
        });
        self.graph.edges.extend(edges);
    }
}

/// The edges into a call of a graph: from the values that it needs, labelled with their names, or else from the input.
fn arguments(needs: &[usize], branches: &mut [Branch], input: &OpenEdges) -> OpenEdges {
    let mut edges = OpenEdges::default();
    for need in needs {
        match need.checked_sub(1).map(|index| branches.get_mut(index)) {
            None => edges.merge(input.clone()),
            Some(Some(branch)) => {
                branch.is_used = true;
                edges.merge(branch.open.clone().with_label(&branch.name));
            }
            Some(None) => {}
        }
    }
    if edges.starts.is_empty() { input.clone() } else { edges }
}

/// The names of the values that a call needs: `input`, a variable, or `#n` for the unnamed value of branch n.
fn names_of(needs: &[usize], branches: &[Branch]) -> Vec<String> {
    let name_of = |need: &usize| match need.checked_sub(1) {
        None => Some("input".to_owned()),
        Some(index) => match branches.get(index)?.name.as_str() {
            "" => Some(format!("#{need}")),
            name => Some(name.to_owned()),
        },
    };
    needs.iter().filter_map(name_of).collect()
}

/// Whether a step is a closure. A closure cannot return an error, and after a panic no alternative is tried.
fn is_closure(name: &str) -> bool {
    name.starts_with("closure at ") || name.starts_with("inspect at ")
}

fn tuple(types: &[TypeName]) -> TypeName {
    match types {
        [single] => format!("({single},)"),
        several => format!("({})", several.join(", ")),
    }
    .into()
}
