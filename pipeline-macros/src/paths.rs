//! Every path into the runtime crate.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::quote;

/// Where the runtime is: `::pipeline`, or what `crate = path` says.
#[derive(Clone)]
pub(crate) struct CratePath(TokenStream);

impl Default for CratePath {
    fn default() -> Self {
        Self(quote!(::pipeline))
    }
}

impl CratePath {
    pub(crate) fn new(path: &syn::Path) -> Self {
        Self(quote!(#path))
    }

    /// The same paths, as if they were written at another place.
    pub(crate) fn respanned(&self, at: Span) -> Self {
        Self(respan(self.0.clone(), at))
    }

    /// What is there for the macros alone.
    pub(crate) fn private(&self) -> TokenStream {
        let Self(root) = self;
        quote!(#root::__private)
    }
}

/// The same tokens, at another place.
///
/// An error spans from the first to the last token of what it is about: a single one from elsewhere would widen the
/// caret up to there.
pub(crate) fn respan(tokens: TokenStream, at: Span) -> TokenStream {
    let respanned = tokens.into_iter().map(|mut token| {
        // Lints compare a literal with what is written at its place.
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
