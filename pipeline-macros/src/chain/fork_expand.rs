//! Forks → the expressions that build them, and a check on each edge.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::dataflow::{Argument, Call, Dataflow, Output, SharedUse, Use, ValuePattern};
use super::expand::{call_at, hygienic, nest_chain, plan, step};
use super::graph_codegen;
use super::model::Step;
use crate::paths::CratePath;

/// A row of steps that is checked, behind a port.
pub(super) struct Branch {
    /// Binds the stages.
    pub(super) statements: TokenStream,
    pub(super) stages: Vec<TokenStream>,
    pub(super) fork_end: Ident,
}

pub(super) fn expand_branch(steps: &[Step], edge: &TokenStream, crate_path: &CratePath) -> Branch {
    let first = hygienic("port", 0);
    let mut statements = quote!(let #first = #edge;);
    let mut stages = Vec::new();
    let mut fork_end = first;
    for (index, step) in steps.iter().enumerate() {
        let (stage, next) = (hygienic("stage", index), hygienic("port", index + 1));
        statements.extend(self::step(step, &stage, &fork_end, &next, crate_path));
        stages.push(stage.into_token_stream());
        fork_end = next;
    }
    Branch { statements, stages, fork_end }
}

/// A branch whose input others take, too: binds `branch` and the port behind it.
fn branch(
    steps: &[Step],
    branch: &Ident,
    fork_end: &Ident,
    edge: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let Branch { statements, mut stages, fork_end: last } =
        expand_branch(steps, &edge.to_token_stream(), crate_path);
    let mut first = stages.remove(0);
    // Only stage functions can borrow what they take.
    if !matches!(steps.first(), Some(Step::Stage { .. })) {
        first = quote!(#private::ByValue(#first));
    }
    if !stages.is_empty() {
        let rest = nest_chain(stages, crate_path);
        first = quote!(#private::branch(#first, #rest));
    }
    quote! {
        let (#branch, #fork_end) = {
            #statements
            (#first, #last)
        };
    }
}

/// Opens a branch in the plan.
pub(crate) fn open_branch(index: usize, name: &str, dependencies: &[usize]) -> TokenStream {
    let (open_branch, plan) = (hygienic("head", index), plan());
    let dependencies = dependencies.iter().map(|need| Literal::usize_unsuffixed(*need));
    quote!(let #open_branch = #plan.branch(#name, &[#(#dependencies),*]);)
}

pub(crate) fn branch_ids(count: usize) -> TokenStream {
    let branch_ids = (0..count).map(|index| hygienic("head", index));
    quote!([#(#branch_ids),*])
}

/// What the branches of a fork have in common: from the head of each to the end of all.
struct Branches {
    statements: TokenStream,
    names: Vec<Ident>,
    ends: Vec<Ident>,
    branch_ids: TokenStream,
}

fn open_branches(kind: &str, branches: &[Vec<Step>], edge: &Ident, crate_path: &CratePath) -> Branches {
    let (private, plan) = (crate_path.private(), plan());
    let kind = Ident::new(kind, Span::mixed_site());
    let mut statements = quote!(let _ = #plan.open(#private::ForkKind::#kind););
    let names: Vec<_> = (0..branches.len()).map(|index| hygienic("branch", index)).collect();
    let ends: Vec<_> = (0..branches.len()).map(|index| hygienic("end", index)).collect();
    for (index, steps) in branches.iter().enumerate() {
        statements.extend(open_branch(index, "", &[]));
        statements.extend(branch(steps, &names[index], &ends[index], edge, crate_path));
    }
    let fork_end = fork_end();
    statements.extend(quote!(let #fork_end = #plan.close(&[]);));
    Branches { statements, names, ends, branch_ids: branch_ids(branches.len()) }
}

/// The mark where a fork ends.
pub(crate) fn fork_end() -> Ident {
    Ident::new("__end", Span::mixed_site())
}

/// What a fork's own code goes by.
pub(crate) fn code_site() -> Ident {
    Ident::new("__place", Span::mixed_site())
}

/// A fork, until it is checked.
pub(crate) fn fork() -> Ident {
    Ident::new("__made", Span::mixed_site())
}

pub(crate) fn fork_input() -> Ident {
    Ident::new("__in", Span::mixed_site())
}

/// `(a, b)`
pub(crate) fn all(branches: &[Vec<Step>], edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (fork_input, fork_end, fork) = (fork_input(), fork_end(), fork());
    let Branches { statements, names, branch_ids, .. } =
        open_branches("All", branches, &fork_input, crate_path);
    let calls = (0..branches.len())
        .map(|index| Call { arguments: vec![Argument::Value(0)], output: ValuePattern::Value(index + 1) });
    let dataflow = Dataflow {
        input: ValuePattern::Value(0),
        calls: calls.collect(),
        output: Output::Tuple((1..=branches.len()).collect()),
    };
    let generated = graph_codegen::generate(&dataflow, crate_path);
    let checks = sharing_checks(
        &generated.shared_uses,
        &[(0, fork_input.clone())],
        &|it| branches[it.call][0].span(),
        crate_path,
    );
    let modes = names.iter().enumerate().map(|(index, name)| {
        let mode_variable = mode_variable(Use { call: index, argument: 0, capture: None });
        quote!(let (#mode_variable,) = #private::modes(&#name, #private::single_arg(#fork_input));)
    });
    let items = &generated.items;
    let graph = graph_codegen::struct_name();
    let fields = (0..branches.len()).map(graph_codegen::call_field);
    quote! {{
        let #fork_input = #edge;
        #statements
        #(#modes)*
        let #fork = {
            // No code of the user's sees these.
            #items
            #graph {
                #(#fields: #names,)*
                heads: #branch_ids,
                end: #fork_end,
                place: #private::code_site("", #fork_end),
            }
        };
        #checks
        #private::finish_fork(#edge, #fork)
    }}
}

/// `(a | b)`
pub(crate) fn first(branches: &[Vec<Step>], edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (fork_input, fork_end, fork) = (fork_input(), fork_end(), fork());
    let Branches { statements, names, ends, branch_ids } =
        open_branches("First", branches, &fork_input, crate_path);
    let use_of = |call| Use { call, argument: 0, capture: None };
    let modes = names.iter().enumerate().map(|(index, name)| {
        let mode_variable = mode_variable(use_of(index));
        quote!(let (#mode_variable,) = #private::modes(&#name, #private::single_arg(#fork_input));)
    });
    let alternatives = (0..branches.len() - 1)
        .map(|call| SharedUse { value: 0, uses: vec![use_of(call)], used_later: true })
        .collect::<Vec<_>>();
    let sharing_checks = sharing_checks(
        &alternatives,
        &[(0, fork_input.clone())],
        &|it| branches[it.call][0].span(),
        crate_path,
    );
    let agreement = ends_as_first(branches, &ends, crate_path);
    quote! {{
        let #fork_input = #edge;
        #statements
        #(#modes)*
        let #fork = #private::first((#(#names,)*), #branch_ids, #fork_end);
        #agreement
        #sharing_checks
        #private::finish_fork(#edge, #fork)
    }}
}

/// All ends have the type of the first.
pub(super) fn ends_as_first<S: AsRef<[Step]>>(
    branches: &[S],
    ends: &[Ident],
    crate_path: &CratePath,
) -> TokenStream {
    let (private, fork) = (crate_path.private(), fork());
    let Some((first, others)) = ends.split_first() else { return TokenStream::new() };
    let checks = others.iter().zip(&branches[1..]).map(|(fork_end, steps)| {
        let at = steps.as_ref().last().map_or_else(Span::call_site, Step::span);
        let check_at = check_at(at, &quote!(#private::EndsAs::<_>::__ends_as), &[first, fork_end, &fork]);
        quote!(let (#fork, #first) = #check_at;)
    });
    checks.collect()
}

/// The variable that says how a call has a value.
pub(crate) fn mode_variable(Use { call, argument, .. }: Use) -> Ident {
    Ident::new(&format!("__mode{call}_{argument}"), Span::mixed_site())
}

/// Whether those who want a value together can have it. Where they cannot, the fork that was made is not known.
pub(crate) fn sharing_checks(
    shared_uses: &[SharedUse],
    edges: &[(usize, Ident)],
    span: &dyn Fn(Use) -> Span,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, fork) = (crate_path.private(), fork());
    let edge = |value: usize| edges.iter().find(|(it, _)| *it == value).map(|(_, edge)| edge);
    let witness = |it: Use| match it.capture {
        Some(_) => quote!(#private::borrow()),
        None => mode_variable(it).into_token_stream(),
    };
    let (copied, alone) = (hygienic("copied", 0), hygienic("copied", 1));
    let mut checks = TokenStream::new();
    for SharedUse { value, uses, used_later } in shared_uses {
        let Some(edge) = edge(*value) else { continue };
        let mut share = |it: &Use| {
            if it.capture.is_none() {
                let mode_variable = mode_variable(*it);
                let shared = quote!(#private::CloneToShare::<_>::__share);
                let check_at = check_at(span(*it), &shared, &[&copied, &alone, edge, &fork]);
                checks.extend(quote! {
                    let #copied = #edge.copied(#mode_variable);
                    let #alone = #private::single_arg(#copied);
                    let (#fork, #edge) = #check_at;
                });
            }
        };
        let Some((last, others)) = uses.split_last() else { continue };
        others.iter().for_each(&mut share);
        if *used_later {
            share(last);
        } else if last.capture.is_none() && !others.is_empty() {
            let mode_variable = mode_variable(*last);
            let others = others.iter().rev().fold(quote!(()), |rest, it| {
                let witness = witness(*it);
                quote!((#witness, #rest))
            });
            let check_at = check_at(
                span(*last),
                &quote!(#private::CloneWhileBorrowed::<_>::__take),
                &[&copied, &alone, &fork],
            );
            checks.extend(quote! {
                let #copied = #edge.borrowed(#others).copied(#mode_variable);
                let #alone = #private::single_arg(#copied);
                let #fork = #check_at;
            });
        }
    }
    checks
}

/// A check of what these variables stand for, all of whose tokens stand at one place: there rustc reports what fails, and once.
pub(crate) fn check_at(at: Span, closure_stage: &TokenStream, variables: &[&Ident]) -> TokenStream {
    // The user's own tokens as far as rustc can see.
    let here: Vec<_> = (0..variables.len()).map(|index| Ident::new(&format!("value{index}"), at)).collect();
    let call = call_at(at, closure_stage, &quote_spanned!(at=> #(#here),*));
    quote! {{
        #(let #here = #variables;)*
        #call
    }}
}
