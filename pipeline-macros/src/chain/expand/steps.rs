//! The recursive part of the expansion: steps, and the forks among them, whose branches are steps.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::common::{edge_variable, fork_input, stage_variable};
use super::fork::{self, Branch};
use super::leaf::{self, StepVariables};
use super::{graph_checks, route};
use crate::chain::model::Step;
use crate::crate_path::CratePath;

/// Statements that bind a step and the edge after it.
pub(super) fn step(step: &Step, variables: &StepVariables<'_>, crate_path: &CratePath) -> TokenStream {
    let edge = variables.edge;
    match step {
        Step::Stage(stage) => leaf::stage(stage, variables, crate_path),
        Step::Closure(closure) => leaf::closure(closure, variables, crate_path),
        Step::Inspect(closure) => leaf::inspect(closure, variables, crate_path),
        Step::Value(value) => leaf::value(value, variables, crate_path),
        Step::Boundary(boundary) => leaf::boundary(boundary, variables, crate_path),
        Step::All(branches) => {
            let branches = shared_branches(branches, crate_path);
            variables.bind(&fork::all(branches, edge, crate_path))
        }
        Step::First(branches) => {
            let branches = shared_branches(branches, crate_path);
            variables.bind(&fork::first(branches, edge, crate_path))
        }
        Step::Route { keyword, arms } => {
            let branches = arms.iter().enumerate();
            let branches = branches
                .map(|(index, arm)| branch(&arm.steps, &route::arm_edge(index), crate_path))
                .collect();
            variables.bind(&route::route(*keyword, arms, branches, edge, crate_path))
        }
        Step::Graph(graph) => variables.bind(&graph_checks::graph(graph, edge, crate_path)),
    }
}

/// Branches that all take the input of the fork.
fn shared_branches(branches: &[Vec<Step>], crate_path: &CratePath) -> Vec<Branch> {
    branches.iter().map(|steps| branch(steps, &fork_input(), crate_path)).collect()
}

/// The steps of a branch, after this edge.
fn branch(steps: &[Step], edge: &Ident, crate_path: &CratePath) -> Branch {
    let first_edge = edge_variable(0);
    let mut statements = quote!(let #first_edge = #edge;);
    let mut stages = Vec::new();
    let mut edge = first_edge;
    for (index, step) in steps.iter().enumerate() {
        let (stage, next_edge) = (stage_variable(index), edge_variable(index + 1));
        let variables = StepVariables { stage: &stage, edge: &edge, next_edge: &next_edge, is_last: false };
        statements.extend(self::step(step, &variables, crate_path));
        stages.push(stage.into_token_stream());
        edge = next_edge;
    }
    Branch {
        statements,
        stages,
        last_edge: edge,
        starts_with_stage: matches!(steps.first(), Some(Step::Stage(_))),
        first_span: steps.first().map_or_else(Span::call_site, Step::span),
        last_span: steps.last().map_or_else(Span::call_site, Step::span),
    }
}
