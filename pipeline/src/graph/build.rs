//! From the flat list of a plan's steps and marks to nodes and edges.

use std::panic::Location;

use super::model::Edge;
use super::model::EdgeKind;
use super::model::Graph;
use super::model::Group;
use super::model::Line;
use super::model::Node;
use super::model::NodeKind;
use super::model::Type;
use super::names::one_line;
use crate::stage::plan::ForkKind;
use crate::stage::plan::Step;
use crate::stage::plan::StepKind;

pub(super) fn graph(steps: &[Step], input: &'static str, output: Option<&'static str>) -> Graph {
    let graph = Graph { nodes: Vec::new(), edges: Vec::new(), groups: Vec::new(), outline: Vec::new() };
    let mut builder = Builder { steps, at: 0, graph, within: Vec::new(), failing: Vec::new() };
    let type_in = Some(Type::Borrowed(input));
    let entry = builder.node(NodeKind::Input, "input", (type_in.clone(), type_in.clone()), None);
    let mut way = Way { ends: vec![End::of(entry)], carries: type_in };
    while builder.at < steps.len() {
        way = builder.sequence(way);
        // Only a mark without its opening one stops a sequence before its end.
        builder.at += 1;
    }
    let carries = output.map(Type::Borrowed).or(way.carries);
    let exit = builder.node(NodeKind::Output, "output", (carries.clone(), carries), None);
    builder.connect(&way.ends, exit);
    builder.graph
}

/// What has been drawn so far and waits for what comes next: where its edges start, and what they carry.
#[derive(Clone, Default)]
struct Way {
    ends: Vec<End>,
    carries: Option<Type>,
}

/// The start of an edge.
#[derive(Clone, PartialEq)]
struct End {
    node: usize,
    kind: EdgeKind,
    label: String,
}

impl End {
    fn of(node: usize) -> Self {
        Self { node, kind: EdgeKind::Next, label: String::new() }
    }

    fn failure_of(node: usize) -> Self {
        Self { node, kind: EdgeKind::Fallback, label: "if it fails".to_owned() }
    }
}

impl Way {
    fn labelled(mut self, label: &str) -> Self {
        for end in self.ends.iter_mut().filter(|end| end.label.is_empty()) {
            label.clone_into(&mut end.label);
        }
        self
    }

    fn join(&mut self, other: Self) {
        for end in other.ends {
            if !self.ends.contains(&end) {
                self.ends.push(end);
            }
        }
    }

    /// Whether two steps can start here without two edges that say the same, or edges from each to each.
    fn can_part(&self) -> bool {
        matches!(&*self.ends, [end] if end.label.is_empty() && end.kind == EdgeKind::Next)
    }
}

/// A branch that has been drawn.
struct Branch {
    name: String,
    way: Way,
    needed: bool,
}

impl Branch {
    /// Where the next alternative starts: at whatever can fail in this one. (Of closures alone, nothing can.)
    fn fallback(&self, failing: &[usize]) -> Way {
        let mut ends: Vec<_> = failing.iter().copied().map(End::failure_of).collect();
        if ends.is_empty() {
            ends = self.way.ends.iter().map(|end| End::failure_of(end.node)).collect();
        }
        Way { ends, carries: self.way.carries.clone() }
    }
}

struct Builder<'a> {
    steps: &'a [Step],
    at: usize,
    graph: Graph,
    /// The groups around, from the outside in.
    within: Vec<usize>,
    /// The nodes of this branch so far that can fail, and nothing in it is tried instead.
    failing: Vec<usize>,
}

