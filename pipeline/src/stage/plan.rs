//! What a pipeline is made of, as far as reports, observers and pictures see it: its steps, numbered in order.

use std::any::type_name;
use std::borrow::Cow;
use std::panic::Location;

use super::attribute::Policy;
use crate::error::step_id::StepId;
use crate::report::accounting::CountedStep;

/// The steps of a pipeline, in the order in which they are written.
///
/// Where it forks there are marks between them: one that opens the fork, one at the head of each branch, one that
/// closes it. These have numbers like the steps, for what is counted there.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    steps: Vec<Step>,
}

/// A step or a mark.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) name: Cow<'static, str>,
    /// What goes in and what comes out, if it is known: the full names of the types.
    pub(crate) types: Option<(&'static str, &'static str)>,
    /// Where it is written.
    pub(crate) at: Option<&'static Location<'static>>,
}

#[derive(Debug, Clone)]
pub(crate) enum StepKind {
    /// A stage, a closure, the choice of a route. A closure has no policy.
    Stage(Option<Policy>),
    /// `each`, `batch`
    Boundary,
    /// Branches follow.
    Open(ForkKind),
    /// The head of a branch. Its name is that of its value in a graph, and the pattern in a route. What arrives here is counted.
    Branch(Needs),
    /// The fork is over. What leaves it is counted.
    Close(Needs),
}

/// What the branches of a fork are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkKind {
    /// `(a, b)`: all of them, at the same time.
    All,
    /// `(a | b)`: one after another, until one succeeds.
    First,
    /// `match { … }`: one of them.
    Route,
    /// `|x: T| { … }`: all of them, each as soon as it can. A branch is one call.
    Graph,
}

/// In a graph: what a call waits for; of its end, what the output is made of. Empty in the other forks.
///
/// 0 is the input of the graph, n the branch n, counted from 1.
pub(crate) type Needs = &'static [usize];

impl Plan {
    /// Adds a stage with a policy.
    pub fn stage(&mut self, policy: Policy) -> StepId {
        self.add(StepKind::Stage(Some(policy)), policy.name)
    }

    /// Adds a step without one: a closure, a value.
    pub(crate) fn step(&mut self, name: &'static str) -> StepId {
        self.add(StepKind::Stage(None), name)
    }

    /// Gives the step that was added last another policy, and with it another name.
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

    pub(crate) fn boundary(&mut self, name: impl Into<Cow<'static, str>>) -> StepId {
        self.add(StepKind::Boundary, name)
    }

    /// Begins a fork.
    pub fn open(&mut self, fork: ForkKind) -> StepId {
        self.add(StepKind::Open(fork), "")
    }

    /// Begins a branch of the fork.
    pub fn branch(&mut self, name: &'static str, needs: Needs) -> StepId {
        self.add(StepKind::Branch(needs), name)
    }

    /// Ends the fork.
    pub fn close(&mut self, needs: Needs) -> StepId {
        self.add(StepKind::Close(needs), "")
    }

    /// Adds the steps of a pipeline that goes into this one, and says where they begin.
    pub(crate) fn append(&mut self, inner: &Self) -> u32 {
        let base = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.extend_from_slice(&inner.steps);
        base
    }

    /// Says of the step that was added since what goes in and out of it, and where it is written.
    ///
    /// Of several steps, those of a pipeline, each has said it before.
    pub(crate) fn describe<In, Out>(&mut self, before: usize, at: &'static Location<'static>) {
        if let [step] = &mut self.steps[before..] {
            step.types.get_or_insert((type_name::<In>(), type_name::<Out>()));
            step.at.get_or_insert(at);
        }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What is counted at each step.
    pub(crate) fn counted(&self) -> impl Iterator<Item = CountedStep<'_>> {
        self.steps.iter().map(|step| match step.kind {
            StepKind::Stage(_) => CountedStep::Stage(&step.name),
            StepKind::Boundary => CountedStep::Boundary(&step.name),
            StepKind::Branch(_) | StepKind::Close(_) => CountedStep::ForkMark,
            StepKind::Open(_) => CountedStep::Uncounted,
        })
    }

    /// The steps that take part in a report: stages and boundaries.
    pub(crate) fn reported(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.kind, StepKind::Stage(_) | StepKind::Boundary))
    }

    /// The name of the stage that an item meets first.
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
