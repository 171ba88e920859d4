//! What the expansions of all steps share: the variables of the generated code, and calls that check a type.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::arity::MAX_ARITY;
use crate::chain::dataflow::Use;
use crate::codegen::{call_at, hygienic, respan};
use crate::crate_path::CratePath;

/// The variable of a step.
pub(super) fn stage_variable(index: usize) -> Ident {
    hygienic("stage", index)
}

/// The variable of the edge before a step.
pub(super) fn edge_variable(index: usize) -> Ident {
    hygienic("edge", index)
}

/// The plan, in which each step gets its number.
pub(super) fn plan() -> Ident {
    Ident::new("__plan", Span::mixed_site())
}

/// The edge into a fork.
pub(super) fn fork_input() -> Ident {
    Ident::new("__fork_input", Span::mixed_site())
}

/// The number of a fork's end in the plan.
pub(super) fn fork_end() -> Ident {
    Ident::new("__fork_end", Span::mixed_site())
}

/// Where a fork's own code is, for panics.
pub(super) fn code_site() -> Ident {
    Ident::new("__code_site", Span::mixed_site())
}

/// The value of a fork. A check that fails gives it an unknown type, which silences what depends on it.
pub(super) fn fork_value() -> Ident {
    Ident::new("__fork", Span::mixed_site())
}

/// How a call takes an argument: borrowed, cloned or moved.
pub(super) fn mode_variable(Use { call, argument, .. }: Use) -> Ident {
    Ident::new(&format!("__mode{call}_{argument}"), Span::mixed_site())
}

/// Calls a function that checks the types of these variables. All tokens have one span, so that rustc reports a failure
/// there, and once.
pub(super) fn check_at(at: Span, function: &TokenStream, variables: &[&Ident]) -> TokenStream {
    // To rustc these are tokens of the user.
    let values: Vec<_> = (0..variables.len()).map(|index| Ident::new(&format!("value{index}"), at)).collect();
    let call = call_at(at, function, &quote_spanned!(at=> #(#values),*));
    quote! {{
        #(let #values = #variables;)*
        #call
    }}
}

/// Checks that the type of an edge is not what these traits of the runtime refuse. Their integer is what they infer by.
pub(super) fn refuse(traits: &[&str], edge: &Ident, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let checks = traits.iter().map(|name| {
        let name = Ident::new(name, at);
        let value = Ident::new("value", at);
        let mut integer = Literal::usize_unsuffixed(0);
        integer.set_span(Span::mixed_site().located_at(at));
        let check = call_at(at, &quote!(#private::#name::__check), &quote!(#value, #integer));
        quote!({ let #value = #edge; #check; })
    });
    checks.collect()
}

/// Checks the edge before a stage. Gives the stage and the edge after it.
pub(super) fn connect(stage: &TokenStream, edge: &Ident, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    // To rustc this is a token of the user: otherwise it would add a note on macros to each mismatch.
    let value = Ident::new("stage", at);
    let plan = plan();
    let connect = call_at(at, &quote!(#private::Accepts::__connect), &quote!(#edge, #value, &mut #plan));
    quote! {{
        let #value = #stage;
        #connect
    }}
}

/// A chain of any length, as nested tuples of at most `MAX_ARITY`.
pub(super) fn nest_chain(mut stages: Vec<TokenStream>, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    while stages.len() > MAX_ARITY {
        stages = stages.chunks(MAX_ARITY).map(|chunk| quote!(#private::Chain((#(#chunk,)*)))).collect();
    }
    quote!(#private::Chain((#(#stages,)*)))
}

/// The name of code that has none: `closure at src/main.rs:7`.
pub(super) fn located_name(kind: &str, at: Span, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let prefix = format!("{kind} at ");
    // With another span, the line would be that of the macro.
    respan(quote!(#private::concat!(#prefix, #private::file!(), ":", #private::line!())), at)
}