impl Builder<'_> {
    /// Draws steps one after another, up to the end of the branch.
    fn sequence(&mut self, mut way: Way) -> Way {
        while let Some(step) = self.steps.get(self.at) {
            match &step.kind {
                StepKind::Stage(_) | StepKind::Boundary => {
                    let node = self.step(step);
                    self.connect(&way.ends, node);
                    let carries = step.types.map(|(_, output)| Type::Borrowed(output));
                    way = Way { ends: vec![End::of(node)], carries };
                    self.at += 1;
                }
                StepKind::Open(fork) => way = self.fork(*fork, way),
                StepKind::Branch(_) | StepKind::Close(_) => break,
            }
        }
        way
    }

    fn step(&mut self, step: &Step) -> usize {
        let chooses =
            matches!(self.steps.get(self.at + 1), Some(Step { kind: StepKind::Open(ForkKind::Route), .. }));
        let (kind, policy) = match step.kind {
            StepKind::Boundary => (NodeKind::Boundary, None),
            StepKind::Stage(policy) if !chooses => (NodeKind::Stage, policy),
            _ => (NodeKind::Choice, None),
        };
        let types = step.types.map(|(input, output)| (Type::Borrowed(input), Type::Borrowed(output))).unzip();
        let node = self.node(kind, &step.name, types, step.at);
        self.graph.nodes[node].policy = policy;
        if kind == NodeKind::Stage && !is_closure(&step.name) {
            self.failing.push(node);
        }
        self.graph.outline.push(Line::Node(node));
        node
    }

    fn fork(&mut self, fork: ForkKind, way: Way) -> Way {
        self.at += 1;
        let parts = self.takers(fork) > 1 && !way.can_part();
        let start = if parts { self.gather(&way) } else { way };
        let group = self.graph.groups.len();
        self.graph.groups.push(Group { fork, parent: self.within.last().copied() });
        self.graph.outline.push(Line::Open(group));
        self.within.push(group);
        let branches = self.branches(fork, &start);
        let end = match fork {
            ForkKind::Graph => self.values(branches, &start),
            ForkKind::All | ForkKind::First | ForkKind::Route => self.together(fork, branches, start),
        };
        self.within.pop();
        end
    }

    fn branches(&mut self, fork: ForkKind, start: &Way) -> Vec<Branch> {
        let mut branches: Vec<Branch> = Vec::new();
        let outside = std::mem::take(&mut self.failing);
        while let Some(step) = self.steps.get(self.at) {
            let StepKind::Branch(needs) = step.kind else {
                if matches!(step.kind, StepKind::Close(_)) {
                    break;
                }
                // No mark says which branch this is: it stands by itself.
                self.sequence(start.clone());
                continue;
            };
            let name = one_line(&step.name);
            let words = match fork {
                ForkKind::Graph => needed(needs, &branches),
                _ => Vec::new(),
            };
            self.graph.outline.push(Line::Branch { name: name.clone(), needs: words });
            self.at += 1;
            let from = match (fork, branches.last()) {
                (ForkKind::Route, _) => start.clone().labelled(&name),
                (ForkKind::First, Some(before)) => before.fallback(&std::mem::take(&mut self.failing)),
                (ForkKind::Graph, _) => take(needs, &mut branches, start),
                _ => start.clone(),
            };
            let mut way = self.sequence(from);
            if fork == ForkKind::Graph && way.ends.len() > 1 && self.uses(branches.len() + 1) > 1 {
                way = self.gather(&way);
            }
            branches.push(Branch { name, way, needed: false });
        }
        // What fails in the last alternative fails outside as well; in any branch of another fork it does.
        self.failing.splice(0..0, outside);
        branches
    }

    /// What a graph gives: the values that its output is made of. A call that nobody asks for is waited for too.
    fn values(&mut self, mut branches: Vec<Branch>, start: &Way) -> Way {
        let needs = self.close();
        self.graph.outline.push(Line::Close { needs: needed(needs, &branches) });
        let mut end = Way::default();
        if !needs.is_empty() {
            end = take(needs, &mut branches, start);
        }
        if let [need] = needs {
            // A value that is bound to a name may be the output, or only a part of it.
            let alone = need.checked_sub(1).and_then(|index| branches.get(index));
            end.carries = alone.filter(|branch| branch.name.is_empty()).and_then(|it| it.way.carries.clone());
        }
        for branch in branches.into_iter().filter(|branch| !branch.needed) {
            end.join(branch.way);
        }
        if end.ends.is_empty() { start.clone() } else { end }
    }

    /// What the branches of any other fork give: each what it gives, and `All` of them the tuple.
    fn together(&mut self, fork: ForkKind, branches: Vec<Branch>, start: Way) -> Way {
        self.close();
        self.graph.outline.push(Line::Close { needs: Vec::new() });
        if branches.is_empty() {
            return start;
        }
        let mut end = Way::default();
        let types: Vec<_> = branches.iter().map(|branch| branch.way.carries.clone()).collect();
        end.carries = match fork {
            ForkKind::All => types.into_iter().collect::<Option<Vec<_>>>().map(|types| tuple(&types)),
            _ => types.into_iter().flatten().next(),
        };
        for branch in branches {
            end.join(branch.way);
        }
        end
    }

    /// How many branches take what comes into the fork whose first mark is next.
    fn takers(&self, fork: ForkKind) -> usize {
        if fork == ForkKind::First {
            return 1;
        }
        let takes = |kind: &StepKind| match kind {
            StepKind::Branch(needs) => fork != ForkKind::Graph || needs.is_empty() || needs.contains(&0),
            StepKind::Close(needs) => needs.contains(&0),
            _ => false,
        };
        self.marks().into_iter().filter(|kind| takes(kind)).count()
    }

    /// How often the value of a branch is asked for in the graph around.
    fn uses(&self, value: usize) -> usize {
        let asks = |kind: &&StepKind| matches!(kind, StepKind::Branch(needs) | StepKind::Close(needs) if needs.contains(&value));
        self.marks().into_iter().filter(asks).count()
    }

    /// The marks of the fork that is open, from here to its end, without those of forks within it.
    fn marks(&self) -> Vec<&StepKind> {
        let mut marks = Vec::new();
        let mut depth = 0_usize;
        for Step { kind, .. } in self.steps.iter().skip(self.at) {
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

    fn close(&mut self) -> &'static [usize] {
        let Some(Step { kind: StepKind::Close(needs), .. }) = self.steps.get(self.at) else { return &[] };
        self.at += 1;
        needs
    }

    /// A node in which several ends become one.
    fn gather(&mut self, way: &Way) -> Way {
        let types = (way.carries.clone(), way.carries.clone());
        let node = self.node(NodeKind::Junction, "", types, None);
        self.connect(&way.ends, node);
        Way { ends: vec![End::of(node)], carries: way.carries.clone() }
    }

    fn node(
        &mut self,
        kind: NodeKind,
        name: &str,
        types: (Option<Type>, Option<Type>),
        at: Option<&'static Location<'static>>,
    ) -> usize {
        let group = self.within.last().copied();
        self.graph.nodes.push(Node {
            kind,
            name: name.to_owned(),
            types,
            policy: None,
            at,
            group,
            figures: None,
        });
        self.graph.nodes.len() - 1
    }

    fn connect(&mut self, ends: &[End], to: usize) {
        let edges = ends.iter().map(|End { node, kind, label }| Edge {
            from: *node,
            to,
            kind: *kind,
            label: label.clone(),
            items: None,
        });
        self.graph.edges.extend(edges);
    }
}

