//! `Plan`: the numbered steps of a pipeline, for reports, observers and diagrams.

use std::any::type_name;
use std::borrow::Cow;
use std::panic::Location;

use super::attribute::Policy;
use crate::error::step_id::StepId;
use crate::report::accounting::CountedStep;

/// The steps of a pipeline, in source order.
///
/// A fork adds marks between the steps: at its start, at the start of each branch, and at its end. Marks are numbered like
/// steps, because items are counted there.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    steps: Vec<Step>,
}

/// A step or a mark.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) name: Cow<'static, str>,
    /// The full names of the input and output types, if known.
    pub(crate) types: Option<(&'static str, &'static str)>,
    /// The location in the source.
    pub(crate) at: Option<&'static Location<'static>>,
}

#[derive(Debug, Clone)]
pub(crate) enum StepKind {
    /// A stage, a closure, or the `match` of a route. Only a stage function has a policy.
    Stage(Option<Policy>),
    /// `each`, `batch`
    Boundary,
    /// The start of a fork; its branches follow.
    Open(ForkKind),
    /// The start of a branch, named after its value in a graph, or its pattern in a route. Counts the items that enter.
    Branch(Needs),
    /// The end of a fork. Counts the items that leave.
    Close(Needs),
}

/// How the branches of a fork are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkKind {
    /// `(a, b)`: all, concurrently.
    All,
    /// `(a | b)`: in order, until one succeeds.
    First,
    /// `match { … }`: one.
    Route,
    /// `|x: T| { … }`: all, each as soon as its arguments are available. A branch is one call.
    Graph,
}

/// The dependencies of a call in a graph, or of its output. Empty in other forks.
///
/// 0 is the input of the graph, and n is the branch n, counted from 1.
pub(crate) type Needs = &'static [usize];

impl Plan {
    /// Adds a stage with a policy.
    pub fn stage(&mut self, policy: Policy) -> StepId {
        self.add(StepKind::Stage(Some(policy)), policy.name)
    }

    /// Adds a step without a policy: a closure or a value.
    pub(crate) fn step(&mut self, name: &'static str) -> StepId {
        self.add(StepKind::Stage(None), name)
    }

    /// Replaces the policy of the last step, and its name.
    pub(crate) fn override_last(&mut self, policy: Policy) -> StepId {
        match self.steps.last_mut() {
            Some(step) => {
                step.name = policy.name.into();
                step.kind = StepKind::Stage(Some(policy));
                u32::try_from(self.steps.len() - 1).map_or(StepId::NONE, StepId)
            }
            None => StepId::NONE,
        }
    }

    /// Adds a boundary.
    pub(crate) fn boundary(&mut self, name: impl Into<Cow<'static, str>>) -> StepId {
        self.add(StepKind::Boundary, name)
    }

    /// Starts a fork.
    pub fn open(&mut self, fork: ForkKind) -> StepId {
        self.add(StepKind::Open(fork), "")
    }

    /// Starts a branch of the fork.
    pub fn branch(&mut self, name: &'static str, needs: Needs) -> StepId {
        self.add(StepKind::Branch(needs), name)
    }

    /// Ends the fork.
    pub fn close(&mut self, needs: Needs) -> StepId {
        self.add(StepKind::Close(needs), "")
    }

    /// Adds the steps of a nested pipeline, and returns the index of the first.
    pub(crate) fn append(&mut self, inner: &Self) -> u32 {
        let base = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.extend_from_slice(&inner.steps);
        base
    }

    /// Sets the types and the location of the step that was added since the plan had `before` steps.
    ///
    /// Several steps are those of a nested pipeline, which have theirs already.
    pub(crate) fn describe<In, Out>(&mut self, before: usize, at: &'static Location<'static>) {
        if let [step] = &mut self.steps[before..] {
            step.types.get_or_insert((type_name::<In>(), type_name::<Out>()));
            step.at.get_or_insert(at);
        }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The stages whose calls begin in the order of the items.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = StepId> {
        self.steps.iter().zip(0..).filter_map(|(step, id)| match step.kind {
            StepKind::Stage(Some(policy)) if policy.in_order => Some(StepId(id)),
            _ => None,
        })
    }

    /// How each step is counted.
    pub(crate) fn counted(&self) -> impl Iterator<Item = CountedStep<'_>> {
        self.steps.iter().map(|step| match step.kind {
            StepKind::Stage(_) => CountedStep::Stage(&step.name),
            StepKind::Boundary => CountedStep::Boundary(&step.name),
            StepKind::Branch(_) | StepKind::Close(_) => CountedStep::ForkMark,
            StepKind::Open(_) => CountedStep::Uncounted,
        })
    }

    /// The steps in a report: stages and boundaries.
    pub(crate) fn reported(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.kind, StepKind::Stage(_) | StepKind::Boundary))
    }

    /// The name of the first stage.
    pub(crate) fn first_stage(&self) -> Option<&'static str> {
        self.steps.iter().find_map(|step| match (&step.kind, &step.name) {
            (StepKind::Stage(_), Cow::Borrowed(name)) => Some(*name),
            _ => None,
        })
    }

    fn add(&mut self, kind: StepKind, name: impl Into<Cow<'static, str>>) -> StepId {
        let id = u32::try_from(self.steps.len()).map_or(StepId::NONE, StepId);
        self.steps.push(Step { kind, name: name.into(), types: None, at: None });
        id
    }
}
