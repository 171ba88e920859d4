//! A chain → the expression that builds it.

mod common;
mod fork;
mod graph_checks;
mod graph_codegen;
mod leaf;
mod resolve;
mod route;
mod sharing;
mod steps;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ReturnType, Stmt};

use self::common::{edge_variable, nest_chain, plan, refuse, stage_variable};
use self::leaf::StepVariables;
use self::steps::step;
use super::model::{Closure, Pipeline, Step};
use crate::crate_path::CratePath;

pub(crate) fn pipeline(pipeline: &Pipeline) -> TokenStream {
    let crate_path = pipeline.crate_path.as_ref().map(CratePath::new).unwrap_or_default();
    let private = crate_path.private();
    let input = pipeline.input.as_ref().map(|ty| quote!(::<#ty>));
    let (first_edge, plan) = (edge_variable(0), plan());
    let mut edge = first_edge.clone();
    let mut statements = TokenStream::new();
    let mut sections = vec![Vec::new()];
    let mut boundaries = Vec::new();
    for (index, step) in pipeline.steps.iter().enumerate() {
        let (stage, next_edge) = (stage_variable(index), edge_variable(index + 1));
        let is_last = index + 1 == pipeline.steps.len();
        let variables = StepVariables { stage: &stage, edge: &edge, next_edge: &next_edge, is_last };
        statements.extend(self::step(step, &variables, &crate_path));
        if matches!(step, Step::Boundary(_)) {
            boundaries.push(stage);
            sections.push(Vec::new());
        } else if let Some(section) = sections.last_mut() {
            section.push(stage.into_token_stream());
        }
        edge = next_edge;
    }
    let value = match <[Vec<_>; 1]>::try_from(sections) {
        Ok([stages]) => {
            let chain = nest_chain(stages, &crate_path);
            quote!(#private::finish(#first_edge, #chain, #plan))
        }
        Err(sections) => {
            let sections = bounded_sections(sections, boundaries, &crate_path);
            quote!(#private::finish_bounded(#first_edge, #sections, #plan))
        }
    };
    let check_output = check_output(pipeline.steps.last(), &edge, &crate_path);
    quote! {{
        let #first_edge = #private::edge #input ();
        let mut #plan = #private::plan();
        #statements
        #check_output
        #value
    }}
}

/// Checks that the output is neither a `Result` nor a future. A closure that says what it returns means it.
fn check_output(last: Option<&Step>, edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let Some(last) = last else { return TokenStream::new() };
    let is_declared = match last {
        // `#[stage]` has checked that it is no `Result`, and its policy says whether it is a future.
        Step::Stage(_) => return TokenStream::new(),
        Step::Closure(Closure { expr, .. }) if is_inferred_later(&expr.body) => {
            return TokenStream::new();
        }
        Step::Closure(Closure { expr, .. }) => matches!(expr.output, ReturnType::Type(..)),
        _ => false,
    };
    let traits: &[&str] = if is_declared { &["NotAFuture"] } else { &["NotAResult", "NotAFuture"] };
    refuse(traits, edge, last.span(), crate_path)
}

/// Whether a body ends with a method whose result may be of any type, `iter.sum()`, `text.parse().unwrap()`. If that stays
/// unknown, rustc says so, and does not need to be told about our check too.
fn is_inferred_later(body: &Expr) -> bool {
    const ANY: [&str; 6] = ["collect", "into", "parse", "product", "sum", "try_into"];
    const INNER: [&str; 3] = ["expect", "unwrap", "unwrap_or_default"];
    match body {
        Expr::MethodCall(call) if INNER.iter().any(|name| call.method == name) => {
            is_inferred_later(&call.receiver)
        }
        Expr::MethodCall(call) => call.turbofish.is_none() && ANY.iter().any(|name| call.method == name),
        Expr::Paren(inner) => is_inferred_later(&inner.expr),
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(last, None)) => is_inferred_later(last),
            _ => false,
        },
        _ => false,
    }
}

/// The sections between boundaries, each nested in the one before it.
fn bounded_sections(
    sections: Vec<Vec<TokenStream>>,
    boundaries: Vec<Ident>,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let mut sections = sections.into_iter().rev().map(|stages| {
        if stages.is_empty() {
            return quote!(#private::PassThrough);
        }
        let chain = nest_chain(stages, crate_path);
        quote!(#private::stage_section(#chain))
    });
    let last = sections.next().unwrap_or_default();
    sections
        .zip(boundaries.into_iter().rev())
        .fold(last, |rest, (section, boundary)| quote!(#private::bounded(#section, #boundary, #rest)))
}
