//! Every path into the runtime crate.

use proc_macro2::TokenStream;
use quote::quote;

/// Where the runtime is: `::pipeline`, or what `crate = path` says.
#[derive(Clone)]
pub(crate) struct Runtime(TokenStream);

impl Default for Runtime {
    fn default() -> Self {
        Self(quote!(::pipeline))
    }
}

impl Runtime {
    pub(crate) fn at(path: &syn::Path) -> Self {
        Self(quote!(#path))
    }

    /// The crate itself: what users see.
    pub(crate) fn root(&self) -> &TokenStream {
        &self.0
    }

    /// What is there for the macros alone.
    pub(crate) fn private(&self) -> TokenStream {
        let Self(root) = self;
        quote!(#root::__private)
    }
}
