//! `match { … }` → the choice of an arm, in the user's own patterns, and the arms.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Token;

use super::expand::{call_at, hygienic, located_name, nest_chain, plan};
use super::fork_expand::{
    Branch, code_site, ends_as_first, expand_branch, fork, fork_end, fork_input, open_branch,
};
use super::model::{Arm, Step};
use crate::paths::CratePath;

/// The most arms that one of the runtime's routes has.
const MAX_ARITY: usize = 8;

/// `match { … }`
pub(crate) fn route(
    keyword: Token![match],
    arms: &[Arm],
    edge: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, plan, fork_input, fork_end) = (crate_path.private(), plan(), fork_input(), fork_end());
    let name = located_name("match", keyword.span, crate_path);
    let matches = call_at(keyword.span, &quote!(#private::matches), &quote!(#fork_input, #name, &mut #plan));
    // The value has the place of the keyword: where a case is forgotten, that is where rustc points.
    let value = Ident::new("__value", keyword.span);
    let cases = arms.iter().enumerate().map(|(index, Arm { pattern, guard, value, steps })| {
        let guard = guard.as_ref().map(|guard| quote!(if #guard));
        // An arm ends where its chain does: behind that rustc shows how the one that is missing would look.
        let at = steps.last().map_or_else(Span::call_site, Step::span);
        let choice = choice(index, arms.len(), &value.to_token_stream(), at, crate_path);
        quote!(#pattern #guard => #choice,)
    });
    let choose = quote_spanned!(keyword.span=> move |#value| #keyword #value { #(#cases)* });
    let edges: Vec<_> = (0..arms.len()).map(|index| hygienic("arm", index)).collect();
    let (chooses, chosen) = choices(&edges, &choose, &fork_input.to_token_stream(), 0, crate_path);
    let names: Vec<_> = (0..arms.len()).map(|index| hygienic("branch", index)).collect();
    let ends: Vec<_> = (0..arms.len()).map(|index| hygienic("end", index)).collect();
    let branches = arms.iter().enumerate().map(|(index, arm)| {
        let open_branch = open_branch(index, &label(arm), &[]);
        let Branch { statements, stages, fork_end } =
            expand_branch(&arm.steps, &edges[index].to_token_stream(), crate_path);
        let (name, behind, chain) = (&names[index], &ends[index], nest_chain(stages, crate_path));
        quote! {
            #open_branch
            let (#name, #behind) = {
                #statements
                (#chain, #fork_end)
            };
        }
    });
    let steps: Vec<_> = arms.iter().map(|arm| &arm.steps).collect();
    let agreement = ends_as_first(&steps, &ends, crate_path);
    let routed = routed(&names, &chosen, 0, crate_path);
    let (code_site, fork) = (code_site(), fork());
    quote! {{
        let #fork_input = #edge;
        let #code_site = #matches;
        let _ = #plan.open(#private::ForkKind::Route);
        #chooses
        #(#branches)*
        let #fork_end = #plan.close(&[]);
        let #fork = #routed;
        #agreement
        #private::finish_fork(#edge, #fork)
    }}
}

/// The arm `index` of so many, as the runtime's enums say it. What is beyond the widest is in its last one.
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

/// Binds the ports of the arms; and the variables of the choices, the outermost first.
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

/// The route of these arms, and within its last arm that of the others.
fn routed(names: &[Ident], chosen: &[Ident], first: usize, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    // What goes into the last arm of a wide route is counted in there, and what leaves it out here.
    let fork_end = if first == 0 { fork_end().into_token_stream() } else { quote!(#private::uncounted()) };
    let Some((choose, inner)) = chosen.split_first() else { return TokenStream::new() };
    let open_branch = |index: usize| hygienic("head", first + index).into_token_stream();
    let edge = if first == 0 { fork_input() } else { hygienic("rest", first / (MAX_ARITY - 1) - 1) };
    let code_site = self::code_site();
    if inner.is_empty() {
        let branch_ids = (0..names.len()).map(open_branch);
        return quote!(#private::route(#edge, #code_site, #choose, (#(#names,)*), [#(#branch_ids),*], #fork_end));
    }
    let (own, others) = names.split_at(MAX_ARITY - 1);
    let rest = routed(others, inner, first + MAX_ARITY - 1, crate_path);
    let branch_ids = (0..own.len()).map(open_branch);
    quote! {
        #private::route(
            #edge, #code_site, #choose,
            (#(#own,)* #private::inner_route(#rest),),
            [#(#branch_ids,)* #private::uncounted()],
            #fork_end,
        )
    }
}

/// The pattern of an arm, as it reads in a picture.
fn label(Arm { pattern, guard, .. }: &Arm) -> String {
    let guard = guard.as_ref().map(|guard| format!(" if {}", tidy(&guard.to_token_stream())));
    tidy(&pattern.to_token_stream()) + &guard.unwrap_or_default()
}

/// Tokens with the spaces that a person would leave.
fn tidy(tokens: &TokenStream) -> String {
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
