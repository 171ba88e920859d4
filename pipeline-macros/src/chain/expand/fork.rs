//! `(a, b)` and `(a | b)`, from branches that are expanded already.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use super::common::{check_at, fork_end, fork_input, fork_value, mode_variable, nest_chain, plan};
use super::graph_codegen;
use super::sharing::sharing_checks;
use crate::chain::dataflow::{Argument, Call, Dataflow, Output, SharedUse, Use, ValuePattern};
use crate::codegen::hygienic;
use crate::crate_path::CratePath;

/// The expanded steps of a branch.
pub(super) struct Branch {
    /// Binds the stages and edges.
    pub(super) statements: TokenStream,
    pub(super) stages: Vec<TokenStream>,
    /// The edge after the last step.
    pub(super) last_edge: Ident,
    pub(super) starts_with_stage: bool,
    /// The span of the first step, and of the last.
    pub(super) first_span: Span,
    pub(super) last_span: Span,
}

/// `(a, b)`
pub(super) fn all(branches: Vec<Branch>, edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (fork_input, fork_end, fork) = (fork_input(), fork_end(), fork_value());
    let count = branches.len();
    let spans: Vec<_> = branches.iter().map(|branch| branch.first_span).collect();
    let OpenedBranches { statements, names, branch_ids, .. } = open_branches("All", branches, crate_path);
    let calls = (0..count)
        .map(|index| Call { arguments: vec![Argument::Value(0)], output: ValuePattern::Value(index + 1) });
    let dataflow = Dataflow {
        input: ValuePattern::Value(0),
        calls: calls.collect(),
        output: Output::Tuple((1..=count).collect()),
    };
    let generated = graph_codegen::generate(&dataflow, crate_path);
    let checks = sharing_checks(
        &generated.shared_uses,
        &[(0, fork_input.clone())],
        &|used| spans[used.call],
        crate_path,
    );
    let modes = names.iter().enumerate().map(|(index, name)| {
        let mode = mode_variable(Use { call: index, argument: 0, capture: None });
        quote!(let (#mode,) = #private::modes(&#name, #private::single_arg(#fork_input));)
    });
    let items = &generated.items;
    let struct_name = graph_codegen::struct_name();
    let fields = (0..count).map(graph_codegen::call_field);
    quote! {{
        let #fork_input = #edge;
        #statements
        #(#modes)*
        let #fork = {
            // User code cannot name these.
            #items
            #struct_name {
                #(#fields: #names,)*
                branch_ids: #branch_ids,
                end: #fork_end,
                code_site: #private::code_site("", #fork_end),
            }
        };
        #checks
        #private::finish_fork(#edge, #fork)
    }}
}

/// `(a | b)`
pub(super) fn first(branches: Vec<Branch>, edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (fork_input, fork_end, fork) = (fork_input(), fork_end(), fork_value());
    let count = branches.len();
    let first_spans: Vec<_> = branches.iter().map(|branch| branch.first_span).collect();
    let last_spans: Vec<_> = branches.iter().map(|branch| branch.last_span).collect();
    let OpenedBranches { statements, names, ends, branch_ids } = open_branches("First", branches, crate_path);
    let use_of = |call| Use { call, argument: 0, capture: None };
    let modes = names.iter().enumerate().map(|(index, name)| {
        let mode = mode_variable(use_of(index));
        quote!(let (#mode,) = #private::modes(&#name, #private::single_arg(#fork_input));)
    });
    let alternatives = (0..count - 1)
        .map(|call| SharedUse { value: 0, uses: vec![use_of(call)], used_later: true })
        .collect::<Vec<_>>();
    let sharing_checks =
        sharing_checks(&alternatives, &[(0, fork_input.clone())], &|used| first_spans[used.call], crate_path);
    let end_checks = check_ends(&last_spans, &ends, crate_path);
    quote! {{
        let #fork_input = #edge;
        #statements
        #(#modes)*
        let #fork = #private::first((#(#names,)*), #branch_ids, #fork_end);
        #end_checks
        #sharing_checks
        #private::finish_fork(#edge, #fork)
    }}
}

/// The branches of a fork in the plan.
struct OpenedBranches {
    statements: TokenStream,
    names: Vec<Ident>,
    ends: Vec<Ident>,
    branch_ids: TokenStream,
}

fn open_branches(kind: &str, branches: Vec<Branch>, crate_path: &CratePath) -> OpenedBranches {
    let (private, plan) = (crate_path.private(), plan());
    let kind = Ident::new(kind, Span::mixed_site());
    let count = branches.len();
    let mut statements = quote!(let _ = #private::Plan::open(&mut #plan, #private::ForkKind::#kind););
    let names: Vec<_> = (0..count).map(branch_variable).collect();
    let ends: Vec<_> = (0..count).map(branch_end).collect();
    for (index, branch) in branches.into_iter().enumerate() {
        statements.extend(open_branch(index, "", &[]));
        statements.extend(bind_branch(branch, &names[index], &ends[index], crate_path));
    }
    let fork_end = fork_end();
    statements.extend(quote!(let #fork_end = #private::Plan::close(&mut #plan, &[]);));
    OpenedBranches { statements, names, ends, branch_ids: branch_ids(count) }
}

/// Binds a branch that shares its input with others, and the edge after it.
fn bind_branch(branch: Branch, name: &Ident, end: &Ident, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let Branch { statements, mut stages, last_edge, starts_with_stage, .. } = branch;
    let mut value = stages.remove(0);
    // Only stage functions can borrow what they take.
    if !starts_with_stage {
        value = quote!(#private::ByValue(#value));
    }
    if !stages.is_empty() {
        let rest = nest_chain(stages, crate_path);
        value = quote!(#private::branch(#value, #rest));
    }
    quote! {
        let (#name, #end) = {
            #statements
            (#value, #last_edge)
        };
    }
}

/// The variable of a branch.
pub(super) fn branch_variable(index: usize) -> Ident {
    hygienic("branch", index)
}

/// The variable of the edge after a branch.
pub(super) fn branch_end(index: usize) -> Ident {
    hygienic("end", index)
}

/// The variable of a branch's number in the plan.
pub(super) fn branch_id(index: usize) -> Ident {
    hygienic("branch_id", index)
}

/// Opens a branch in the plan, which depends on those with these numbers.
pub(super) fn open_branch(index: usize, name: &str, dependencies: &[usize]) -> TokenStream {
    let (branch_id, plan) = (branch_id(index), plan());
    let dependencies = dependencies.iter().map(|index| Literal::usize_unsuffixed(*index));
    quote!(let #branch_id = #plan.branch(#name, &[#(#dependencies),*]);)
}

pub(super) fn branch_ids(count: usize) -> TokenStream {
    let branch_ids = (0..count).map(branch_id);
    quote!([#(#branch_ids),*])
}

/// Checks that all branches end with the type of the first. `spans` are those of their last steps.
pub(super) fn check_ends(spans: &[Span], ends: &[Ident], crate_path: &CratePath) -> TokenStream {
    let (private, fork) = (crate_path.private(), fork_value());
    let Some((first, others)) = ends.split_first() else { return TokenStream::new() };
    let checks = others.iter().zip(&spans[1..]).map(|(end, at)| {
        let check = check_at(*at, &quote!(#private::EndsAs::<_>::__ends_as), &[first, end, &fork]);
        quote!(let (#fork, #first) = #check;)
    });
    checks.collect()
}
