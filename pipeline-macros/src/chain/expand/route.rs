//! `match { … }` → the choice of an arm, in the user's own patterns, and the arms.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Token;

use super::common::{code_site, fork_end, fork_input, fork_value, located_name, nest_chain, plan};
use super::fork::{Branch, branch_end, branch_id, branch_variable, check_ends, open_branch};
use crate::arity::MAX_ARITY;
use crate::chain::model::Arm;
use crate::codegen::{call_at, hygienic};
use crate::crate_path::CratePath;

/// The edge into an arm.
pub(super) fn arm_edge(index: usize) -> Ident {
    hygienic("arm", index)
}

/// `match { … }`. `branches` are the expanded steps of the arms.
pub(super) fn route(
    keyword: Token![match],
    arms: &[Arm],
    branches: Vec<Branch>,
    edge: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, plan, fork_input, fork_end) = (crate_path.private(), plan(), fork_input(), fork_end());
    let name = located_name("match", keyword.span, crate_path);
    let matches = call_at(keyword.span, &quote!(#private::matches), &quote!(#fork_input, #name, &mut #plan));
    let spans: Vec<_> = branches.iter().map(|branch| branch.last_span).collect();
    // With the span of the keyword, to which rustc points if a case is missing.
    let value = Ident::new("__value", keyword.span);
    let cases = arms.iter().enumerate().map(|(index, Arm { pattern, guard, value, .. })| {
        let guard = guard.as_ref().map(|guard| quote!(if #guard));
        // With the span of the arm's last stage, after which rustc shows a missing arm.
        let choice = choice(index, arms.len(), &value.to_token_stream(), spans[index], crate_path);
        quote!(#pattern #guard => #choice,)
    });
    let choose = quote_spanned!(keyword.span=> move |#value| #keyword #value { #(#cases)* });
    let edges: Vec<_> = (0..arms.len()).map(arm_edge).collect();
    let (choices, chosen) = choices(&edges, &choose, &fork_input.to_token_stream(), 0, crate_path);
    let names: Vec<_> = (0..arms.len()).map(branch_variable).collect();
    let ends: Vec<_> = (0..arms.len()).map(branch_end).collect();
    let statements = arms.iter().zip(branches).enumerate().map(|(index, (arm, branch))| {
        let open_branch = open_branch(index, &label(arm), &[]);
        let Branch { statements, stages, last_edge, .. } = branch;
        let (name, end, chain) = (&names[index], &ends[index], nest_chain(stages, crate_path));
        quote! {
            #open_branch
            let (#name, #end) = {
                #statements
                (#chain, #last_edge)
            };
        }
    });
    let end_checks = check_ends(&spans, &ends, crate_path);
    let route = nested_route(&names, &chosen, 0, crate_path);
    let (code_site, fork) = (code_site(), fork_value());
    quote! {{
        let #fork_input = #edge;
        let #code_site = #matches;
        let _ = #private::Plan::open(&mut #plan, #private::ForkKind::Route);
        #choices
        #(#statements)*
        let #fork_end = #private::Plan::close(&mut #plan, &[]);
        let #fork = #route;
        #end_checks
        #private::finish_fork(#edge, #fork)
    }}
}

/// Arm `index` of `count`, as a variant of the runtime's `OneOf`. The last variant of a full one holds those beyond.
fn choice(index: usize, count: usize, value: &TokenStream, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let one_of = format_ident!("OneOf{}", count.min(MAX_ARITY));
    if count > MAX_ARITY && index >= MAX_ARITY - 1 {
        let inner = choice(index - (MAX_ARITY - 1), count - (MAX_ARITY - 1), value, at, crate_path);
        return call_at(at, &quote!(#private::#one_of::H), &inner);
    }
    let variant = variant(index);
    call_at(at, &quote!(#private::#one_of::#variant), value)
}

fn variant(index: usize) -> Ident {
    let letter = b"ABCDEFGH".get(index).copied().unwrap_or(b'H');
    Ident::new(&char::from(letter).to_string(), Span::mixed_site())
}

/// Statements that bind the edges of the arms, and the variables of the choices, outermost first.
fn choices(
    edges: &[Ident],
    choose: &TokenStream,
    edge: &TokenStream,
    depth: usize,
    crate_path: &CratePath,
) -> (TokenStream, Vec<Ident>) {
    let private = crate_path.private();
    let chosen = hygienic("choose", depth);
    let choice = format_ident!("choice{}", edges.len().min(MAX_ARITY));
    if edges.len() <= MAX_ARITY {
        return (quote!(let (#chosen, (#(#edges,)*)) = #private::#choice(#edge, #choose);), vec![chosen]);
    }
    let (own, others) = edges.split_at(MAX_ARITY - 1);
    let rest = hygienic("rest", depth);
    let (inner, mut inner_chosen) =
        choices(others, &quote!(|value| value), &rest.to_token_stream(), depth + 1, crate_path);
    inner_chosen.insert(0, chosen.clone());
    (
        quote! {
            let (#chosen, (#(#own,)* #rest,)) = #private::#choice(#edge, #choose);
            #inner
        },
        inner_chosen,
    )
}

/// The route over arms from `first` on. Those beyond `MAX_ARITY` are a route in its last arm.
fn nested_route(names: &[Ident], chosen: &[Ident], first: usize, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    // An inner route counts what enters it, and the outer one what leaves it.
    let fork_end = if first == 0 { fork_end().into_token_stream() } else { quote!(#private::uncounted()) };
    let Some((choose, inner)) = chosen.split_first() else { return TokenStream::new() };
    let edge = if first == 0 { fork_input() } else { hygienic("rest", first / (MAX_ARITY - 1) - 1) };
    let code_site = self::code_site();
    if inner.is_empty() {
        let ids = (first..first + names.len()).map(branch_id);
        return quote!(#private::route(#edge, #code_site, #choose, (#(#names,)*), [#(#ids),*], #fork_end));
    }
    let (own, others) = names.split_at(MAX_ARITY - 1);
    let rest = nested_route(others, inner, first + MAX_ARITY - 1, crate_path);
    let ids = (first..first + own.len()).map(branch_id);
    quote! {
        #private::route(
            #edge, #code_site, #choose,
            (#(#own,)* #private::inner_route(#rest),),
            [#(#ids,)* #private::uncounted()],
            #fork_end,
        )
    }
}

/// The pattern of an arm, as the graph of the pipeline shows it.
fn label(Arm { pattern, guard, .. }: &Arm) -> String {
    let guard = guard.as_ref().map(|guard| format!(" if {}", format_tokens(&guard.to_token_stream())));
    format_tokens(&pattern.to_token_stream()) + &guard.unwrap_or_default()
}

/// Tokens, spaced as rustfmt would.
fn format_tokens(tokens: &TokenStream) -> String {
    let mut text = tokens.to_string();
    for (wide, narrow) in [
        (" :: ", "::"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" ..= ", "..="),
        ("& ", "&"),
        (" . ", "."),
        ("[ ", "["),
        (" ]", "]"),
        (" : ", ": "),
        (" @(", " @ ("),
        ("\n", " "),
    ] {
        text = text.replace(wide, narrow);
    }
    text
}