/// What a call gets: the values that it needs, by their names, and the input where it needs that or nothing.
fn take(needs: &[usize], branches: &mut [Branch], start: &Way) -> Way {
    let mut taken = Way::default();
    for need in needs {
        match need.checked_sub(1).map(|index| branches.get_mut(index)) {
            None => taken.join(start.clone()),
            Some(Some(branch)) => {
                branch.needed = true;
                taken.join(branch.way.clone().labelled(&branch.name));
            }
            Some(None) => {}
        }
    }
    if taken.ends.is_empty() { start.clone() } else { taken }
}

/// The same in words.
fn needed(needs: &[usize], branches: &[Branch]) -> Vec<String> {
    let word = |need: &usize| match need.checked_sub(1) {
        None => Some("input".to_owned()),
        Some(index) => match branches.get(index)?.name.as_str() {
            "" => Some(format!("#{need}")),
            name => Some(name.to_owned()),
        },
    };
    needs.iter().filter_map(word).collect()
}

/// A closure can panic, and nothing is tried after that.
fn is_closure(name: &str) -> bool {
    name.starts_with("closure at ") || name.starts_with("inspect at ")
}

fn tuple(types: &[Type]) -> Type {
    match types {
        [single] => format!("({single},)"),
        several => format!("({})", several.join(", ")),
    }
    .into()
}
