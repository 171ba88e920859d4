//! The path of the runtime crate.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::codegen::respan;

/// `::pipeline`, or what `crate = path` says.
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

    /// The same path, with another span.
    pub(crate) fn respanned(&self, at: Span) -> Self {
        Self(respan(self.0.clone(), at))
    }

    /// The module of what only generated code uses.
    pub(crate) fn private(&self) -> TokenStream {
        let Self(root) = self;
        quote!(#root::__private)
    }
}
