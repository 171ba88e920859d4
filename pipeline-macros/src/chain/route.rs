//! `match { … }` → the choice of an arm, in the user's own patterns, and the arms.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Token;

use super::branches::{Row, end, ends_as_first, entry, head, made, place, row};
use super::expand::{call_at, hygienic, nest, place_name, plan};
use super::model::{Arm, Step};
use crate::paths::CratePath;

/// The most arms that one of the runtime's routes has.
const WIDEST: usize = 8;

/// `match { … }`
pub(crate) fn route(
    keyword: Token![match],
    arms: &[Arm],
    port: &Ident,
    crate_path: &CratePath,
) -> TokenStream {
    let (private, plan, entry, end) = (crate_path.private(), plan(), entry(), end());
    let name = place_name("match", keyword.span, crate_path);
    let matches = call_at(keyword.span, &quote!(#private::matches), &quote!(#entry, #name, &mut #plan));
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
    let ports: Vec<_> = (0..arms.len()).map(|index| hygienic("arm", index)).collect();
    let (chooses, chosen) = choices(&ports, &choose, &entry.to_token_stream(), 0, crate_path);
    let names: Vec<_> = (0..arms.len()).map(|index| hygienic("branch", index)).collect();
    let ends: Vec<_> = (0..arms.len()).map(|index| hygienic("end", index)).collect();
    let rows = arms.iter().enumerate().map(|(index, arm)| {
        let head = head(index, &label(arm), &[]);
        let Row { statements, stages, end } = row(&arm.steps, &ports[index].to_token_stream(), crate_path);
        let (name, behind, chain) = (&names[index], &ends[index], nest(stages, crate_path));
        quote! {
            #head
            let (#name, #behind) = {
                #statements
                (#chain, #end)
            };
        }
    });
    let steps: Vec<_> = arms.iter().map(|arm| &arm.steps).collect();
    let agreement = ends_as_first(&steps, &ends, crate_path);
    let routed = routed(&names, &chosen, 0, crate_path);
    let (place, made) = (place(), made());
    quote! {{
        let #entry = #port;
        let #place = #matches;
        let _ = #plan.open(#private::ForkKind::Route);
        #chooses
        #(#rows)*
        let #end = #plan.close(&[]);
        let #made = #routed;
        #agreement
        #private::finish_fork(#port, #made)
    }}
}

/// The arm `index` of so many, as the runtime's enums say it. What is beyond the widest is in its last one.
fn choice(index: usize, count: usize, value: &TokenStream, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let one_of = format_ident!("OneOf{}", count.min(WIDEST));
    if count > WIDEST && index >= WIDEST - 1 {
        let inner = choice(index - (WIDEST - 1), count - (WIDEST - 1), value, at, crate_path);
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
    ports: &[Ident],
    choose: &TokenStream,
    port: &TokenStream,
    depth: usize,
    crate_path: &CratePath,
) -> (TokenStream, Vec<Ident>) {
    let private = crate_path.private();
    let chosen = hygienic("choose", depth);
    let choice = format_ident!("choice{}", ports.len().min(WIDEST));
    if ports.len() <= WIDEST {
        return (quote!(let (#chosen, (#(#ports,)*)) = #private::#choice(#port, #choose);), vec![chosen]);
    }
    let (own, others) = ports.split_at(WIDEST - 1);
    let rest = hygienic("rest", depth);
    let (inner, mut inner_chosen) =
        choices(others, &quote!(|value| value), &rest.to_token_stream(), depth + 1, crate_path);
    inner_chosen.insert(0, chosen.clone());
    (
        quote! {
            let (#chosen, (#(#own,)* #rest,)) = #private::#choice(#port, #choose);
            #inner
        },
        inner_chosen,
    )
}

/// The route of these arms, and within its last arm that of the others.
fn routed(names: &[Ident], chosen: &[Ident], first: usize, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    // What goes into the last arm of a wide route is counted in there, and what leaves it out here.
    let end = if first == 0 { end().into_token_stream() } else { quote!(#private::uncounted()) };
    let Some((choose, inner)) = chosen.split_first() else { return TokenStream::new() };
    let head = |index: usize| hygienic("head", first + index).into_token_stream();
    let port = if first == 0 { entry() } else { hygienic("rest", first / (WIDEST - 1) - 1) };
    let place = self::place();
    if inner.is_empty() {
        let heads = (0..names.len()).map(head);
        return quote!(#private::route(#port, #place, #choose, (#(#names,)*), [#(#heads),*], #end));
    }
    let (own, others) = names.split_at(WIDEST - 1);
    let rest = routed(others, inner, first + WIDEST - 1, crate_path);
    let heads = (0..own.len()).map(head);
    quote! {
        #private::route(
            #port, #place, #choose,
            (#(#own,)* #private::inner_route(#rest),),
            [#(#heads,)* #private::uncounted()],
            #end,
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
