//! Identifiers and spans of generated code.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::quote_spanned;

/// A variable, field or type that user code cannot name: `__stage3`.
pub(crate) fn hygienic(name: &str, index: usize) -> Ident {
    Ident::new(&format!("__{name}{index}"), Span::mixed_site())
}

/// The same tokens, with another span.
///
/// An error spans from the first to the last token of what it is about: one token from elsewhere would widen the caret
/// up to there.
pub(crate) fn respan(tokens: TokenStream, at: Span) -> TokenStream {
    let respanned = tokens.into_iter().map(|mut token| {
        // Lints compare a literal with the source text at its span.
        if matches!(token, TokenTree::Literal(_)) {
            return token;
        }
        if let TokenTree::Group(group) = &token {
            token = TokenTree::Group(Group::new(group.delimiter(), respan(group.stream(), at)));
        }
        token.set_span(at);
        token
    });
    respanned.collect()
}

/// A call whose tokens all have one span, so that rustc reports it there.
pub(crate) fn call_at(at: Span, function: &TokenStream, arguments: &TokenStream) -> TokenStream {
    let function = respan(function.clone(), at);
    quote_spanned!(at=> #function(#arguments))
}
